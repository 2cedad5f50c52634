"""The log in Redis: its bounds, what an id is known for, and what is retracted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.brokers.over_redis import changed, comment, opened, said, until

from hubbub.brokers.redis import Bounds, RedisBroker
from hubbub.brokers.redis.broker import PUBLISH
from hubbub.comments.accepting import REPUBLISH_WITHIN_MS
from hubbub.comments.publishing import LEASE_MS
from hubbub.errors import NotProvable
from hubbub.model import Entry, Kind, Position
from hubbub.testing.redis_server import RedisServer
from hubbub.wire.events import comment_event

LOG = "hubbub:{v}:log:v"
SLACK = 64
"""Entries that may be there above the bound, as log.lua says."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for all tests here."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    """An empty server."""
    running.cli("FLUSHALL")
    return running


@pytest.fixture
async def broker(server: RedisServer) -> AsyncIterator[RedisBroker]:
    """A broker with the usual bounds."""
    async with opened(server.url) as one:
        yield one


async def test_the_history_is_bounded_by_count(server: RedisServer) -> None:
    """What is older proves nothing; what is left is whole."""
    async with opened(server.url, history=Bounds(entries=100)) as broker:
        events = [said(text=str(n)) for n in range(500)]
        positions = [await broker.publish(event) for event in events]
        tail = await broker.tail("v", 1_000)
        assert tail.head == positions[-1]
        assert 100 <= len(tail.entries) <= 100 + SLACK
        assert [entry.event for entry in tail.entries] == events[-len(tail.entries) :]
        first = tail.entries[0].position.offset
        assert await broker.after("v", Position(tail.head.epoch, first - 1), 1_000) == tail.entries
        with pytest.raises(NotProvable):
            await broker.after("v", Position(tail.head.epoch, first - 2), 1_000)


async def test_the_history_is_bounded_by_age(server: RedisServer) -> None:
    """Entries go when they are old, also while nobody writes, and nothing of them stays once nobody can repeat them."""
    async with opened(server.url, history=Bounds(age_ms=300)) as broker:
        events = [said(text=str(n)) for n in range(300)]
        for event in events:
            await broker.publish(event)
        await asyncio.sleep(0.35)
        head, entries = await broker.tail("v", 1_000)
        assert (head.offset, entries) == (300, [])
        assert await broker.after("v", head, 10) == []
        newer = await broker.publish(said())
        assert (await broker.tail("v", 10)).entries[0].position == newer == (head.epoch, 301)


async def test_an_id_is_known_longer_than_its_entry(server: RedisServer) -> None:
    """A repeated publish finds its place though a flood has driven the entry from the history."""
    async with opened(server.url, history=Bounds(entries=10)) as broker:
        event = said()
        first = await broker.publish(event)
        for _ in range(300):
            await broker.publish(said())
        assert await broker.publish(event) == first
        assert (await broker.tail("v", 1)).head.offset == 301


def test_an_id_is_known_as_long_as_anybody_repeats_it() -> None:
    """A poster's retries, and a sweeper that takes over from one that died."""
    known_ms = int(PUBLISH.source.split(b"local KNOWN = ")[1].split()[0])
    assert known_ms > REPUBLISH_WITHIN_MS + LEASE_MS + 5_000


async def test_two_clients_that_publish_an_event_at_once_get_one_position(
    server: RedisServer, broker: RedisBroker
) -> None:
    """It is in the log once, and pushed once."""
    pushes: list[Entry] = []
    await broker.subscribe("v", pushes.append)
    async with opened(server.url) as other:
        for n in range(1, 21):
            event = said()
            positions = await asyncio.gather(*(one.publish(event) for one in (broker, other, broker)))
            assert {position.offset for position in positions} == {n}
    await until(lambda: len(pushes) == 20)
    assert [push.position.offset for push in pushes] == list(range(1, 21))


