"""Viewers as the web brings them: a taken-over socket, or a plain ASGI response."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Protocol, cast

from starlette.types import Receive, Send

from hubbub.fanout.viewer import Format, Viewer
from hubbub.wire.chunks import LAST_CHUNK

_FAREWELL = 5.0
"""Seconds an ended stream may take to flush its last bytes."""

_CHUNKED = {batch: Format(batch=batch, chunked=True) for batch in (False, True)}


class Seat(Protocol):
    """A viewer's place in the bounds."""

    def leave(self) -> None:
        """Give it back."""


class SocketViewer(Viewer, asyncio.Protocol):
    """A viewer whose transport is ours alone.

    The write buffer's limit is 0: the transport says at once when the kernel's buffer (``sndbuf`` bytes, doubled by
    Linux) is full, and holds at most the rest of one frame.
    """

    __slots__ = ("_blocked", "_seat", "_sndbuf", "_transport")

    def __init__(self, *, batch: bool, backlog: int, sndbuf: int, seat: Seat) -> None:
        super().__init__(_CHUNKED[batch], backlog)
        self._sndbuf = sndbuf
        self._seat = seat
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are none of asyncio's classes
        same = transport.get_extra_info("socket")
        # A second object over the transport's descriptor; `connection_lost` parts them, or this one would close it.
        self.socket = socket.SocketType(same.family, same.type, same.proto, same.fileno())
        with contextlib.suppress(OSError):  # the client may have gone this instant
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._sndbuf)
        self._transport.set_write_buffer_limits(high=0)

    def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._blocked:
            self.paused()

    def pause_writing(self) -> None:
        self._blocked = True  # `write`, which is on the stack above us, goes on from here

    def resume_writing(self) -> None:
        self._blocked = False
        self.resumed()

    def data_received(self, data: bytes) -> None:
        """Whoever watches has nothing more to say; what comes is dropped."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost()
        self.socket.detach()
        self._seat.leave()

    def unsent(self) -> int:
        return self._transport.get_write_buffer_size()

    def end(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(LAST_CHUNK)
            self._transport.close()
            asyncio.get_running_loop().call_later(_FAREWELL, self._transport.abort)

    def abort(self) -> None:
        self._transport.abort()


class AsgiViewer(Viewer):
    """A viewer behind any ASGI server: it takes frames as fast as ``send`` returns.

    ``abort_connection`` drops the connection, where the server has a way to; else it goes when the server lets it.
    """

    __slots__ = ("_abort_connection", "_ended", "_outbox", "_pump", "_sending", "_wake")

    pauses_always = True

    def __init__(self, *, batch: bool, backlog: int, abort_connection: Callable[[], None] | None = None) -> None:
        super().__init__(Format(batch=batch, chunked=False), backlog)
        self._abort_connection = abort_connection
        self._outbox: list[bytes] = []  # at most a frame and a farewell: the channel writes only after `resumed`
        self._sending = 0
        self._wake = asyncio.Event()
        self._ended = False
        self._pump: asyncio.Task[None] | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """Send until the stream ends or the client goes."""
        loop = asyncio.get_running_loop()
        self._pump = loop.create_task(self._send_all(send))
        gone = loop.create_task(disconnected(receive))
        try:
            await asyncio.wait([self._pump, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lost()
            for task in (self._pump, gone):
                task.cancel()
            await asyncio.gather(self._pump, gone, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            data = b"".join(self._outbox)
            self._outbox.clear()
            self._sending = len(data)
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
                self._sending = 0
            if self._ended and not self._outbox:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if not self._outbox:
                self.resumed()

    def write(self, data: bytes) -> None:
        self._outbox.append(data)
        self._wake.set()
        self.paused()

    def unsent(self) -> int:
        return self._sending + sum(map(len, self._outbox))

    def end(self) -> None:
        self._ended = True
        self._wake.set()
        asyncio.get_running_loop().call_later(_FAREWELL, self.abort)

    def abort(self) -> None:
        if self._pump is not None and not self._pump.done():
            if self._abort_connection is not None:
                self._abort_connection()
            self._pump.cancel()


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
