"""One video, over the real store and broker: who sees what, in which order, how often."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.fanout.conftest import NewStage, Stage, until

from hubbub.brokers.local import LocalBroker
from hubbub.fanout import intake, opening
from hubbub.fanout.hub import Timing
from hubbub.ids import now_ms
from hubbub.model import Comment, Entry, Kind, Position, Status
from hubbub.stores.sqlite import SqliteStore
from hubbub.wire.events import comment_event


async def test_everyone_gets_what_is_said_in_order_and_once(stage: Stage) -> None:
    """Plain and batched viewers alike."""
    watchers = [await stage.watch(batch=batch) for batch in (False, True, False)]
    said = [(await stage.say()).text for _ in range(50)]
    await until(lambda: all(len(w.texts()) >= 50 for w in watchers))
    assert all(w.texts() == said for w in watchers)


async def test_a_newcomer_in_mid_stream_has_neither_hole_nor_double(stage: Stage) -> None:
    """Backlog, then live, meets exactly, however many come while comments flow."""
    watchers = [await stage.watch()]
    for _ in range(60):
        await stage.say()
        watchers.append(await stage.watch(batch=random.random() < 0.5))
    await until(lambda: all(w.texts() and w.texts()[-1] == "60" for w in watchers))
    assert all(w.texts() == [str(n) for n in range(1, 61)] for w in watchers)


@pytest.mark.parametrize(("backlog", "expected"), [(0, []), (1, ["5"]), (3, ["3", "4", "5"]), (200, list("12345"))])
async def test_the_backlog_is_as_long_as_asked_for(stage: Stage, backlog: int, expected: list[str]) -> None:
    """The newest ones, oldest first."""
    for _ in range(5):
        await stage.say()
    assert (await stage.watch(backlog=backlog)).texts() == expected


async def test_the_id_of_welcome_is_where_the_stream_begins(stage: Stage) -> None:
    """A stream that is cut between welcome and what follows must not resume after that, nor forget where it was."""
    alone = await stage.watch()
    assert [name for name, _, _ in alone.events()] == ["welcome"]
    start = alone.last_id()
    assert start is not None
    await stage.say()
    await until(lambda: bool(alone.texts()))
    newcomer = await stage.watch()
    assert [(name, id) for name, _, id in newcomer.events()] == [("welcome", ""), ("comment", alone.last_id())]
    returned = await stage.watch(last_event_id=start)
    assert [(name, id) for name, _, id in returned.events()] == [("welcome", start), ("comment", alone.last_id())]


async def test_a_lagging_viewer_takes_shared_frames_until_it_is_level(stage: Stage) -> None:
    """Nothing lost, nothing twice, and nobody else waits."""
    slow, quick = await stage.watch(), await stage.watch()
    slow.blocked = True
    for _ in range(20):
        await stage.say()
        await asyncio.sleep(0.002)
    await until(lambda: len(quick.texts()) == 20)
    assert stage.count("hubbub_viewers_lagging") == 1
    slow.unblock()
    assert slow.texts() == quick.texts()
    assert stage.count("hubbub_viewers_lagging") == 0
    await stage.say()
    await until(lambda: slow.texts()[-1] == quick.texts()[-1] == "21")


async def test_a_viewer_who_falls_off_the_ring_is_reset(new_stage: NewStage) -> None:
    """From memory: `reset`, the newest backlog, and on."""
    stage = await new_stage(ring_entries=10)
    slow = await stage.watch(backlog=5)
    slow.blocked = True
    for _ in range(40):
        await stage.say()
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.1)
    slow.unblock()
    names = [name for name, _, _ in slow.events()]
    assert names.count("reset") == 1
    assert slow.texts()[-5:] == ["36", "37", "38", "39", "40"]
    await stage.say()
    await until(lambda: slow.texts()[-1] == "41")
    assert stage.count("hubbub_resets_total", reason="too_slow") == 1


async def test_a_tick_larger_than_the_ring_resets_rather_than_skips(new_stage: NewStage) -> None:
    """Even viewers who were level: what left the ring before it was sent can't be sent."""
    stage = await new_stage(ring_entries=10, timing=Timing(tick_min=0.3, tick_max=0.5))
    watcher = await stage.watch(backlog=3)
    await stage.say()
    await until(lambda: watcher.texts() == ["1"])
    for _ in range(30):
        await stage.say()
    await until(lambda: watcher.texts()[-1] == "31")
    assert [name for name, _, _ in watcher.events()].count("reset") == 1
    assert watcher.texts() == ["1", "29", "30", "31"]


