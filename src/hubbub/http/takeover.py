"""Taking a connection over from uvicorn, so that a frame goes to a socket with nothing in between.

The only module that knows uvicorn's insides. An application sees an ASGI scope extension, ``hubbub.takeover``: a
function that, after ``http.response.start`` was sent, puts another `asyncio.Protocol` on the transport; from then on
the HTTP server has forgotten the connection. Where the extension is missing (TLS, another ASGI server) a stream is sent
the plain ASGI way.

What we lean on, held by ``tests/http/test_takeover.py``: `HttpToolsProtocol` keeps its connections in ``connections``,
its request in ``cycle``, makes the scope in ``on_message_begin``, and leaves a cycle whose ``disconnected`` is set
alone when the application returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hubbub.errors import Malformed
from hubbub.http.problems import problem_bytes

EXTENSION = "hubbub.takeover"

Takeover = Callable[[asyncio.Protocol], bool]
"""Puts a protocol on the request's transport. False: the client has gone already."""


def takeover_of(scope: Any) -> Takeover | None:
    """The request's take-over, or None where its server has none."""
    takeover: Takeover | None = scope.get("extensions", {}).get(EXTENSION)
    return takeover


class TakeoverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with the extension, and with problem documents for requests that can't be parsed."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.scheme == "http":
            self.scope["extensions"] = {EXTENSION: self._take_over}

    def _take_over(self, successor: asyncio.Protocol) -> bool:
        transport, cycle = self.transport, self.cycle
        if cycle.disconnected or transport.is_closing():
            return False
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self.pipeline.clear()
        self.connections.discard(self)
        cycle.disconnected = True  # the application may return without a word more
        cycle.message_event.set()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        return True

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, and close: what follows on the connection can't be told apart from it."""
        refusal = Malformed("This is not a well-formed HTTP/1.1 request.", code="bad_http")
        body = problem_bytes(refusal)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()
