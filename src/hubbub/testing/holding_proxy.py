"""A proxy that holds streams back, as some at companies and on phones do: what has no end is never passed on.

For tests of whoever watches from behind one: other answers come through, so polls do.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_HEAD_END = b"\r\n\r\n"
_READ = 65_536


class HoldingProxy:
    """Passes requests on to ``host``:``port``, one a connection, and answers back, unless they are event streams.

    An async context manager. ``url`` is where it listens (loopback, a free port); ``held`` counts the streams that it
    has held back; ``heads``: their heads are passed on at least, as a proxy does that scans bodies.
    """

    def __init__(self, host: str, port: int, *, heads: bool = False) -> None:
        self.url = ""
        self.held = 0
        self._heads = heads
        self._target = host, port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        server, self._server = self._server, None
        server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        task.add_done_callback(lambda _: writer.transport.abort() if self._server is None else writer.close())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # either side may go at any moment
            head = await reader.readuntil(_HEAD_END)
            lines = [
                line for line in head[: -len(_HEAD_END)].split(b"\r\n") if not line.lower().startswith(b"connection:")
            ]
            source, target = await asyncio.open_connection(*self._target)
            target.write(b"\r\n".join([*lines, b"Connection: close"]) + _HEAD_END)
            ways = [
                asyncio.ensure_future(_copy(reader, target)),
                asyncio.ensure_future(self._answer(source, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)  # whichever side ends, the other is told
            finally:
                target.transport.abort()
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        head = await source.readuntil(_HEAD_END)
        if b"text/event-stream" in head.lower():
            self.held += 1
            if self._heads:
                target.write(head)
            while await source.read(_READ):  # until it ends: only then would it be passed on, to nobody any more
                pass
            return
        target.write(head)
        await _copy(source, target)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_READ):
        target.write(data)
        await target.drain()
