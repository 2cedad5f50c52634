"""Two API processes and two gateways over a real Redis: what holds in one process holds over all of them."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.brokers.over_redis import published
from tests.spread.deployment import Spread, asked, say, spread, until_viewers, viewers

from hubbub.brokers.redis import RedisBroker
from hubbub.comments.publishing import CONFIRM_WITHIN
from hubbub.config import Role
from hubbub.ids import IdSource
from hubbub.limiters.base import Limit
from hubbub.model import Comment, Position, Status, Tail, User
from hubbub.presence.base import FRESH
from hubbub.testing.crowd import Follower, eventually, running, whole_history
from hubbub.testing.raw import Stream
from hubbub.wire.events import comment_event

SLACK = 15.0
"""Seconds more than promised that a busy machine may take."""


async def test_what_is_posted_anywhere_is_seen_everywhere_once_and_in_one_order(tmp_path: Path) -> None:
    """Posts through both API processes at once, viewers on both gateways: all see the same, live and in history, and a
    retraction by one process is told by the other.
    """
    async with asyncio.timeout(120), spread(tmp_path) as all_:
        followers = [Follower(gateway.url, "v", batch=batch) for gateway in all_.gateways for batch in (False, True)]
        async with running(*(follower.run() for follower in followers)) as tasks:
            await eventually(lambda: all(follower.connections for follower in followers), tasks)

            async def post(number: int) -> list[str]:
                return [await say(all_.apis[number].url, "v", f"{number}-{turn}") for turn in range(40)]

            ids = [id for part in await asyncio.gather(post(0), post(1)) for id in part]
            await eventually(lambda: all(len(follower.seen) >= len(ids) for follower in followers), tasks)
            orders = {tuple(follower.seen) for follower in followers}
            assert len(orders) == 1
            assert sorted(orders.pop()) == sorted(ids)
            for api in all_.apis:
                assert {comment["id"] for comment in await whole_history(api.url, "v")} == set(ids)
            answer = await asked(all_.apis[1].url, "DELETE", f"/v1/videos/v/comments/{ids[0]}")
            assert answer.status in (200, 204), answer
            await eventually(lambda: all(follower.names.get("comment_deleted") for follower in followers), tasks)
        assert (await asked(all_.apis[0].url, "GET", "/readyz")).json() == {"status": "ok"}


@pytest.mark.parametrize(("limiter", "granted"), [("broker", 5), ("local", 10)])
async def test_rate_limits_count_all_api_processes_together(tmp_path: Path, limiter: str, granted: int) -> None:
    """Five posts in an hour are five, through whichever process they come; unless each is told to count by itself."""
    async with spread(tmp_path, gateways=0, post_limit=Limit(5, 3600), limiter=limiter) as all_:
        statuses = []
        for turn in range(14):
            answer = await asked(all_.apis[turn % 2].url, "POST", "/v1/videos/v/comments", body={"text": f"{turn}"})
            statuses.append(answer.status)
        assert sorted(statuses) == [201] * granted + [429] * (14 - granted)


async def test_whole_processes_share_a_redis_too(tmp_path: Path) -> None:
    """Two of `hubbub serve`: posted at one, seen at the other."""
    async with (
        asyncio.timeout(60),
        spread(tmp_path, apis=0, gateways=0) as all_,
        all_.another(Role.SERVE) as one,
        all_.another(Role.SERVE) as other,
        Stream.open(other.url, "v") as stream,
    ):
        await stream.until("welcome")
        id = await say(one.url, "v", "hello")
        assert (await stream.until("comment"))[-1].json()["id"] == id


async def test_an_api_process_starts_without_redis(tmp_path: Path) -> None:
    """It takes posts and limits them by itself; once Redis is there, what was posted is seen."""
    async with asyncio.timeout(120), spread(tmp_path, apis=0, gateways=0, post_limit=Limit(2, 3600)) as all_:
        all_.redis.kill()
        async with all_.another(Role.API) as api:
            ids = [await say(api.url, "v", f"{number}") for number in range(2)]
            refused = await asked(api.url, "POST", "/v1/videos/v/comments", body={"text": "too fast"})
            assert (refused.status, refused.json()["code"]) == (429, "user_rate")
            assert (await asked(api.url, "GET", "/readyz")).status == 200
            all_.redis.start()
            async with all_.another(Role.GATEWAY) as gateway:
                follower = Follower(gateway.url, "v", batch=False)
                async with running(follower.run()) as tasks:
                    await eventually(lambda: set(follower.seen) == set(ids), tasks)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_posts_go_on_and_are_limited_while_redis_is_gone(tmp_path: Path, how: str) -> None:
    """Each process limits by itself, no post waits long, and what was accepted meanwhile is seen afterwards."""
    async with asyncio.timeout(180), spread(tmp_path, apis=2, gateways=1, post_limit=Limit(4, 3600)) as all_:
        follower = Follower(all_.gateways[0].url, "v", batch=False)
        async with running(follower.run()) as tasks:
            await eventually(lambda: follower.connections > 0, tasks)
            if how == "killed":
                all_.redis.kill()
            else:
                all_.redis.freeze()
            took, statuses, accepted = [], [], []
            for turn in range(16):
                began = time.monotonic()
                answer = await asked(all_.apis[turn % 2].url, "POST", "/v1/videos/v/comments", body={"text": f"{turn}"})
                took.append(time.monotonic() - began)
                statuses.append(answer.status)
                if answer.status == 201:
                    accepted.append(answer.json()["id"])
            assert sorted(statuses) == [201] * 8 + [429] * 8  # four for each process
            assert max(took) < CONFIRM_WITHIN + 5, "a post waited for Redis"
            assert all(b"\nhubbub_limits_shared 0.0\n" in api.services.metrics.render() for api in all_.apis)
            if how == "killed":
                all_.redis.start()
            else:
                all_.redis.thaw()
            await eventually(lambda: set(accepted) <= set(follower.seen), tasks)


async def test_viewers_are_summed_over_gateways_within_five_seconds(tmp_path: Path) -> None:
    """As API processes and those who are welcomed are told; a gateway that ends takes its viewers out of the sum."""
    async with asyncio.timeout(120), spread(tmp_path, gateways=1) as all_, AsyncExitStack() as stack:
        urls = [api.url for api in all_.apis]
        [staying] = all_.gateways
        for _ in range(2):
            await watch(stack, staying.url, "v")
        async with all_.another(Role.GATEWAY) as leaving, AsyncExitStack() as theirs:
            for _ in range(3):
                await watch(theirs, leaving.url, "v")
            await until_viewers(urls, "v", 5, within=FRESH + SLACK)
            assert [await viewers(url, "w") for url in urls] == [0, 0]
            async with asyncio.timeout(FRESH + SLACK):
                while await watch(stack, staying.url, "v") < 6:
                    await asyncio.sleep(0.2)
        left = staying.services.hub.watching("v")
        await until_viewers(urls, "v", left, within=FRESH + SLACK)


async def test_a_user_of_redis_with_no_more_rights_than_the_guide_says(tmp_path: Path) -> None:
    """What docs/operating.md gives a user is enough for all: log, limits and counts of viewers."""
    guide = (Path(__file__).parents[2] / "docs/operating.md").read_text()
    [rights] = re.findall(r"the user needs `([^`]+)`", guide)
    async with asyncio.timeout(60), spread(tmp_path, apis=0, gateways=0, post_limit=Limit(1, 3600)) as all_:
        all_.redis.cli("ACL", "SETUSER", "hub", "on", ">pw", *rights.split())
        all_.settings["broker"] = f"redis://hub:pw@127.0.0.1:{all_.redis.port}"
        async with all_.another(Role.API) as api, all_.another(Role.GATEWAY) as gateway, AsyncExitStack() as stack:
            stream = await stack.enter_async_context(Stream.open(gateway.url, "v"))
            await stream.until("welcome")
            id = await say(api.url, "v", "hello")
            assert (await stream.until("comment"))[-1].json()["id"] == id
            answer = await asked(api.url, "POST", "/v1/videos/v/comments", body={"text": "too fast"})
            assert answer.status == 429
            assert b"\nhubbub_limits_shared 1.0\n" in api.services.metrics.render()
            await until_viewers([api.url], "v", 1, within=FRESH + SLACK)
        assert all_.redis.cli("ACL", "LOG") == ""


async def watch(stack: AsyncExitStack, url: str, video_id: str) -> int:
    """Come in and stay; how many watch, by the welcome."""
    stream = await stack.enter_async_context(Stream.open(url, video_id))
    [welcome] = await stream.until("welcome")
    count: int = welcome.json()["viewers"]
    return count


def channels_of(all_: Spread) -> set[str]:
    """The channels that Redis has subscribers of."""
    return set(all_.redis.cli("PUBSUB", "SHARDCHANNELS").split())


async def test_a_gateway_carries_the_videos_that_are_watched_in_it_and_nothing_of_the_others(tmp_path: Path) -> None:
    """Ten of ten thousand: ten subscriptions, ten rings, and of a comment on each of all videos ten are pushed to it;
    after the last viewer nothing is left.
    """
    watched = [f"v{number * 1000}" for number in range(10)]
    async with asyncio.timeout(150), spread(tmp_path, apis=0, gateways=1, linger=0.1) as all_:
        [gateway] = all_.gateways
        assert isinstance(gateway.services.broker, RedisBroker)
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(Stream.open(gateway.url, name)) for name in watched]
            for stream in streams:
                await stream.until("welcome")
            assert channels_of(all_) == {f"hubbub:{{{name}}}:live" for name in watched}

            ids, pushed = IdSource(), []
            broker = RedisBroker.from_url(all_.redis.url)
            await broker.open()
            try:
                for start in range(0, 10_000, 200):
                    comments = []
                    for number in range(start, start + 200):
                        id, at = ids.next()
                        user = User("u", "U")
                        comments.append(Comment(f"v{number}", id, user, "hi", at, None, Status.VISIBLE))
                    pushed += await asyncio.gather(*(published(broker, comment_event(each)) for each in comments))
            finally:
                await broker.close()
            assert len(pushed) == 10_000
            for stream in streams:
                await stream.until("comment")
            assert {name for name in watched if gateway.services.hub.watching(name)} == set(watched)
            assert len(gateway.services.hub._channels) == len(watched)
            assert channels_of(all_) == {f"hubbub:{{{name}}}:live" for name in watched}
            listeners = [line for line in all_.redis.cli("CLIENT", "LIST").splitlines() if "ssub=10" in line]
            assert len(listeners) == 1
        await eventually(lambda: not gateway.services.hub._channels)
        await eventually(lambda: not channels_of(all_))


async def test_a_new_gateway_fills_a_ring_with_one_fetch_however_many_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crowd of three videos comes to a gateway that has just begun: the log of each is read once, the store at most
    once for each, and everybody has the same backlog.
    """
    videos, crowd = ["a", "b", "c"], 40
    async with asyncio.timeout(120), spread(tmp_path, apis=1, gateways=0) as all_:
        said = {name: [await say(all_.apis[0].url, name, f"{number}") for number in range(20)] for name in videos}
        async with all_.another(Role.GATEWAY) as gateway, AsyncExitStack() as stack:
            broker, store = gateway.services.broker, gateway.services.store
            tail, newest, after = broker.tail, store.newest, broker.after
            reads: list[tuple[str, str]] = []

            async def counted_tail(video_id: str, limit: int) -> Tail:
                reads.append(("tail", video_id))
                return await tail(video_id, limit)

            async def counted_after(video_id: str, position: Position, limit: int) -> object:
                reads.append(("after", video_id))
                return await after(video_id, position, limit)

            async def counted_newest(video_id: str, limit: int) -> object:
                reads.append(("newest", video_id))
                return await newest(video_id, limit)

            monkeypatch.setattr(broker, "tail", counted_tail)
            monkeypatch.setattr(broker, "after", counted_after)
            monkeypatch.setattr(store, "newest", counted_newest)

            async def come(video_id: str) -> list[str]:
                stream = await stack.enter_async_context(Stream.open(gateway.url, video_id, "backlog=20"))
                seen: list[str] = []
                async for event in stream:
                    if event.name == "comment":
                        seen.append(event.json()["id"])
                    if len(seen) == 20:
                        break
                return seen

            backlogs = await asyncio.gather(*(come(video_id) for video_id in videos * crowd))
            for number, seen in enumerate(backlogs):
                assert seen == said[videos[number % len(videos)]]
            assert [read for read in reads if read[0] == "after"] == []
            assert sorted(name for kind, name in reads if kind == "tail") == videos
            assert len(reads) <= 2 * len(videos)