async def test_every_place_of_a_text_goes_with_it(broker: RedisBroker) -> None:
    """Birth, pins and restorations, in the history and in what is still to come."""
    what = comment(text="secret words")
    kinds = [Kind.PINNED, Kind.UNPINNED, Kind.PINNED, Kind.HIDDEN, Kind.RESTORED, Kind.PINNED]
    await broker.publish(comment_event(what))
    for kind in kinds:
        await broker.publish(changed(what, kind))
    shown = [b"secret words" in entry.event.body for entry in (await broker.tail("v", 10)).entries]
    assert shown == [False, False, False, False, False, True, True]
    pushes: list[Entry] = []
    await broker.subscribe("v", pushes.append)
    await broker.publish(changed(what, Kind.DELETED))
    await broker.publish(changed(what, Kind.PINNED))  # raced with the deletion, and lost
    await until(lambda: len(pushes) == 2)
    entries = (await broker.tail("v", 10)).entries
    assert not any(b"secret words" in entry.event.body for entry in [*entries, *pushes])
    assert [entry.event.kind for entry in entries] == [Kind.COMMENT, *kinds, Kind.DELETED, Kind.PINNED]


async def test_a_birth_overtaken_by_its_retraction_shows_nothing(broker: RedisBroker) -> None:
    """The comment's publish was deferred, a moderator was quicker."""
    what = comment(text="secret words")
    pushes: list[Entry] = []
    await broker.subscribe("v", pushes.append)
    await broker.publish(changed(what, Kind.HIDDEN))
    await broker.publish(comment_event(what))
    await until(lambda: len(pushes) == 2)
    assert pushes[1].event == (await broker.tail("v", 1)).entries[0].event == comment_event(what).blank()


async def test_marks_of_retractions_leave_with_their_entries(server: RedisServer) -> None:
    """Nothing in the hash outlives what it is about, except ids for their time."""
    async with opened(server.url, history=Bounds(entries=5)) as broker:
        for _ in range(20):
            what = comment()
            await broker.publish(comment_event(what))
            await broker.publish(changed(what, Kind.PINNED))
            await broker.publish(changed(what, Kind.HIDDEN))
            await broker.publish(changed(what, Kind.RESTORED))
            await broker.publish(changed(what, Kind.DELETED))
        for _ in range(200):
            await broker.publish(said())
    fields = server.cli("HKEYS", LOG).split()
    assert [field for field in fields if field[0] in "sr"] == []
    assert len([field for field in fields if field.isdigit()]) == len([f for f in fields if f[0] == "i"]) == 300


async def test_a_log_expires_some_time_after_its_last_entry(server: RedisServer) -> None:
    """And sooner where there never was one: whoever asks for videos that nobody posts to fills no memory."""
    async with opened(server.url, history=Bounds(age_ms=600_000)) as broker:
        await broker.publish(said())
        await broker.tail("asked-for", 1)
        await broker.heads(["looked-at"])
    assert 600_000 < int(server.cli("PTTL", LOG)) <= 720_000
    for video in ("asked-for", "looked-at"):
        assert 0 < int(server.cli("PTTL", f"hubbub:{{{video}}}:log:{video}")) <= 120_000


async def test_heads_keep_a_quiet_video_in_its_epoch(server: RedisServer, broker: RedisBroker) -> None:
    """Its key lives on as long as it is watched."""
    await broker.tail("v", 1)
    server.cli("HSET", LOG, ".", server.cli("HGET", LOG, "."))
    before = await broker.heads(["v"])
    fields = server.cli("HGET", LOG, ".").split()
    fields[5] = str(int(fields[5]) - 61_000)  # as after a minute and a second
    server.cli("HSET", LOG, ".", " ".join(fields))
    server.cli("PEXPIRE", LOG, 59_000)
    assert await broker.heads(["v"]) == before
    assert int(server.cli("PTTL", LOG)) > 100_000


async def test_heads_tell_where_each_log_stands(broker: RedisBroker) -> None:
    """However many there are."""
    published = {f"v{n}": await broker.publish(said(f"v{n}")) for n in range(1_200)}
    assert await broker.heads(list(published)) == published
    assert await broker.heads([]) == {}


async def test_heads_of_many_logs_are_few_scripts_unless_there_is_much_to_clear_away(server: RedisServer) -> None:
    """Ten thousand watched videos are asked for every few seconds; and no script may hold up those who publish."""
    videos = [f"v{number}" for number in range(100)]

    async def scripts_run(broker: RedisBroker) -> int:
        server.cli("CONFIG", "RESETSTAT")
        heads = await broker.heads(videos)
        assert [heads[video].offset for video in videos] == [30] * 100
        return int(server.info("commandstats")["cmdstat_evalsha"].partition(",")[0].removeprefix("calls="))

    async with opened(server.url) as broker:
        for _ in range(30):
            await asyncio.gather(*(broker.publish(said(video)) for video in videos))
        assert await scripts_run(broker) == 1
    async with opened(server.url, history=Bounds(age_ms=1)) as forgetful:
        assert 3 <= await scripts_run(forgetful) <= 6
    for video in ("v0", "v99"):
        fields = server.cli("HGET", f"hubbub:{{{video}}}:log:{video}", ".").split()
        assert fields[2:4] == ["30", "0"]  # the history begins after them


