"""Coming and going: seats, heartbeats, stalled viewers, idle videos, the drain."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.fanout.conftest import NewStage, Stage, Watcher, until

from hubbub.brokers.local import LocalBroker
from hubbub.errors import StoreUnavailable
from hubbub.fanout.hub import Timing
from hubbub.model import Kind


async def test_silence_is_broken_by_a_heartbeat(new_stage: NewStage) -> None:
    """For viewers who are level; it is no event."""
    stage = await new_stage(timing=Timing(heartbeat=0.1))
    watcher = await stage.watch()
    await until(lambda: b":\n\n" in watcher.received)
    assert [name for name, _, _ in watcher.events()] == ["welcome"]


async def test_a_viewer_who_takes_nothing_is_closed_and_a_slow_one_is_not(new_stage: NewStage) -> None:
    """Slow is whoever takes a byte now and then."""
    stage = await new_stage(timing=Timing(tick_min=0.001, stall_timeout=1.5))
    stuck, slow = await stage.watch(), await stage.watch()
    stuck.blocked = slow.blocked = True
    await stage.say("x" * 400)

    async def sip() -> None:
        while not stuck.aborted:
            slow.waiting = slow.waiting[1:]
            await asyncio.sleep(0.2)

    await asyncio.wait_for(sip(), 6)
    await asyncio.sleep(1.2)
    assert not slow.aborted
    assert stage.count("hubbub_viewers_closed_total", reason="stalled") == 1
    assert stage.count("hubbub_viewers") == 1


async def test_an_unwatched_video_is_let_go_after_a_while_and_opens_again(new_stage: NewStage) -> None:
    """Its ring is kept for a moment, for viewers who return, and not for ever."""
    stage = await new_stage(timing=Timing(linger=0.5))
    watcher = await stage.watch()
    await stage.say()
    watcher.lost()
    assert stage.count("hubbub_videos_open") == 1
    await until(lambda: stage.count("hubbub_videos_open") == 0)
    await stage.say()
    returned = await stage.watch()
    assert returned.texts() == ["1", "2"]
    await stage.say()
    await until(lambda: returned.texts() == ["1", "2", "3"])


class SlowToLeave(LocalBroker):
    """The real broker, whose unsubscribing can be kept back."""

    gate: asyncio.Event | None = None

    async def unsubscribe(self, video_id: str) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await super().unsubscribe(video_id)


async def test_whoever_comes_while_idle_videos_are_closed_is_not_shut_out(new_stage: NewStage) -> None:
    """Neither on a video that was idle a moment ago, nor on one that is just being closed."""
    stage = await new_stage(timing=Timing(tick_min=0.001, linger=0.0), broker=SlowToLeave)
    assert isinstance(stage.broker, SlowToLeave)
    (await stage.watch(video_id="a")).lost()
    (await stage.watch(video_id="b")).lost()
    stage.broker.gate = asyncio.Event()
    await until(lambda: "a" not in stage.hub._channels)  # housekeeping is at it, and waits for the broker
    staying = await stage.watch(video_id="b")
    returning = asyncio.get_running_loop().create_task(stage.watch(video_id="a"))
    await asyncio.sleep(0.05)
    stage.broker.gate.set()
    back = await returning
    for _ in range(3):
        await asyncio.sleep(0.5)
        await stage.say(video_id="a")
        await stage.say(video_id="b")
    await until(lambda: len(staying.texts()) == len(back.texts()) == 3)


async def test_idle_videos_beyond_the_bound_go_longest_idle_first(stage: Stage) -> None:
    """However long they would otherwise linger."""
    for name in "abcde":
        (await stage.watch(video_id=name)).lost()
    await until(lambda: stage.count("hubbub_videos_open") == 3)
    assert sorted(stage.hub._channels) == ["c", "d", "e"]


async def test_a_thinned_out_backlog_is_filled_up_from_the_store(stage: Stage) -> None:
    """Retractions must not leave latecomers with less than there is."""
    said = [await stage.say() for _ in range(300)]
    watcher = await stage.watch()
    for comment in said[120:]:
        await stage.change(Kind.DELETED, comment)
    await until(lambda: len(stage.hub._channels["v"].greeting.backlog) == 120)
    newcomer = await stage.watch(backlog=200)
    assert newcomer.texts() == [str(n) for n in range(1, 121)]
    assert watcher.channel is not None


async def test_the_drain_asks_everyone_to_go_within_its_window(stage: Stage) -> None:
    """Each at a moment and with a `retry:` of its own, with a clean end; nobody is seated any more."""
    watchers = [await stage.watch() for _ in range(30)]
    began = time.monotonic()
    await stage.hub.drain(0.3)
    assert 0.2 < time.monotonic() - began < 2
    for watcher in watchers:
        assert watcher.events()[-1][:2] == ("reconnect", {"reason": "draining"})
        assert watcher.ended
    assert len({watcher.received.rsplit(b"retry: ", 1)[1] for watcher in watchers}) > 10
    assert stage.hub.viewer_count() == 0


async def test_a_video_whose_log_cannot_be_read_opens_later(stage: Stage) -> None:
    """The failure is the caller's to tell; nothing is left half-open."""
    await stage.say()
    await stage.store.close()
    with pytest.raises(StoreUnavailable):
        await stage.watch()
    await stage.store.open()
    assert (await stage.watch()).texts() == ["1"]


async def test_a_client_that_goes_while_it_is_greeted_leaves_nothing_behind(stage: Stage) -> None:
    """The connection may be lost between its request and its place in the channel."""
    watcher = Watcher()
    admitting = asyncio.get_running_loop().create_task(stage.hub.admit(watcher, "v", last_event_id=None))
    await asyncio.sleep(0)
    watcher.lost()
    await admitting
    assert stage.hub.viewer_count() == 0


async def test_who_is_to_go_while_it_is_greeted_goes_as_soon_as_it_is_in(stage: Stage) -> None:
    """A token may run out, and a drain begin, between a viewer's request and its place in the channel."""
    expired, drained = Watcher(), Watcher()
    admitting = [asyncio.ensure_future(stage.hub.admit(w, "v", last_event_id=None)) for w in (expired, drained)]
    await asyncio.sleep(0)
    stage.hub.dismiss(expired, "token_expired")
    await stage.hub.drain(0)
    await asyncio.gather(*admitting)
    for watcher, reason in ((expired, "token_expired"), (drained, "draining")):
        assert [event[:2] for event in watcher.events()][1:] == [("reconnect", {"reason": reason})]
        assert watcher.ended
    assert stage.hub.viewer_count() == 0
