"""``--dev``: guests without sign-up, and a demo, for this machine's own browser only.

Anybody who reaches a development server may post. So it must not be reached from elsewhere: by a page of another
origin, by a name that somebody points here (DNS rebinding), or through a proxy.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hubbub.comments.identity import mint_token
from hubbub.demo import LONGEST, MOST_RATE, Demo, DemoStatus
from hubbub.errors import Forbidden, Malformed, Unauthenticated
from hubbub.http.requests import header_values, read_body
from hubbub.ids import IdSource

_PROXY_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::\d{1,5})?")

_FRESH = {"cache-control": "no-store"}

GUEST_LIFETIME = 86_400
"""Seconds."""


class LoopbackOnly:
    """ASGI middleware: refuses what did not come from this machine's own pages and tools."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _check(scope)
        await self._app(scope, receive, send)


def _check(scope: Scope) -> None:
    for name in _PROXY_HEADERS:
        if header_values(scope, name):
            raise Forbidden(
                f"A development server takes no forwarded requests ({name.decode()}); behind a proxy leave --dev away.",
                code="dev_only_local",
            )
    hosts = header_values(scope, b"host")
    if not hosts and scope["http_version"] == "1.0":
        return
    if len(hosts) != 1 or not _is_loopback(hosts[0].decode("latin-1")):
        raise Forbidden(
            "A development server answers to localhost only; run without --dev to serve others.", code="dev_only_local"
        )
    for origin in header_values(scope, b"origin"):
        if not _is_loopback(_host_of(origin.decode("latin-1"))):
            raise Forbidden(
                "A development server takes no requests from pages of other origins.", code="dev_only_local"
            )


def _host_of(origin: str) -> str:
    """The host and port in an origin; empty where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # a bracket that is never closed
        return ""


def _is_loopback(host: str) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["six"] or match["name"]
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Guest(msgspec.Struct, forbid_unknown_fields=True):
    name: str = "Guest"
    moderator: bool = False


class Guests:
    """``POST /dev/guest`` ``{"name", "moderator"}`` → ``{"token", "user"}``: a token to read and post, for a day; to
    moderate too, for who asks.
    """

    def __init__(self, secret: str, ids: IdSource) -> None:
        self._secret = secret
        self._ids = ids

    async def guest(self, request: Request) -> Response:
        """A new guest. Raises `Malformed`, `hubbub.errors.TooLarge`."""
        try:
            asked = msgspec.json.decode(await read_body(request.scope, request.receive, 1024) or b"{}", type=_Guest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed('Send {"name": "…", "moderator": false}.', code="malformed") from None
        name = " ".join(asked.name.split())[:40] or "Guest"
        user_id = f"guest-{self._ids.next()[0][-12:]}"
        scopes = ("read", "post", "moderate") if asked.moderator else ("read", "post")
        roles = ("moderator",) if asked.moderator else ()
        try:
            token = mint_token(self._secret, user_id, name, scopes, GUEST_LIFETIME, roles=roles)
        except Unauthenticated:  # all else in it is ours
            raise Malformed(
                "The name must be of characters that can be shown; leave control characters away.",
                code="malformed",
                field="name",
            ) from None
        return JSONResponse({"token": token, "user": {"id": user_id, "name": name}}, headers=_FRESH)


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    seconds: Annotated[float, msgspec.Meta(ge=1, le=LONGEST)] = 600
    rate: Annotated[float, msgspec.Meta(ge=0.1, le=MOST_RATE)] = 3


class DemoCalls:
    """``/dev/demo``: what plays (``GET``), play (``POST`` ``{"seconds", "rate"}``), stop (``DELETE``). Each is answered
    ``{"video_id", "ends_at"}``, with null where nothing played yet, or plays.
    """

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    async def show(self, request: Request) -> Response:
        """What plays."""
        return _answer(self._demo.status())

    async def start(self, request: Request) -> Response:
        """Play; what plays already goes on. Raises `Malformed`, `hubbub.errors.TooLarge`."""
        try:
            wish = msgspec.json.decode(await read_body(request.scope, request.receive, 1024) or b"{}", type=_Wish)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed(
                f'Send {{"seconds": 1 to {LONGEST:g}, "rate": 0.1 to {MOST_RATE:g}}}.', code="malformed"
            ) from None
        return _answer(await self._demo.start(seconds=wish.seconds, rate=wish.rate))

    async def stop(self, request: Request) -> Response:
        """End it."""
        return _answer(await self._demo.stop())


def _answer(status: DemoStatus) -> Response:
    return JSONResponse(status._asdict(), headers=_FRESH)
