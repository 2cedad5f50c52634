"""A real channel's load, fifty times as fast, in front of two hundred viewers."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from hubbub.testing.crowd import eventually, running, whole_history
from hubbub.testing.raw import Connection, request_bytes
from hubbub.testing.server import ServerProcess, token

COUNTS = Path(__file__).parent.parent / "data" / "chat_messages_per_second.txt"
"""Messages in each second of four hours of a real channel: 7.3 on average, 71 at most."""

SPEED = 50
FIRST, LAST = 200, 1200
"""The seconds of the recording that are played: twenty of ours, with the recording's peak in them."""

VIEWERS = 200
POSTERS = 100
"""Connections that post. When all of them wait for answers the next comments are late, never left out."""

_COMMENT_ID = re.compile(rb'\{"id":"([0-9a-f-]{36})"')


class OneOrder:
    """The order of comments that the first to see each place found there. Everybody else must agree with it."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []

    def check(self, place: int, id: bytes) -> None:
        """Raises `AssertionError` for another comment at this place: one lost, one twice, or two swapped."""
        if place == len(self.ids):
            self.ids.append(id)
        assert self.ids[place] == id, f"place {place}: {id!r} where others saw {self.ids[place]!r}"


class Viewer(asyncio.Protocol):
    """Reads a stream for nothing but the ids of comments: two hundred of these must cost less than the server does."""

    def __init__(self, order: OneOrder, *, batch: bool) -> None:
        self.seen = 0
        self.resets = 0
        self.fault: Exception | None = None
        self._order = order
        self._query = "backlog=0" + ("&batch=1" if batch else "")
        self._rest = b""
        self.welcomed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(
            request_bytes("GET", f"/v1/videos/v/comments/stream?{self._query}")
        )

    def data_received(self, data: bytes) -> None:
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        self.welcomed = self.welcomed or b"event: welcome\n" in whole
        self.resets += whole.count(b"event: reset\n")
        try:
            for id in _COMMENT_ID.findall(whole):
                self._order.check(self.seen, id)
                self.seen += 1
        except AssertionError as fault:
            self.fault = self.fault or fault

    def connection_lost(self, exc: Exception | None) -> None:
        self.fault = self.fault or exc or EOFError(f"the stream ended after {self.seen} comments")


class Channel:
    """The recording's posts, released at their moments to whichever poster is free."""

    def __init__(self, counts: list[int]) -> None:
        self.ids: list[str] = []
        self.total = sum(counts)
        self._counts = counts
        self._released = asyncio.Queue[int]()

    async def play(self) -> None:
        """Release each second's posts at the second's beginning, ``SPEED`` times as fast."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        number = 0
        for second, count in enumerate(self._counts):
            await asyncio.sleep(began + second / SPEED - loop.time())
            for _ in range(count):
                self._released.put_nowait(number)
                number += 1

    async def post(self, url: str, bearer: str) -> None:
        """Post what is released, over one connection, until cancelled."""
        headers = [("Authorization", f"Bearer {bearer}"), ("Content-Type", "application/json")]
        async with await Connection.open(url) as connection:
            while True:
                number = await self._released.get()
                body = b'{"text":"message %d of the recording, as long as most of them are"}' % number
                await connection.send(
                    request_bytes("POST", "/v1/videos/v/comments", headers=headers, body=body, host=connection.host)
                )
                answer = await connection.answer()
                assert answer.status == 201, answer
                self.ids.append(answer.json()["id"])


def _as_it_is(viewer: Viewer) -> Viewer:
    """The protocol factory of a viewer that is there already."""
    return viewer


@pytest.mark.slow
async def test_a_real_channel_at_fifty_times_its_speed_reaches_two_hundred_viewers_whole(tmp_path: Path) -> None:
    """Played at 50×, a second of the recording lasts 20 ms here and keeps all of its messages; every viewer, plain or
    batched, gets every comment once, and all in one order."""
    counts = [int(line) for line in COUNTS.read_text().split()]
    channel = Channel(counts[FIRST:LAST])
    assert max(counts) in counts[FIRST:LAST]
    order = OneOrder()
    async with asyncio.timeout(120), ServerProcess(tmp_path) as server:
        connect = asyncio.get_running_loop().create_connection
        host, _, port = server.url.removeprefix("http://").partition(":")
        viewers = [Viewer(order, batch=n % 2 == 1) for n in range(VIEWERS)]
        transports = []
        try:
            for viewer in viewers:
                transport, _ = await connect(partial(_as_it_is, viewer), host, int(port))
                transports.append(transport)
            await eventually(lambda: all(viewer.welcomed for viewer in viewers))
            posters = (channel.post(server.url, token(f"poster-{n}")) for n in range(POSTERS))
            async with running(channel.play(), *posters) as (playing, *posting):
                await eventually(lambda: playing.done() and len(channel.ids) == channel.total, posting)
                await eventually(
                    lambda: all(viewer.seen >= channel.total or viewer.fault for viewer in viewers), posting
                )
            faults = [str(viewer.fault) for viewer in viewers if viewer.fault]
        finally:
            for transport in transports:
                transport.abort()
        history = await whole_history(server.url, "v")

    assert not faults
    assert {viewer.seen for viewer in viewers} == {channel.total}
    assert not sum(viewer.resets for viewer in viewers)
    accepted = sorted(channel.ids)
    assert sorted(id.decode() for id in order.ids) == accepted
    assert [comment["id"] for comment in history] == accepted
