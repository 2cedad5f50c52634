"""A real Redis killed, frozen and emptied under viewers of a real server: posts go on, and nobody misses a comment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.hardship import ask_json, metric

from hubbub.brokers.redis import RedisBroker
from hubbub.model import Entry
from hubbub.testing.crowd import Follower, Poster, eventually, running, whole_history
from hubbub.testing.raw import Stream, comments_in
from hubbub.testing.redis_server import RedisServer
from hubbub.testing.server import ServerProcess, running_server, token

pytestmark = pytest.mark.slow

VIDEO = "v"
POSTERS = 3
VIEWERS = 6
PAUSE = 0.03
"""Seconds between two comments of a poster: more than people write, less than a ring forgets in an outage."""

NOTICED_WITHIN = 0.5
"""Seconds that a poster waits for Redis at most."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


class Crowd:
    """Posters and viewers at work; made by `crowd_at`."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.posters = [Poster(server.url, VIDEO, f"poster-{n}", token(f"poster-{n}")) for n in range(POSTERS)]
        self.viewers = [Follower(server.url, VIDEO, batch=n % 2 == 1) for n in range(VIEWERS)]
        self.tasks: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    async def post(self, poster: Poster, name: str) -> None:
        """One comment after another until `settle`."""
        number = 0
        try:
            while not self._stop.is_set():
                await poster.post(f"{name} {number}")
                number += 1
                await asyncio.sleep(PAUSE)
        finally:
            await poster.hang_up()

    @property
    def accepted(self) -> list[str]:
        """Ids of all posts answered ``201`` so far."""
        return [id for poster in self.posters for id in poster.accepted.values()]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition, while everybody is at work."""
        await eventually(holds, self.tasks)

    async def until_accepted(self, more: int) -> None:
        """Wait until so many more posts are accepted."""
        target = len(self.accepted) + more
        await self.until(lambda: len(self.accepted) >= target)

    async def until_shown(self) -> float:
        """Wait until every viewer has what is accepted by now; how long that took."""
        wanted, began = set(self.accepted), time.monotonic()
        await self.until(lambda: all(wanted <= set(viewer.seen) for viewer in self.viewers))
        return time.monotonic() - began

    async def settle(self) -> None:
        """Post no more; then every viewer must have exactly what was accepted, each once, all in one order."""
        self._stop.set()
        await self.until(lambda: all(task.done() for task in self.tasks[VIEWERS:]))
        await self.until_shown()
        history = [comment["id"] for comment in await whole_history(self.server.url, VIDEO)]
        assert sorted(self.accepted) == history
        for viewer in self.viewers:
            assert "reset" not in viewer.names
            assert sorted(viewer.seen) == history
            assert viewer.seen == self.viewers[0].seen
        assert sum(poster.refused.total() for poster in self.posters) == 0


@asynccontextmanager
async def crowd_at(server: ServerProcess) -> AsyncIterator[Crowd]:
    crowd = Crowd(server)
    async with running(*(viewer.run() for viewer in crowd.viewers)) as watching:
        await eventually(lambda: all(viewer.connections for viewer in crowd.viewers), watching)
        posting = [crowd.post(poster, f"poster-{n}") for n, poster in enumerate(crowd.posters)]
        async with running(*posting) as working:
            crowd.tasks = [*watching, *working]
            await crowd.until_accepted(30)
            yield crowd


async def readiness(server: ServerProcess) -> dict[str, Any]:
    """What ``/readyz`` says, which is ``200`` all the time."""
    body: dict[str, Any] = await ask_json(server, "/readyz")
    return body


async def until_status(server: ServerProcess, status: str, reason: str | None = None) -> None:
    """Wait for ``/readyz`` to say so."""
    async with asyncio.timeout(20):
        while (body := await readiness(server))["status"] != status or body.get("reason") != reason:
            await asyncio.sleep(0.05)


async def test_redis_killed_and_brought_back_empty(tmp_path: Path, redis: RedisServer) -> None:
    """Meanwhile one query a second serves all viewers; the new log goes on after that, with no hole and no double."""
    async with (
        asyncio.timeout(120),
        ServerProcess(tmp_path, HUBBUB_BROKER=redis.url) as server,
        crowd_at(server) as crowd,
    ):
        assert (await readiness(server)) == {"status": "ok"}
        redis.kill()
        await until_status(server, "degraded", "broker_unavailable")
        assert await metric(server, "hubbub_broker_reachable") == 0
        await crowd.until_accepted(50)
        assert await metric(server, "hubbub_store_polling") == 1
        assert await metric(server, "hubbub_unpublished") > 0
        assert await metric(server, "hubbub_publish_deferred_total") >= 50
        polls, began = await metric(server, "hubbub_store_polls_total"), time.monotonic()
        for _ in range(3):
            await crowd.until_shown()
            await crowd.until_accepted(50)
        polled, seconds = await metric(server, "hubbub_store_polls_total") - polls, time.monotonic() - began
        assert polled <= seconds + 1, f"{polled} queries in {seconds:.1f} s for {VIEWERS} viewers of one video"

        await asyncio.to_thread(redis.start)
        await until_status(server, "ok")
        assert await metric(server, "hubbub_broker_reachable") == 1
        assert await metric(server, "hubbub_store_polling") == 0
        assert await metric(server, "hubbub_unpublished") == 0
        assert await metric(server, 'hubbub_reconciled_total{outcome="continued"}') == 1
        await crowd.until_accepted(50)
        await crowd.settle()
        assert all(viewer.connections == 1 for viewer in crowd.viewers)


