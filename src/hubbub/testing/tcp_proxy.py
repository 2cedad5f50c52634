"""A TCP proxy on loopback, for tests; what it does to what passes is its subclass's affair."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

READ = 65_536
HEAD_END = b"\r\n\r\n"


class TcpProxy(ABC):
    """Takes connections for ``host``:``port``. An async context manager; ``port`` and ``url`` are where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.target = host, port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens, for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which ends with this. Whatever either side does to it may be raised."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
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
        if self._server is None:  # it came in while we were closing
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Either side may go at any moment, and nobody may listen there.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.pass_on(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        self.done(writer)

    def done(self, writer: asyncio.StreamWriter) -> None:
        """The other end has gone, or was never there: so does this one."""
        writer.transport.abort()


async def both_ways(there: asyncio.StreamWriter, *ways: Coroutine[Any, Any, None]) -> None:
    """Pass on until either way has ended; then the other end is told, by a reset."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        there.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass everything on, as fast as it is taken."""
    while data := await source.read(READ):
        target.write(data)
        await target.drain()
