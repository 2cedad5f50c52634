"""Who comes to a server in a soak: each is a coroutine that goes on until it is cancelled, or told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
from collections.abc import AsyncIterator
from random import Random

from tests.fuzz.mutating import inputs
from tests.fuzz.targets.http_requests import DICTIONARY, SEEDS
from tests.soak.load import VIDEO, address_of, stream_request

from hubbub.testing.crowd import Follower, Poster
from hubbub.testing.raw import Connection, Stream
from hubbub.testing.server import token

VIDEOS = [VIDEO, *(f"quiet-{number}" for number in range(200))]
"""One that is spoken on, and many that are only looked at: their channels open and close."""

_MODERATOR = token("mod", ("read", "post", "moderate"), lifetime=86_400)


class Crowd:
    """All of them around one server. ``visits`` counts streams, ``bad`` bad requests, ``pages`` pages of history."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = asyncio.Event()
        self.posters = [Poster(url, VIDEO, f"poster-{n}", token(f"poster-{n}", lifetime=86_400)) for n in range(4)]
        self.followers = [Follower(url, VIDEO, batch=n % 2 == 1) for n in range(12)]
        self.deleted: set[str] = set()
        self.visits = self.bad = self.pages = 0
        self._chance = Random(1)

    @property
    def accepted(self) -> list[str]:
        """The ids of all comments answered ``201``."""
        return [id for poster in self.posters for id in poster.accepted.values()]

    async def post(self, poster: Poster) -> None:
        """Ten a second until told to stop; one in ten is deleted again, one in fifty pinned and taken down."""
        async with await Connection.open(self.url) as moderating:
            for number in itertools.count():
                if self.stop.is_set():
                    break
                text = f"{number} of one poster, " + "x" * self._chance.randrange(90)
                await poster.post(text)
                comment = f"/v1/videos/{VIDEO}/comments/{poster.accepted[text]}"
                if number % 10 == 0:
                    answer = await moderating.request("DELETE", comment, token=_MODERATOR)
                    assert answer.status == 204, answer
                    self.deleted.add(poster.accepted[text])
                elif number % 50 == 1:
                    for method in ("PUT", "DELETE"):
                        answer = await moderating.request(method, comment + "/pin", token=_MODERATOR)
                        assert answer.status in (200, 204, 409), answer
                await asyncio.sleep(0.1)
        await poster.hang_up()

    async def come_and_go(self, follower: Follower) -> None:
        """Watch for some seconds, be away for a few, go on from there; at the end stay."""
        while not self.stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(1, 15)):
                    await follower.run()
            await asyncio.sleep(self._chance.uniform(0, 4))
        await follower.run()

    async def visit(self) -> None:
        """Newcomers, one after the other, of every kind of client and in every mood; some break off without a word."""
        while True:
            video = self._chance.choice(VIDEOS) if self._chance.random() < 0.5 else VIDEO
            query = f"backlog={self._chance.choice((0, 20, 200))}&batch={self._chance.randrange(2)}"
            place = self._chance.choice((None, None, "garbage", "abc.1.1700000000000"))
            with contextlib.suppress(TimeoutError):
                async with (
                    asyncio.timeout(self._chance.uniform(0.05, 2)),
                    Stream.open(self.url, video, query, last_event_id=place) as stream,
                ):
                    assert stream.status == 200, stream.status
                    self.visits += 1
                    async for _ in stream:
                        pass

    @contextlib.asynccontextmanager
    async def _barely_reading(self, query: str) -> AsyncIterator[socket.socket]:
        """A socket on which a stream was asked for, with little room for what comes."""
        loop = asyncio.get_running_loop()
        with contextlib.closing(socket.socket()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            await loop.sock_connect(one, address_of(self.url))
            await loop.sock_sendall(one, stream_request(query))
            self.visits += 1
            yield one

    async def be_deaf(self) -> None:
        """Ask for the stream and never read, until the server has had enough."""
        while True:
            async with self._barely_reading("backlog=200") as one:
                with contextlib.suppress(TimeoutError, OSError):
                    async with asyncio.timeout(self._chance.uniform(1, 60)):
                        while one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                            await asyncio.sleep(0.5)
                if self._chance.random() < 0.5:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # goes by a reset

    async def be_slow(self) -> None:
        """Read the stream at 2 KB a second."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._barely_reading("backlog=200&batch=1") as one:
                with contextlib.suppress(TimeoutError, OSError):
                    async with asyncio.timeout(self._chance.uniform(5, 60)):
                        while await loop.sock_recv(one, 400):
                            await asyncio.sleep(0.2)

    async def read_history(self) -> None:
        """Page back through everything, again and again."""
        while True:
            cursor, more = "", True
            async with await Connection.open(self.url) as connection:
                while more:
                    target = f"/v1/videos/{VIDEO}/comments?limit=200{cursor}"
                    answer = await connection.request("GET", target)
                    assert answer.status == 200, answer
                    page = answer.json()
                    more, cursor = page["has_more"], f"&cursor={page['next_cursor']}"
                    self.pages += 1
                    await asyncio.sleep(0.05)

    async def be_bad(self) -> None:
        """Send what the fuzzer sends; half of it is left without waiting for the answer."""
        good = token("bad", ("read",), lifetime=86_400).encode()  # it may not post: history stays the posters'
        for data in inputs(SEEDS, DICTIONARY, longest=70_000, number=2):
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with await Connection.open(self.url) as connection:
                    await connection.send(data[1:].replace(b"TOKEN", good))
                    self.bad += 1
                    if self._chance.random() < 0.5:
                        async with asyncio.timeout(0.2):
                            answer = await connection.reader.read(2**16)
                            assert not re.match(rb"HTTP/1.1 500", answer), (data, answer)
            await asyncio.sleep(0.02)
