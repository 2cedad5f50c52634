"""The pages and files that people see. All from this package; nothing from other hosts but a video's own media.

What strangers tell of a video (its title, where its media is) stands in a page as escaped text only, and names a host
in its Content-Security-Policy only as an origin that was checked letter by letter.
"""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Literal
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from hubbub.comments.draft import check_video_id
from hubbub.comments.known_videos import KnownVideos
from hubbub.comments.video_draft import MEDIA_ORIGIN
from hubbub.errors import Refusal
from hubbub.http.files import Files
from hubbub.http.openapi import openapi_document
from hubbub.http.problems import CODES, problem_headers
from hubbub.http.reference import POLICY, reference_page
from hubbub.http.watching import Watching

_WEB = files("hubbub.web")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; media-src {}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ORIGIN = re.compile(MEDIA_ORIGIN)
_SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

_SIGN_IN = {
    "no_token": "This server shows its videos to people whom its site has signed in. Watch there.",
    "no_such_video": "Nobody has told this server of such a video.",
}
"""In words for people; the other refusals' own sentences will do."""


def media_source(url: str | None) -> str | None:
    """What a page's ``media-src`` has to allow for its player to load ``url``: ``'self'`` or an origin. None for what
    can't be played from a page of ours.
    """
    if url is None or not url.startswith(("/", "http://", "https://")):
        return None
    if url.startswith("/"):
        return None if url.startswith(("//", "/\\")) else "'self'"
    origin = _ORIGIN.match(url)
    return None if origin is None else origin[0]


class Documents:
    """The contract, for programs and for people."""

    def __init__(self, *, version: str, max_text: int, watch: Literal["public", "token"]) -> None:
        document = openapi_document(version=version, max_text=max_text, watch=watch)
        self._openapi = JSONResponse(document)
        self._docs = HTMLResponse(reference_page(document), headers={**_SAFE, "content-security-policy": POLICY})

    async def openapi(self, request: Request) -> Response:
        """For programs."""
        return self._openapi

    async def docs(self, request: Request) -> Response:
        """For people."""
        return self._docs


class Pages:
    """``/`` and ``/watch/{video_id}``. ``dev``: with what a developer needs, for whoever comes: a guest's token does
    the rest. Else a page shows no more than the caller may watch.
    """

    def __init__(self, videos: KnownVideos, watching: Watching, *, max_text: int, dev: bool) -> None:
        self._videos = videos
        self._watching = watching
        self._max_text = max_text
        self._dev = dev
        self._templates = {
            name: Template((_WEB / f"{name}.html").read_text("utf-8")) for name in ("index", "watch", "notice")
        }
        self._files = Files([_WEB], {**_SAFE, "cache-control": "no-cache"}, (".css", ".js", ".svg", ".webm"))
        self.file = self._files.file

    async def index(self, request: Request) -> Response:
        """What is on."""
        try:
            if not self._dev:
                await self._watching.lister(request.scope, query_token=_query_token(request.scope))
        except Refusal as refusal:
            return self._notice(refusal)
        return self._page("index", {})

    async def watch(self, request: Request) -> Response:
        """A video with its comments."""
        try:
            video_id = check_video_id(request.path_params["video_id"])
            if not self._dev:
                await self._watching.viewer(request.scope, video_id, query_token=_query_token(request.scope))
            video = await self._videos.find(video_id)
        except Refusal as refusal:
            return self._notice(refusal)
        source = media_source(video.media_url)
        told = {
            "video": video_id,
            "title": video.title or video_id,
            "media": (video.media_url or "") if source else "",
            "max_text": str(self._max_text),
        }
        return self._page("watch", told, media=source)

    def _notice(self, refusal: Refusal) -> Response:
        """A refusal, for people."""
        known = CODES.get(refusal.code)
        told = {
            "title": known.title if known else refusal.title,
            "words": _SIGN_IN.get(refusal.code, refusal.detail),
        }
        page = self._page("notice", told)
        page.status_code = refusal.status
        page.headers.update(problem_headers(refusal))
        return page

    def _page(self, name: str, told: dict[str, str], *, media: str | None = None) -> Response:
        values = {key: escape(value) for key, value in told.items()}
        content = self._templates[name].substitute(values, dev="dev" if self._dev else "")
        policy = _POLICY.format(media or "'none'")
        return HTMLResponse(content, headers={**_SAFE, "content-security-policy": policy, "cache-control": "no-store"})


def _query_token(scope: Scope) -> str | None:
    """A token to watch with. Other parameters are whatever links to pages carry."""
    values = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("access_token")
    return None if values is None else values[0]
