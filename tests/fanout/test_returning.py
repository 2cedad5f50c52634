"""Viewers who come back: each rung of the ladder, and what they are spared."""

from __future__ import annotations

import asyncio

import pytest
from tests.fanout.conftest import NewStage, Stage, until

from hubbub.fanout.hub import Timing
from hubbub.fanout.opening import OPENING_TAIL
from hubbub.ids import now_ms


async def test_a_viewer_who_returns_gets_exactly_what_it_missed(stage: Stage) -> None:
    """From any event's id, to any moment: the rest, once, in order."""
    watcher = await stage.watch()
    for _ in range(30):
        await stage.say()
    await until(lambda: len(watcher.texts()) == 30)
    for name, data, id in watcher.events():
        returned = await stage.watch(last_event_id=id, batch=True) if id else None
        if returned and name == "comment":
            assert returned.texts() == [str(n) for n in range(int(data["text"]) + 1, 31)]
            assert returned.events()[0][1]["resumed"] is True
    assert stage.count("hubbub_resets_total", reason="not_provable") == 0


async def test_a_viewer_who_returns_after_a_restart_gets_exactly_what_it_missed(new_stage: NewStage) -> None:
    """The log is the database's: another process, the same places."""
    first = await new_stage()
    watcher = await first.watch()
    for _ in range(5):
        await first.say()
    await until(lambda: len(watcher.texts()) == 5)
    last = watcher.last_id()
    await first.say("while nobody watched")
    await first.close()
    second = await new_stage()
    returned = await second.watch(last_event_id=last)
    assert returned.texts() == ["while nobody watched"]
    assert second.count("hubbub_joins_total", rung="ring") == 1


async def test_a_place_before_the_ring_is_read_from_the_log_once_for_all(stage: Stage) -> None:
    """The second rung: exactly once still, and the next who returns from further back finds it in memory."""
    said = [await stage.keep() for _ in range(OPENING_TAIL + 300)]
    epoch = (await stage.broker.tail("v", 1)).head.epoch
    returned = await stage.watch(last_event_id=f"{epoch}.250.0", batch=True)
    assert returned.texts() == [comment.text for comment in said[250:]]
    another = await stage.watch(last_event_id=f"{epoch}.200.0")
    assert another.texts() == [comment.text for comment in said[200:]]
    assert stage.count("hubbub_joins_total", rung="log") == 1
    assert stage.count("hubbub_joins_total", rung="ring") == 1
    await stage.say("live")
    await until(lambda: returned.texts()[-1] == another.texts()[-1] == "live")


async def test_a_crowd_that_returns_at_once_from_before_the_ring_waits_for_the_one_read(stage: Stage) -> None:
    """As after a restart: each gets exactly what it missed, whichever of them made us read the log."""
    said = [await stage.keep() for _ in range(OPENING_TAIL + 200)]
    epoch = (await stage.broker.tail("v", 1)).head.epoch
    places = [100 + n for n in range(80)]
    crowd = await asyncio.gather(*(stage.watch(last_event_id=f"{epoch}.{n}.0", batch=n % 2 == 0) for n in places))
    for place, watcher in zip(places, crowd, strict=True):
        assert watcher.texts() == [comment.text for comment in said[place:]]
    assert stage.count("hubbub_joins_total", rung="store") == 0


async def test_a_place_further_back_than_the_ring_can_hold_costs_no_read_of_the_log(new_stage: NewStage) -> None:
    """A stranger's old tokens must not make us read and hold more than a video's memory is allowed."""
    stage = await new_stage(ring_entries=50)
    for _ in range(100):
        await stage.keep()
    epoch = (await stage.broker.tail("v", 1)).head.epoch
    for offset in range(20):
        returned = await stage.watch(last_event_id=f"{epoch}.{offset}.0")
        assert returned.events()[1][0] == "reset"
    assert stage.count("hubbub_ring_entries") == 50


async def test_a_viewer_ahead_of_the_tick_waits_for_it(new_stage: NewStage) -> None:
    """One who comes from another gateway must not be sent again what it had there."""
    stage = await new_stage(timing=Timing(tick_min=0.4, tick_max=0.5))
    watcher = await stage.watch()
    await stage.say()
    await until(lambda: watcher.texts() == ["1"])
    await stage.say()
    epoch = stage.hub._channels["v"].ring.head.epoch
    returned = await stage.watch(last_event_id=f"{epoch}.2.{now_ms()}")
    await stage.say()
    await until(lambda: returned.texts()[-1:] == ["3"])
    assert returned.texts() == ["3"]


async def test_another_epoch_is_answered_from_the_store(stage: Stage) -> None:
    """The third rung: everything since the token's low-water time, doubles bearing the same id."""
    said = [await stage.say() for _ in range(3)]
    token = f"otherepoch.7.{said[1].created_at}"
    returned = await stage.watch(last_event_id=token)
    assert set(returned.texts()) >= {"2", "3"}
    assert stage.count("hubbub_joins_total", rung="store") == 1
    await stage.say("live")
    await until(lambda: returned.texts()[-1] == "live")
    assert returned.texts().count("live") == 1


async def test_a_busy_video_is_told_from_the_store_too(stage: Stage) -> None:
    """50 comments a second, for the 40 s that an accepted one may be on its way into a distant log."""
    said = [await stage.keep() for _ in range(50 * 40)]
    returned = await stage.watch(last_event_id=f"otherepoch.7.{said[0].created_at}")
    assert returned.texts() == [comment.text for comment in said]
    assert stage.count("hubbub_joins_total", rung="store") == 1


@pytest.mark.parametrize("token", ["nonsense", "otherepoch.7.0", "\x00", "e" * 500])
async def test_what_proves_nothing_is_answered_with_reset_and_the_backlog(stage: Stage, token: str) -> None:
    """On the same connection, and live from there on."""
    for _ in range(3):
        await stage.say()
    returned = await stage.watch(last_event_id=token)
    assert [name for name, _, _ in returned.events()] == ["welcome", "reset", "comment", "comment", "comment"]
    await stage.say("live")
    await until(lambda: returned.texts()[-1] == "live")


async def test_a_position_beyond_the_log_is_not_believed(stage: Stage) -> None:
    """A place that this epoch has not reached proves nothing: a database that went back in time."""
    await stage.say()
    watcher = await stage.watch()
    epoch, _, low = (watcher.last_id() or "").split(".")
    returned = await stage.watch(last_event_id=f"{epoch}.99.{low}")
    assert returned.events()[0][1]["resumed"] is True, "the store tells what came since"
    assert stage.count("hubbub_joins_total", rung="store") == 1
