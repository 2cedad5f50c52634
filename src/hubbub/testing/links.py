"""A network link that can be cut, frozen or broken, between a process and what it depends on.

A cut drops no bytes. As in a real network, what was sent is sent again once the link is mended, unless one side has
given up by then; and nobody is told that the link is cut.
"""

from __future__ import annotations

import asyncio

from hubbub.testing.tcp_proxy import READ, TcpProxy, both_ways


class Link(TcpProxy):
    """Passes connections on to ``host``:``port``, while it is not cut."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._up = asyncio.Event()
        self._up.set()
        self._ends: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """From now on nothing passes, and nobody is told."""
        self._up.clear()

    def mend(self) -> None:
        """Everything passes again, first what waited."""
        self._up.set()

    def lead_to(self, host: str, port: int) -> None:
        """New connections go there, as when an address is given to a replica; those that there are go on."""
        self.target = host, port

    def break_off(self) -> None:
        """End every connection with a reset; new ones are taken as before."""
        for end in list(self._ends):
            end.transport.abort()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """While the link is cut, a new connection is not taken to the other end."""
        self._ends.add(writer)
        try:
            await self._up.wait()
            source, target = await asyncio.open_connection(*self.target)
            self._ends.add(target)
            try:
                await both_ways(target, self._copy(reader, target), self._copy(source, writer))
            finally:
                self._ends.discard(target)
        finally:
            self._ends.discard(writer)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(READ):
            await self._up.wait()
            target.write(data)
            await target.drain()