async def test_redis_frozen(tmp_path: Path, redis: RedisServer) -> None:
    """Its connections stand and nothing answers: a post waits half a second at most, and what Redis did after all
    comes once.
    """
    async with (
        asyncio.timeout(120),
        ServerProcess(tmp_path, HUBBUB_BROKER=redis.url) as server,
        crowd_at(server) as crowd,
    ):
        usual = max(poster.longest for poster in crowd.posters)
        redis.freeze()
        try:
            await until_status(server, "degraded", "broker_unavailable")
            for _ in range(3):
                await crowd.until_accepted(30)
                await crowd.until_shown()
        finally:
            redis.thaw()
        longest = max(poster.longest for poster in crowd.posters)
        waited = await metric(server, "hubbub_publish_deferred_total")
        assert waited >= 90
        assert longest < 3 * (NOTICED_WITHIN + usual), f"a post took {longest:.2f} s, before that {usual:.2f} s"
        await until_status(server, "ok")
        await crowd.until_accepted(30)
        await crowd.settle()


async def test_subscribers_are_cut_off_again_and_again(tmp_path: Path, redis: RedisServer) -> None:
    """As Redis does with those that read too slowly: what was pushed meanwhile is read from the log, in its place."""
    async with (
        asyncio.timeout(120),
        ServerProcess(tmp_path, HUBBUB_BROKER=redis.url, HUBBUB_POSITION_CHECK="0.5s") as server,
        crowd_at(server) as crowd,
    ):
        for _ in range(5):
            assert int(await asyncio.to_thread(redis.cli, "CLIENT", "KILL", "TYPE", "pubsub")) >= 1
            await crowd.until_accepted(10)
            await crowd.until_shown()
        await crowd.settle()
        assert all(viewer.connections == 1 for viewer in crowd.viewers)


async def test_a_lost_push_that_nothing_follows_is_found(tmp_path: Path, redis: RedisServer) -> None:
    """A viewer of a video that falls silent sees its last comment all the same, by the position check."""
    async with (
        asyncio.timeout(60),
        running_server(tmp_path, broker=redis.url, position_check=0.2) as server,
        Stream.open(server.url, VIDEO) as viewer,
    ):
        await viewer.until("welcome")
        broker = server.services.broker
        assert isinstance(broker, RedisBroker)
        lost: list[Entry] = []
        broker._subscriptions._subscribers[VIDEO].deliver = lost.append
        poster = Poster(server.url, VIDEO, "ada", token("ada"))
        await poster.post("lost on its way")
        await poster.hang_up()
        [comment] = comments_in(await viewer.until("comment"))
        assert comment["text"] == "lost on its way"
        assert [entry.event.id for entry in lost] == [comment["id"]]
        repairs = server.services.metrics.registry.get_sample_value("hubbub_position_repairs_total")
        assert repairs == 1


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_a_server_killed_while_redis_is_gone(tmp_path: Path, redis: RedisServer, trouble: str) -> None:
    """What it had accepted, and could not publish or knew not whether, is published by its successor, once."""
    async with (
        asyncio.timeout(120),
        ServerProcess(tmp_path, HUBBUB_BROKER=redis.url) as server,
        crowd_at(server) as crowd,
    ):
        before = set(crowd.accepted)
        (redis.kill if trouble == "killed" else redis.freeze)()
        await crowd.until_accepted(50)
        await server.kill()
        meanwhile = set(crowd.accepted) - before
        if trouble == "killed":
            await asyncio.to_thread(redis.start)
        else:
            redis.thaw()
        await server.start()
        await crowd.until_accepted(50)
        await until_status(server, "ok")
        await crowd.until_shown()
        while await metric(server, "hubbub_unpublished"):
            await asyncio.sleep(0.1)
        published = await log_of(redis)
        assert meanwhile <= set(published)
        assert len(published) == len(set(published))


async def log_of(redis: RedisServer) -> list[str]:
    """Ids of the video's log in Redis."""
    broker = RedisBroker.from_url(redis.url)
    await broker.open()
    try:
        head, entries = await broker.tail(VIDEO, 10_000)
    finally:
        await broker.close()
    assert [entry.position.offset for entry in entries] == list(range(1, head.offset + 1))
    return [entry.event.id for entry in entries]
