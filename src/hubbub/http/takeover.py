"""Taking a connection over from uvicorn, so that a frame goes to a socket with nothing in between.

The only module that knows uvicorn's insides. An application sees an ASGI scope extension, ``hubbub.takeover``: a
function that, after ``http.response.start`` was sent, puts another `asyncio.Protocol` on the transport; from then on
the HTTP server has forgotten the connection. Where the extension is missing (TLS, another ASGI server) a stream is sent
the plain ASGI way.

What we lean on, held by ``tests/http/test_takeover.py``: `HttpToolsProtocol` keeps its connections in ``connections``,
its request in ``cycle``, makes the scope in ``on_message_begin``, collects ``headers`` until ``on_headers_complete``,
turns what a callback raises into a 400, and leaves a cycle whose ``disconnected`` is set alone when the application
returns.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hubbub.errors import Malformed
from hubbub.http.problems import problem_bytes

EXTENSION = "hubbub.takeover"

ABORT = "hubbub.abort"
"""Another extension: drops the connection now, for a stream over TLS whose client takes nothing."""

Takeover = Callable[[asyncio.Protocol], bool]
"""Puts a protocol on the request's transport. False: the client has gone already."""

MAX_HEAD = 64 * 1024
"""Bytes that may come without a whole head or a part of a body coming of them: an endless target, header, trailer or
chunk extension. Above it the request is refused and the connection closed; the parser has no bound of its own.
"""

HEAD_WITHIN = 15.0
"""Seconds in which a new connection, or a request that has begun, must bring a whole head. Else it is dropped: without
this, whoever opens connections and says nothing would use up the open files.
"""

BODY_WITHIN = 30.0
"""Seconds in which a body must follow its head; the largest that is taken has 16 KiB."""

_GOODBYE = 1.0
"""Seconds a client has to close its side when the server stops."""

_H2C = re.compile(rb"\r\nupgrade(?=:[ \t]*h2c[ \t]*\r\n)", re.IGNORECASE)


def takeover_of(scope: Any) -> Takeover | None:
    """The request's take-over, or None where its server has none."""
    takeover: Takeover | None = scope.get("extensions", {}).get(EXTENSION)
    return takeover


def abort_of(scope: Any) -> Callable[[], None] | None:
    """What drops the request's connection, or None where its server has no such thing."""
    abort: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT)
    return abort


class TakeoverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with the extension, with problem documents for requests that can't be parsed, and
    with a bound on what it keeps of them.
    """

    _between_requests = True
    _in_head = False
    _progressed = False
    _pending = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._must_go_on_within(HEAD_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._must_go_on_within(None)
        super().connection_lost(exc)

    def _must_go_on_within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._progressed = False
        if self._between_requests and b"h2c" in data:
            data = _without_h2c(data)
        super().data_received(data)
        self._pending = 0 if self._progressed else self._pending + len(data)
        if self._pending > MAX_HEAD and not self.transport.is_closing():
            self._refuse(f"The request's line and headers take more than {MAX_HEAD} bytes; send fewer.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between_requests = False
        self._in_head = self._progressed = True
        self._must_go_on_within(HEAD_WITHIN)
        extensions = cast(dict[str, Any], self.scope.setdefault("extensions", {}))  # ASGI's own take dictionaries
        extensions[ABORT] = self.transport.abort
        if self.scheme == "http":
            extensions[EXTENSION] = self._take_over

    def on_header(self, name: bytes, value: bytes) -> None:
        # uvicorn would put trailers among the headers, which the application is reading by then.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._progressed = False, True
        self._must_go_on_within(BODY_WITHIN)
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("one Host header is a must (RFC 9112, section 3.2)")  # the parser makes it a 400
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._between_requests = self._progressed = True
        self._must_go_on_within(None)
        super().on_message_complete()

    def shutdown(self) -> None:
        """Close an idle connection, over TLS also if the client ignores the goodbye (RFC 8446, section 6.1)."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(_GOODBYE, self.transport.abort)

    def _take_over(self, successor: asyncio.Protocol) -> bool:
        transport, cycle = self.transport, self.cycle
        if cycle.disconnected or transport.is_closing():
            return False
        self._unset_keepalive_if_required()
        self._must_go_on_within(None)
        self.flow.resume_reading()
        self.pipeline.clear()
        self.connections.discard(self)
        cycle.disconnected = True  # the application may return without a word more
        cycle.message_event.set()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        return True

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP."""
        self._refuse("This is not a well-formed HTTP/1.1 request.")

    def _refuse(self, detail: str) -> None:
        """Answer and close: what follows on the connection can't be told apart from the bad request."""
        refusal = Malformed(detail, code="bad_http")
        body = problem_bytes(refusal)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()


def _without_h2c(data: bytes) -> bytes:
    """A request's first bytes without an offer of HTTP/2 in clear text, which Java's client and ``curl --http2`` make.

    A server that does not take the offer goes on as if it were not there (RFC 9110, section 7.8); the parser would take
    the request's body for another protocol's bytes.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _H2C.sub(rb"\r\nx-ignored-upgrade", head + end) + rest
