"""A TCP proxy that cuts connections off: after so many events, at any byte, politely or with a reset.

For tests of whoever reads a stream over a bad line. What it does follows from its cuts, so a seed makes a run that can
be had again.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hubbub.testing.tcp_proxy import HEAD_END, READ, TcpProxy, both_ways, copy

_EVENT_END = b"\n\n"


class Cut(NamedTuple):
    """Where one connection ends: whichever of ``events`` and ``bytes`` comes first, None being never.

    ``events``: right after so many events of the answer's body (whatever ends in an empty line). ``bytes``: after so
    many bytes of the body; -1 is before the answer has begun. ``hard``: with a TCP reset, which may take bytes with it
    that the client had not read yet; else with a FIN, as a server or proxy that ends in good order.
    """

    events: int | None = None
    bytes: int | None = None
    hard: bool = False


NEVER = Cut()
"""Leaves a connection alone."""


def random_cuts(seed: int, *, events: int, bytes: int) -> Iterator[Cut]:
    """Cuts without end: half after 1 to ``events`` events, most others at any byte up to ``bytes`` (in an event, in a
    character; sooner more often than later), a few before any answer.
    """
    rng = random.Random(seed)
    while True:
        hard = rng.random() < 0.3
        kind = rng.random()
        if kind < 0.5:
            yield Cut(events=rng.randint(1, events), hard=hard)
        elif kind < 0.95:
            yield Cut(bytes=round(bytes * rng.random() ** 3), hard=hard)
        else:
            yield Cut(bytes=-1, hard=hard)


class CuttingProxy(TcpProxy):
    """Passes connections on to ``host``:``port``; the answer of each is cut as the next of ``cuts`` says (when they run
    out: never).

    ``cut`` counts the connections it has cut, and ``requests`` has the head of each connection's first request.
    """

    def __init__(self, host: str, port: int, cuts: Iterable[Cut]) -> None:
        super().__init__(host, port)
        self.cut = 0
        self.requests: list[bytes] = []
        self._cuts = iter(cuts)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut = next(self._cuts, NEVER)
        request = await reader.readuntil(HEAD_END)
        self.requests.append(request)
        source, target = await asyncio.open_connection(*self.target)
        target.write(request)
        await both_ways(target, copy(reader, target), self._answer(source, writer, cut))

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, cut: Cut) -> None:
        ended = True
        if cut.bytes != -1:
            target.write(await source.readuntil(HEAD_END))
            ended = await _copy_until(cut, source, target)
        self.cut += ended
        if ended and cut.hard:
            # Zero seconds of lingering: closing sends a reset.
            connection = target.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            target.transport.abort()
        else:
            target.close()
            await target.wait_closed()


class _Meter:
    """Finds the byte of a body at which it is cut."""

    def __init__(self, cut: Cut) -> None:
        self._bytes_left = cut.bytes
        self._events_left = cut.events
        self._carry = b""  # the last byte of a read: an event's end may come in two

    @property
    def spent(self) -> bool:
        """Nothing more passes."""
        return self._bytes_left == 0 or self._events_left == 0

    def take(self, data: bytes) -> int:
        """How many bytes of ``data``, the next of the body, still pass."""
        if self._bytes_left is not None:
            data = data[: self._bytes_left]
        passed = len(data) if self._events_left is None else self._until_event(data, self._events_left)
        if self._bytes_left is not None:
            self._bytes_left -= passed
        return passed

    def _until_event(self, data: bytes, left: int) -> int:
        window = self._carry + data
        at = 0
        while left and (found := window.find(_EVENT_END, at)) >= 0:
            at = found + len(_EVENT_END)
            left -= 1
        self._events_left = left
        passed = len(data) if left else at - len(self._carry)
        self._carry = window[max(at, len(window) - 1) :]
        return passed


async def _copy_until(cut: Cut, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> bool:
    """Pass a body on; True when it came to be cut, False when it ended."""
    meter = _Meter(cut)
    while not meter.spent:
        data = await source.read(READ)
        if not data:
            return False
        target.write(data[: meter.take(data)])
        await target.drain()
    return True
