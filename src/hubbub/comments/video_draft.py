"""What somebody tells about a video, read and checked: the bodies of ``PUT``, ``start`` and ``end``.

As in `hubbub.comments.draft`, what can't be read is `Malformed` (400), and what breaks a rule is `Unprocessable` (422).
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from hubbub.comments.bodies import JsonBody, Whole, WholeFloat
from hubbub.comments.draft import WHITE_SPACE
from hubbub.errors import Unprocessable
from hubbub.model import MAX_SHARDS

MAX_TITLE = 200
"""Code points of a title."""

MAX_MEDIA_URL = 2048
"""Characters of a media URL, as many as browsers and proxies are sure to take."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The characters of RFC 3986 but for brackets, which only an IPv6 address may have. A host is one that a page's
# ``media-src`` can name, so without a user: what is public holds no password. A path begins with one slash: two, or a
# backslash, would lead to another host.
MEDIA_ORIGIN = r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?=[/?#]|$)"
MEDIA_URL = rf"^({MEDIA_ORIGIN}|/(?!/))[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*$"
_MEDIA_URL = re.compile(MEDIA_URL)


_Shards = Annotated[int, msgspec.Meta(ge=1, le=MAX_SHARDS)]
_ShardsFloat = Annotated[float, msgspec.Meta(ge=1, le=MAX_SHARDS, multiple_of=1)]  # 2.0 is the same number as 2 in JSON


class VideoDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ``PUT`` tells. A field that is left away stays as it is, one that is null is forgotten."""

    title: str | UnsetType | None = UNSET
    media_url: str | UnsetType | None = UNSET
    started_at: Whole | WholeFloat | UnsetType | None = UNSET
    shards: _Shards | _ShardsFloat | UnsetType | None = UNSET


class _Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


_told = JsonBody(
    VideoDraft,
    {
        "title": "a string or null",
        "media_url": "a string or null",
        "started_at": "null or a whole number from 0 to 2^53: milliseconds since the Unix epoch",
        "shards": f"null or a whole number from 1 to {MAX_SHARDS}",
    },
    '{"title": "Launch day"}',
)
_nothing = JsonBody(_Nothing, {}, "{}")


def read_video(body: bytes) -> VideoDraft:
    """The draft in a JSON body. Raises `TooLarge`, `Malformed`, and `Unprocessable` (codes ``bad_title``,
    ``bad_media_url``).
    """
    draft = _told.read(body)
    if isinstance(draft.title, str):
        draft = msgspec.structs.replace(draft, title=_check_title(draft.title))
    if isinstance(draft.media_url, str):
        _check_media_url(draft.media_url)
    return draft


def read_nothing(body: bytes) -> None:
    """Refuse a body that says anything: it would be taken for heard. Empty and ``{}`` are fine. Raises like
    `read_video`.
    """
    if body.strip():
        _nothing.read(body)


def _check_title(text: str) -> str:
    title = text.strip(WHITE_SPACE)
    if not title or len(title) > MAX_TITLE or _CONTROL.search(title):
        raise Unprocessable(
            f"A title is 1 to {MAX_TITLE} characters on one line, without control characters; null takes it away.",
            code="bad_title",
            field="title",
            limit=MAX_TITLE,
        )
    return title


def _check_media_url(text: str) -> None:
    if len(text) > MAX_MEDIA_URL or text.endswith("\n") or not _MEDIA_URL.search(text):
        raise Unprocessable(
            "A media URL begins with a single /, or with https:// or http:// and a host, without a user. It has at most"
            f" {MAX_MEDIA_URL} characters, others than those of RFC 3986 percent-encoded. Null takes it away.",
            code="bad_media_url",
            field="media_url",
            limit=MAX_MEDIA_URL,
        )