@pytest.mark.parametrize("bounds", [{"ring_entries": 10}, {"ring_entries": 10**6, "ring_bytes": 5_000}])
async def test_a_tick_larger_than_the_ring_leaves_latecomers_the_whole_picture(
    new_stage: NewStage, bounds: dict[str, int]
) -> None:
    """What left the ring before its tick, by number or by bytes, is in the backlog and the pins all the same."""
    stage = await new_stage(**bounds, timing=Timing(tick_min=0.5, tick_max=0.5))
    watcher = await stage.watch()
    first = await stage.say()
    await until(lambda: watcher.texts() == ["1"])
    await stage.change(Kind.PINNED, first)
    for _ in range(40):
        await stage.say()
    newcomer = await stage.watch()
    await until(lambda: "41" in newcomer.texts())
    texts, pins = newcomer.picture()
    assert list(texts.values()) == [str(n) for n in range(1, 42)]
    assert pins == [first.id]


async def test_a_missed_push_is_fetched_at_once(stage: Stage) -> None:
    """A hole in the offsets is seen with the next push, and filled from the log in order."""
    watcher = await stage.watch()
    await stage.say()
    await stage.keep("missed one")
    await stage.keep("missed another")
    await stage.say("seen")
    await until(lambda: len(watcher.texts()) == 4)
    assert watcher.texts() == ["1", "missed one", "missed another", "seen"]
    assert stage.count("hubbub_log_holes_total") == 1


async def test_a_push_that_comes_twice_is_shown_once(stage: Stage) -> None:
    """At-least-once publishing is invisible."""
    watcher = await stage.watch()
    comment = await stage.say()
    await stage.broker.publish(comment_event(comment), stage.kept.position)
    assert stage.kept.position is not None
    stage.hub._channels["v"].intake.receive(Entry(stage.kept.position, comment_event(comment)))
    await stage.say()
    await until(lambda: watcher.texts()[-1:] == ["2"])
    assert watcher.texts() == ["1", "2"]


async def test_a_log_that_begins_anew_resets_everyone(stage: Stage) -> None:
    """What can't be proven continuous is said, and the picture afterwards is right."""
    watchers = [await stage.watch(), await stage.watch(batch=True)]
    for _ in range(3):
        await stage.say()
    await until(lambda: all(len(w.texts()) == 3 for w in watchers))
    channel = stage.hub._channels["v"]
    channel.ring.head = Position("anotherepoch", 3)  # as if the log had been another until now
    await stage.say()
    await until(lambda: all(w.texts()[-1] == "4" for w in watchers))
    for watcher in watchers:
        assert [name for name, _, _ in watcher.events()].count("reset") == 1
        assert list(watcher.picture()[0].values()) == ["1", "2", "3", "4"]