async def test_a_damaged_log_begins_anew(server: RedisServer, broker: RedisBroker) -> None:
    """It costs nobody else anything, whoever has had a hand in it."""
    before = [await broker.publish(said("other")), await broker.publish(said())]
    server.cli("HSET", LOG, ".", "nonsense")
    heads = await broker.heads(["v", "other"])
    assert heads["other"] == before[0]
    assert heads["v"].epoch != before[1].epoch
    assert (await broker.publish(said())).offset == 1


async def test_the_prefix_keeps_deployments_apart(server: RedisServer) -> None:
    """Every name in Redis begins with it."""
    async with opened(server.url, prefix="one") as one, opened(server.url, prefix="two", channels=4) as two:
        pushes: list[Entry] = []
        await one.subscribe("v", pushes.append)
        await two.subscribe("v", pushes.append)
        first, second = said(), said()
        await one.publish(first)
        await two.publish(second)
        await until(lambda: len(pushes) == 2)
        assert (await one.tail("v", 10)).entries[0].event == first
        assert sorted(server.cli("KEYS", "*").split()) == ["one:{v}:log:v", "two:{0}:log:v"]
        assert sorted(server.cli("PUBSUB", "SHARDCHANNELS").split()) == ["one:{v}:live", "two:{0}:live"]


async def test_what_another_program_wrote_there_is_not_taken_for_a_log(
    server: RedisServer, broker: RedisBroker
) -> None:
    """A damaged entry proves nothing; a foreign push is dropped."""
    pushes: list[Entry] = []
    await broker.subscribe("v", pushes.append)
    first = await broker.publish(said())
    server.cli("HDEL", LOG, "1")
    with pytest.raises(NotProvable):
        await broker.after("v", first._replace(offset=0), 10)
    for foreign in ("", "hello", "a b c d e f g", "\n"):
        server.cli("SPUBLISH", "hubbub:{v}:live", foreign)
    await broker.publish(said())
    await until(lambda: len(pushes) == 2)


async def test_kinds_of_a_later_version_keep_their_place_and_show_nothing(
    server: RedisServer, broker: RedisBroker
) -> None:
    """As do fields added to an entry's line: events in Redis outlive a release."""
    pushes: list[Entry] = []
    await broker.subscribe("v", pushes.append)
    first = await broker.publish(said())
    line = "reaction abc subject 5 more fields\n{}"
    server.cli("SPUBLISH", "hubbub:{v}:live", f"{first.epoch} 2 v {line}")
    await until(lambda: len(pushes) == 2)
    assert (pushes[1].position.offset, pushes[1].event.body) == (2, b"")
    server.cli("HSET", LOG, "1", f"17 {line}")
    assert (await broker.tail("v", 1)).entries[0].event.body == b""


async def test_memory_of_a_comment(
    server: RedisServer, broker: RedisBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    """What docs/operating.md says."""
    for video, count in (("v", 1_000), ("flooded", 20_000)):
        for start in range(0, count, 500):
            await asyncio.gather(
                *(broker.publish(said(video, f"{n} what a goal, did you see that?")) for n in range(start, start + 500))
            )
    full, flooded = (
        int(server.cli("MEMORY", "USAGE", f"hubbub:{{{video}}}:log:{video}", "SAMPLES", 0))
        for video in ("v", "flooded")
    )
    in_history, known_only = full / 1_000, (flooded - full) / 19_000
    await broker.tail("quiet", 1)
    empty = int(server.cli("MEMORY", "USAGE", "hubbub:{quiet}:log:quiet"))
    with capsys.disabled():
        print(  # noqa: T201 - figures for docs/operating.md
            f"\n  Redis: {in_history:.0f} bytes a comment in the history, {known_only:.0f} known by its id only, "
            f"{empty} a video that is watched and quiet"
        )
    assert in_history < 1_000
    assert known_only < 500
    assert empty < 600
