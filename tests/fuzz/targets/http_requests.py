"""Any bytes on a connection to a whole server: answered in well-formed HTTP, never with 500, and the server goes on.

The first byte says in how many parts the rest is sent. ``TOKEN`` in it is replaced by a good token, and a good request
follows, which must be answered too if nothing before it was to blame.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from hubbub.testing.server import Running, running_server, token

SEEDS = [
    b"\x00GET /v1/videos/v/comments?limit=5 HTTP/1.1\r\nHost: x\r\n\r\n",
    (
        b"\x03POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\nIdempotency-Key: k\r\n"
        b'Content-Length: 13\r\n\r\n{"text": "x"}'
    ),
    (
        b"\x05POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n"
        b"Transfer-Encoding: chunked\r\n"
        b'\r\n5;ext=1\r\n{"tex\r\n8\r\nt": "x"}\r\n0\r\nTrailer: x\r\n\r\n'
    ),
    b"\x00GET /v1/videos/v/comments/stream?batch=1 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: e.1.0\r\n\r\n",
    b"\x01OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\nHEAD /healthz HTTP/1.0\r\n\r\n",
    b"\x07POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    (
        b"\x00GET /docs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AA\r\n\r\n"
    ),
    (
        b"\x02PUT /v1/videos/v/comments/01890a5d-ac96-774b-bcce-b302099a8057/pin HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer TOKEN\r\nContent-Length: 0\r\n\r\n"
    ),
    (
        b"\x00OPTIONS /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
        b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
    ),
    b"\x00DELETE /v1/videos/%2e%2e/comments/x HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
    b"\x00GET http://x/openapi.json HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\r\nAccept-Encoding: gzip\r\n\r\n",
]
DICTIONARY = [
    *(b"GET ", b"POST ", b"HEAD ", b"CONNECT ", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b"\r\n\r\n"),
    *(
        b"Host: x\r\n",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n0\r\n\r\n",
    ),
    *(b"/v1/videos/v/comments", b"/stream", b"/pin", b"/metrics", b"Authorization: Bearer TOKEN\r\n", b"%00", b"//"),
    *(b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"Range: bytes=0-1\r\n", b"If-None-Match: *\r\n"),
]
MAX_LENGTH = 70 * 1024
WEIGHT = 4

_ALLOWED = {200, 201, 204, 304, 307, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 501, 503, 505, 100}
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z' -]*\r\n((?:[a-zA-Z-]+: ?[^\r\n]*\r\n)*)\r\n")
_NAMES = {
    *(b"content-type", b"content-length", b"transfer-encoding", b"connection", b"date", b"server", b"x-request-id"),
    *(b"cache-control", b"retry-after", b"www-authenticate", b"allow", b"vary", b"x-accel-buffering", b"location"),
    *(b"idempotency-replayed", b"content-security-policy", b"x-content-type-options", b"referrer-policy", b"link"),
    *(b"etag", b"x-frame-options", b"content-encoding", b"last-modified"),
}
_SENTINEL = b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: sentinel\r\n\r\n"
_QUIET = 0.02
"""Seconds without an answer after which the client ends its side: it has sent half a request, or watches."""


class _Faults(logging.Handler):
    """What the server logs as a fault of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record))


_faults = _Faults()
_loop: asyncio.AbstractEventLoop
_server: Running
_token = token("ada", ("read", "post", "moderate"), lifetime=10**9).encode()


@contextmanager
def ready() -> Iterator[None]:
    """A server for all inputs."""
    global _loop, _server  # noqa: PLW0603 - one a process
    _loop = uvloop.new_event_loop()
    _loop.set_exception_handler(_lost_error)
    logging.getLogger().addHandler(_faults)
    stack = AsyncExitStack()
    try:
        with tempfile.TemporaryDirectory() as directory:
            _server = _loop.run_until_complete(stack.enter_async_context(running_server(Path(directory))))
            try:
                yield
            finally:
                _loop.run_until_complete(stack.aclose())
    finally:
        logging.getLogger().removeHandler(_faults)
        _loop.close()


def _lost_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _faults.seen.append(f"{context.get('message')}: {context.get('exception')!r}")


def check(data: bytes) -> None:
    """The connection ends, every answer is one of HTTP's, and nothing went wrong inside."""
    parts, sent = (data[0] if data else 0) % 16 + 1, data[1:].replace(b"TOKEN", _token)
    received = _loop.run_until_complete(asyncio.wait_for(_exchange(sent, parts), 10))
    faults, _faults.seen = _faults.seen, []
    assert not faults, "\n".join(faults)
    heads = list(_HEAD.finditer(received))
    assert not received or (heads and heads[0].start() == 0), received[:200]
    for head in heads:
        assert int(head[1]) in _ALLOWED, head[0]
        names = {line.partition(b":")[0].lower() for line in head[2].splitlines()}
        assert all(name in _NAMES or name.startswith(b"access-control-") for name in names), head[0]


async def _exchange(sent: bytes, parts: int) -> bytes:
    """All that comes back on one connection."""
    host, _, port = _server.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    received = b""
    try:
        step = len(sent) // parts + 1
        pieces = [*(sent[at : at + step] for at in range(0, len(sent), step)), _SENTINEL]
        for piece in pieces:
            if writer.is_closing():
                break
            writer.write(piece)
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            while b"sentinel\r\n" not in received:
                part = await asyncio.wait_for(reader.read(2**16), _QUIET)
                if not part:
                    return received
                received += part
        if not writer.is_closing():
            writer.write_eof()
        received += await reader.read()
    except OSError:  # refused in the middle of what we were sending
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return received
