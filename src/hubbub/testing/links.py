"""A network link that can be cut, frozen or broken: a TCP proxy on loopback between a process and what it depends on.

A cut drops no bytes. As in a real network, what was sent is sent again once the link is mended, unless one side has
given up by then; and nobody is told that the link is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

_READ = 65_536


class Link:
    """Passes connections on to ``host``:``port``. An async context manager; `host` and `port` are where it listens."""

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._target = host, port
        self._up = asyncio.Event()
        self._up.set()
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """From now on nothing passes, and nobody is told."""
        self._up.clear()

    def mend(self) -> None:
        """Everything passes again, first what waited."""
        self._up.set()

    def lead_to(self, host: str, port: int) -> None:
        """New connections go there, as when an address is given to a replica; those that there are go on."""
        self._target = host, port

    def break_off(self) -> None:
        """End every connection with a reset; new ones are taken as before."""
        for end in list(self._ends):
            end.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        server, self._server = self._server, None
        server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        self.break_off()
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it came in while we were closing
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it. While the link is cut, a new one is not taken to the other end."""
        ends = [writer]
        self._ends.add(writer)
        try:
            await self._up.wait()
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            ends.append(there_writer)
            self._ends.add(there_writer)
            ways = [
                asyncio.ensure_future(self._copy(reader, there_writer)),
                asyncio.ensure_future(self._copy(there_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # nobody listens there: the connection ends, as it would without us
        finally:
            for end in ends:
                self._ends.discard(end)
                end.transport.abort()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_READ):
                await self._up.wait()
                target.write(data)
                await target.drain()