async def test_who_fell_behind_before_the_log_began_anew_is_reset_also_after_it_was_read_back(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading further back puts nothing where a cursor from before still stands: that would be a silent gap."""
    monkeypatch.setattr("hubbub.fanout.opening.OPENING_TAIL", 3)
    stage = await new_stage(ring_entries=20)
    watcher = await stage.watch()
    await stage.say()
    await until(lambda: watcher.texts() == ["1"])
    watcher.blocked = True
    for _ in range(4):
        await stage.say()
        await until(lambda: not stage.hub._channels["v"].dirty)
    for _ in range(25):  # more than can be fetched
        await stage.keep()
    await stage.say()
    channel = stage.hub._channels["v"]
    async with asyncio.timeout(5):
        while channel.greeting.position.offset != 31:
            await asyncio.sleep(0)  # so that who returns comes in the very turn in which the mending ends
    returned = await stage.watch(last_event_id=f"{channel.greeting.position.epoch}.15.0")
    assert returned.texts() == [str(number) for number in range(16, 32)]
    watcher.unblock()
    assert [data["reason"] for name, data, _ in watcher.events() if name == "reset"] == ["restarted"]
    assert watcher.picture() == (await stage.watch()).picture()


async def test_a_retracted_text_is_in_no_later_byte(stage: Stage) -> None:
    """Not in the backlog, not for who returns, not for who lags behind."""
    lagging = await stage.watch()
    level = await stage.watch()
    start = lagging.last_id()
    lagging.blocked = True
    await stage.say("hello")
    await until(lambda: level.texts() == ["hello"])
    secret = await stage.say("secret")
    await stage.change(Kind.DELETED, secret)
    returned = await stage.watch(last_event_id=start)
    newcomer = await stage.watch(batch=True)
    await until(lambda: any(name == "comment_deleted" for name, _, _ in level.events()))
    lagging.unblock()
    await until(lambda: any(name == "comment_deleted" for name, _, _ in lagging.events()))
    for watcher in (lagging, returned, newcomer):  # the level one may have had it before it was retracted
        assert b"secret" not in watcher.received
    for watcher in (level, lagging, returned, newcomer):
        assert list(watcher.picture()[0].values()) == ["hello"]


class SlowStore(SqliteStore):
    """The real store, whose answer to `newest` can be kept back after it was read."""

    gate: asyncio.Event | None = None

    async def newest(self, video_id: str, limit: int) -> list[Comment]:
        found = await super().newest(video_id, limit)
        if self.gate is not None:
            await self.gate.wait()
        return found


async def test_a_retraction_during_a_read_is_in_force_at_once_and_afterwards(new_stage: NewStage) -> None:
    """What was read before it must not bring the text back, nor may anybody be shown it meanwhile."""
    stage = await new_stage(store=SlowStore)
    assert isinstance(stage.store, SlowStore)
    secret, kept = await stage.say("secret"), await stage.say("kept")
    await stage.watch()
    stage.store.gate = asyncio.Event()
    refilling = asyncio.get_running_loop().create_task(stage.hub._channels["v"].refill())
    await asyncio.sleep(0.05)
    await stage.change(Kind.DELETED, secret)
    during = await stage.watch()
    stage.store.gate.set()
    await refilling
    after = await stage.watch()
    await until(lambda: all(watcher.picture() == ({kept.id: "kept"}, []) for watcher in (during, after)))
    assert b"secret" not in during.received + after.received


class StumblingBroker(LocalBroker):
    """The real broker, whose history fails once with something that nobody foresaw."""

    stumbles = 0

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        if self.stumbles:
            self.stumbles -= 1
            raise RuntimeError("unforeseen")
        return await super().after(video_id, position, limit)


async def test_an_unforeseen_error_does_not_silence_a_video(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A hole is fetched again until it is filled, whatever happened in between, and the log says what it was."""
    monkeypatch.setattr(intake, "_RETRY", 0.01)
    stage = await new_stage(broker=StumblingBroker)
    assert isinstance(stage.broker, StumblingBroker)
    watcher = await stage.watch()
    stage.broker.stumbles = 2
    await stage.keep("missed")
    await stage.say("seen")
    await until(lambda: watcher.texts() == ["missed", "seen"])
    assert "unforeseen" in caplog.text


async def test_a_comment_pinned_long_after_its_birth_is_in_the_backlog_and_not_pinned_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's tail may hold its pin and not its birth; the backlog shows it as it was born."""
    monkeypatch.setattr(opening, "OPENING_TAIL", 5)
    old = await stage.say("old")
    for _ in range(10):
        await stage.say()
    await stage.change(Kind.PINNED, old)
    monkeypatch.setattr(opening, "now_ms", lambda: now_ms() + 20_000)  # old comments are older than the allowed skew
    watcher = await stage.watch()
    assert watcher.texts()[0] == "old"
    assert watcher.picture()[1] == [old.id]
    assert not any(data.get("pinned") for name, data, _ in watcher.events() if name == "comment")


ADMITTED = {
    Status.VISIBLE: [Kind.DELETED, Kind.HIDDEN, Kind.PINNED, Kind.PINNED, Kind.UNPINNED],
    Status.HIDDEN: [Kind.DELETED, Kind.RESTORED, Kind.RESTORED],
    Status.DELETED: [Kind.DELETED],
}


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_everyone_ends_with_the_same_picture(new_stage: NewStage, seed: int) -> None:
    """Who comes, goes, returns, lags or catches up amid retractions and pins: all agree with the store in the end."""
    dice = random.Random(seed)
    stage = await new_stage(ring_entries=dice.choice([8, 30, 1000]))
    said: list[Comment] = []
    watchers = [await stage.watch()]
    away: list[str] = []
    for _ in range(150):
        match dice.randrange(10):
            case 0 | 1 | 2 | 3:
                said.append(await stage.say())
            case 4 | 5 if said:
                comment = await stage.store.get("v", dice.choice(said[-15:]).id)
                assert comment is not None
                await stage.change(dice.choice(ADMITTED[comment.status]), comment)
            case 6:
                watchers.append(await stage.watch(batch=dice.random() < 0.5))
            case 7:
                watcher = dice.choice(watchers)
                watcher.blocked = True
            case 8:
                dice.choice(watchers).unblock()
            case 9 if len(watchers) > 1:
                leaving = watchers.pop(dice.randrange(len(watchers)))
                if not leaving.blocked and (last := leaving.last_id()):
                    away.append(last)
                leaving.lost()
        if dice.random() < 0.3:
            await asyncio.sleep(dice.choice([0, 0.002, 0.01]))
    said.append(await stage.say("the end"))
    await asyncio.sleep(0.1)
    for watcher in watchers:
        watcher.unblock()
    visible = await stage.store.newest("v", 200)
    pins = [comment.id for comment in await stage.store.pins("v")]
    expected = {comment.id: comment.text for comment in visible}
    await until(lambda: all("the end" in watcher.picture()[0].values() for watcher in watchers))
    assert all(watcher.picture() == (expected, pins) for watcher in watchers)
    newcomer = await stage.watch()
    assert newcomer.picture() == (expected, pins)
    for last in away:
        returned = await stage.watch(last_event_id=last, batch=dice.random() < 0.5)
        assert set(returned.picture()[0].items()) <= set(expected.items())
        assert returned.picture()[1] == pins
        ids = [data["id"] for name, data, _ in returned.events() if name == "comment"]
        assert len(ids) == len(set(ids))
