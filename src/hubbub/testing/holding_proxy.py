"""A proxy that holds streams back, as some at companies and on phones do: what has no end is never passed on.

For tests of whoever watches from behind one: other answers come through, so polls do.
"""

from __future__ import annotations

import asyncio

from hubbub.testing.tcp_proxy import HEAD_END, READ, TcpProxy, both_ways, copy


class HoldingProxy(TcpProxy):
    """Passes requests on to ``host``:``port``, one a connection, and answers back, unless they are event streams.

    ``held`` counts the streams that it has held back; ``heads``: their heads are passed on at least, as a proxy does
    that scans bodies.
    """

    def __init__(self, host: str, port: int, *, heads: bool = False) -> None:
        super().__init__(host, port)
        self.held = 0
        self._heads = heads

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(HEAD_END)
        lines = head[: -len(HEAD_END)].split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        source, target = await asyncio.open_connection(*self.target)
        target.write(b"\r\n".join([*kept, b"Connection: close"]) + HEAD_END)
        await both_ways(target, copy(reader, target), self._answer(source, writer))

    def done(self, writer: asyncio.StreamWriter) -> None:
        writer.close()  # what it was answered is still on its way

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        head = await source.readuntil(HEAD_END)
        if b"text/event-stream" in head.lower():
            self.held += 1
            if self._heads:
                target.write(head)
            while await source.read(READ):  # until it ends: only then would it be passed on, to nobody any more
                pass
            return
        target.write(head)
        await copy(source, target)
