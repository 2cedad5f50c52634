"""Answering: uvicorn's request and response, but that an answer of known length goes out as one piece.

uvicorn looks every header over with regular expressions and writes head and body apart, which is a tenth of what a post
costs. Anything but a plain answer (streams, HEAD, a connection that is to close, a client that does not read) goes
uvicorn's own way. Like `hubbub.http.takeover`, this leans on uvicorn's insides: ``response_started``,
``response_complete``, ``message_event``, ``on_response``, and `STATUS_LINE`.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Cycle(RequestResponseCycle):
    """One request and its answer. ``_head``: the answer's, while it waits for the body; ``_length``: the body's."""

    _head: bytes | None = None
    _length = 0

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and self._begin(message):
            return
        if self._head is not None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._finish(message.get("body", b""))
                return
            self._go_on_in_pieces()
        await super().send(message)

    def _begin(self, message: Any) -> bool:
        """Keep a plain answer's head for its body; False for any other."""
        if self.response_started or not self.keep_alive or self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        length = None
        headers = [*self.default_headers, *message.get("headers", ())]
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name in (b"connection", b"transfer-encoding"):
                return False
        if length is None:
            return False
        head = STATUS_LINE[message["status"]] + b"".join([b"%b: %b\r\n" % header for header in headers]) + b"\r\n"
        if head.count(b"\n") != len(headers) + 2 or head.count(b"\r") != len(headers) + 2:
            return False  # a line break in a header: uvicorn refuses it
        self._head, self._length = head, length
        self.response_started = True
        self.waiting_for_100_continue = False
        return True

    def _go_on_in_pieces(self) -> None:
        """Of known length and yet not in one piece: the head goes, the rest is uvicorn's."""
        head, self._head = self._head, None
        self.chunked_encoding, self.expected_content_length = False, self._length
        if head is not None and not self.disconnected:
            self.transport.write(head)

    def _finish(self, body: bytes) -> None:
        head, self._head = self._head, None
        if len(body) != self._length or head is None:
            raise RuntimeError(f"an answer of {len(body)} bytes, and {self._length} were announced")
        if self.disconnected:
            return
        self.transport.write(head + body)
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
