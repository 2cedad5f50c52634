"""The proxy that cuts: where, how, and what it leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from urllib.parse import urlsplit

import pytest

from hubbub.testing.cutting_proxy import NEVER, Cut, CuttingProxy, random_cuts

pytestmark = pytest.mark.both_loops

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
EVENTS = [b"id: 1\ndata: a\n\n", b":\n\n", "id: 2\ndata: ü\n\n".encode(), b"id: 3\ndata: c\n\n"]
BODY = b"".join(EVENTS)


@asynccontextmanager
async def origin(writes: Sequence[bytes]) -> AsyncIterator[int]:
    """A server that answers each request with ``writes``, one after the other, and the end; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # cut off
            await reader.readuntil(b"\r\n\r\n")
            for data in writes:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def received(url: str) -> bytes:
    """All that a client gets; raises what its socket does."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nhost: proxy\r\n\r\n")
        return await reader.read()
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        pytest.param(Cut(events=1), HEAD + EVENTS[0], id="one event"),
        pytest.param(Cut(events=3), HEAD + b"".join(EVENTS[:3]), id="three, a heartbeat among them"),
        pytest.param(Cut(bytes=0), HEAD, id="a body without a byte"),
        pytest.param(Cut(bytes=5), HEAD + BODY[:5], id="in the middle of an event"),
        pytest.param(Cut(events=2, bytes=5), HEAD + BODY[:5], id="the bytes come first"),
        pytest.param(Cut(events=1, bytes=50), HEAD + EVENTS[0], id="the event comes first"),
        pytest.param(Cut(bytes=-1), b"", id="before the answer"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_connection_ends_where_its_cut_says(cut: Cut, expected: bytes, size: int) -> None:
    """To the byte, however the origin's writes fall; and when the cuts have run out, connections are left alone."""
    whole = HEAD + BODY
    writes = [whole[at : at + size] for at in range(0, len(whole), size)]
    async with asyncio.timeout(5), origin(writes) as port, CuttingProxy("127.0.0.1", port, [cut]) as proxy:
        assert await received(proxy.url) == expected
        assert await received(proxy.url) == whole
        assert proxy.cut == 1
        assert proxy.requests == [b"GET / HTTP/1.1\r\nhost: proxy\r\n\r\n"] * 2


async def test_a_hard_cut_is_a_reset() -> None:
    """As when a machine goes down or a firewall forgets."""
    async with (
        asyncio.timeout(5),
        origin([HEAD + BODY]) as port,
        CuttingProxy("127.0.0.1", port, [Cut(bytes=-1, hard=True)]) as proxy,
    ):
        with pytest.raises(ConnectionResetError):
            await received(proxy.url)


async def test_the_origin_learns_that_a_client_has_gone() -> None:
    """Else it would keep a seat for it."""
    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        await reader.read()
        gone.set()
        writer.close()

    async with (
        asyncio.timeout(5),
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        CuttingProxy("127.0.0.1", server.sockets[0].getsockname()[1], [NEVER]) as proxy,
    ):
        address = urlsplit(proxy.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await gone.wait()
        await writer.wait_closed()


def test_a_seed_gives_the_same_cuts_again() -> None:
    """Of all kinds, within their bounds."""
    cuts = list(islice(random_cuts(7, events=5, bytes=100), 300))
    assert cuts == list(islice(random_cuts(7, events=5, bytes=100), 300))
    assert cuts != list(islice(random_cuts(8, events=5, bytes=100), 300))
    assert {cut.events for cut in cuts} == {None, 1, 2, 3, 4, 5}
    assert all(cut.bytes is None or -1 <= cut.bytes <= 100 for cut in cuts)
    assert {cut.hard for cut in cuts} == {True, False}
    assert any(cut.bytes == -1 for cut in cuts)
