"""A live log across a network: whatever it loses, viewers don't."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from tests.comments.distant_broker import DistantBroker
from tests.fanout.conftest import until
from tests.fanout.distant.world import Gateway, World

from hubbub.fanout import far
from hubbub.fanout.far import FarIntake
from hubbub.fanout.lookout import Lookout
from hubbub.metrics import Metrics
from hubbub.model import Entry, Kind, Position
from hubbub.wire.events import comment_event
from hubbub.wire.tokens import decode_token


async def test_a_push_that_was_lost_is_found_without_a_later_one(world: World, gateway: Gateway) -> None:
    """Nothing shows the hole, but for asking where the log stands; a lost subscription looks the same."""
    watcher = await gateway.watch()
    await world.say("1")
    gateway.broker.deaf.add("v")
    await world.say("2")
    await world.say("3")
    await gateway.settle()
    assert watcher.texts() == ["1"]
    await world.look()
    assert watcher.texts() == ["1", "2", "3"]
    assert gateway.count("hubbub_position_repairs_total") == 1


async def test_looking_at_positions_is_one_question_for_all_videos(world: World, gateway: Gateway) -> None:
    """And who is level costs no more than that."""
    for number in range(20):
        await gateway.watch(video_id=f"v{number}")
    polls, asked = world.store.polls, gateway.broker.asked_heads
    await world.look()
    assert gateway.broker.asked_heads == asked + 1
    assert world.store.polls == polls
    assert gateway.count("hubbub_position_repairs_total") == 0


async def test_positions_are_asked_for_as_often_as_is_set(world: World) -> None:
    """Give or take a third, so that gateways which began together do not go on asking together."""
    lookout = Lookout(DistantBroker(world.logs), {}, Metrics(), check_every=9)
    waits = [await lookout.look() for _ in range(50)]
    assert 6 <= min(waits) < max(waits) <= 12


async def test_a_new_log_joins_the_old_without_a_reset(world: World, gateway: Gateway) -> None:
    """What was accepted into the lost log and never pushed comes from the store; what is in both comes once."""
    watcher = await gateway.watch()
    await world.say("1")
    gateway.broker.deaf.add("v")
    await world.say("2")
    world.logs.lose_all()
    gateway.broker.deaf.clear()
    await world.say("3")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3"]
    await world.say("4")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3", "4"]
    assert [name for name, _, _ in watcher.events()].count("reset") == 0
    assert gateway.count("hubbub_reconciled_total", outcome="continued") == 1
    token = decode_token(watcher.last_id() or "")
    assert token is not None and token.position.epoch == world.logs.epoch


async def test_what_is_published_again_into_the_new_log_is_shown_once(world: World, gateway: Gateway) -> None:
    """A process that died before it confirmed leaves events that its successor publishes again."""
    watcher = await gateway.watch()
    for text in "123":
        await world.say(text)
    world.logs.lose_all()
    for comment in world.said:
        [listed] = await world.store.changes_since("v", comment.created_at, 1)
        await world.api.publish(listed)
    await world.look()
    await world.say("4")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3", "4"]


async def test_a_late_push_of_a_log_that_is_no_more_is_let_go(world: World, gateway: Gateway) -> None:
    """It shows no hole in the log that there is, however often that is read."""
    watcher = await gateway.watch()
    lost = await world.say("1")
    world.logs.lose_all()
    await world.say("2")
    await gateway.settle()
    gateway.broker.arrive(Entry(Position("e1", 7), comment_event(lost)))
    await gateway.settle()
    await world.say("3")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3"]


async def test_a_log_that_went_back_in_time_begins_anew(world: World, gateway: Gateway) -> None:
    """Its offsets may mean something else by now, so nobody is told that they continue."""
    watcher = await gateway.watch()
    for text in "123":
        await world.say(text)
    await gateway.settle()
    world.logs.go_back("v", 2)
    await world.let_pass(2)
    assert [name for name, _, _ in watcher.events()].count("reset") == 1
    assert watcher.picture() == await world.picture()


async def test_too_much_to_be_joined_is_said(world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log is joined to another as far as the store is read, and no further."""
    monkeypatch.setattr(far, "PAGE", 3)
    monkeypatch.setattr(far, "PAGES", 2)
    watcher = await gateway.watch()
    gateway.broker.deaf.add("v")
    for _ in range(10):
        await world.say()
        world.clock.advance(0.01)
    world.logs.lose_all()
    await world.let_pass(4)
    assert [name for name, _, _ in watcher.events()].count("reset") == 1
    assert watcher.picture() == await world.picture()
    assert gateway.count("hubbub_reconciled_total", outcome="reset") == 1


async def test_while_the_broker_is_away_viewers_are_served_by_the_store(world: World, gateway: Gateway) -> None:
    """Posts, deletions and pins alike; and when it is back, nothing is missing and nothing comes twice."""
    watcher = await gateway.watch()
    first = await world.say("1")
    world.api.leave()
    gateway.broker.leave()
    second = await world.say("2")
    await world.let_pass(1)
    assert watcher.texts() == ["1", "2"]
    await world.change(Kind.DELETED, first)
    await world.change(Kind.PINNED, second)
    await world.let_pass(30)
    assert watcher.picture() == await world.picture()
    world.api.come_back()
    gateway.broker.come_back()
    await world.say("3")
    await world.let_pass(8)
    await world.say("4")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3", "4"]
    assert [name for name, _, _ in watcher.events()].count("reset") == 0
    assert [name for name, _, _ in watcher.events()].count("comment_pinned") == 1


async def test_a_video_costs_one_query_a_second_however_many_watch(world: World, gateway: Gateway) -> None:
    """Who does not watch costs none."""
    for _ in range(50):
        await gateway.watch()
    await gateway.watch(video_id="other")
    gateway.broker.leave()
    polls = world.store.polls
    await world.let_pass(10)
    assert world.store.polls - polls == 20


async def test_a_video_can_be_opened_while_the_broker_is_away(world: World, gateway: Gateway) -> None:
    """From the store alone; it joins the log when there is one."""
    old = [await world.say() for _ in range(3)]
    gateway.broker.leave()
    world.api.leave()
    watcher = await gateway.watch()
    assert watcher.texts() == [comment.text for comment in old]
    await world.say("while away")
    await world.let_pass(2)
    returned = await gateway.watch(watcher.last_id())
    assert watcher.texts()[3:] == ["while away"]
    gateway.broker.come_back()
    world.api.come_back()
    await world.let_pass(3)
    await world.say("live")
    await gateway.settle()
    assert watcher.texts()[3:] == ["while away", "live"]
    assert returned.texts()[-1] == "live"
    assert gateway.count("hubbub_resets_total", reason="restarted") == 0


async def test_a_broker_whose_answer_came_too_late_once_is_asked_again(
    world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway at which a crowd arrives is slow by itself: that is no reason to turn to the store."""
    await gateway.watch()
    monkeypatch.setattr("hubbub.fanout.lookout.HEADS_WITHIN", 0.05)
    heads, asked = gateway.broker.heads, gateway.broker.asked_heads

    async def late_once(video_ids: Sequence[str]) -> dict[str, Position]:
        if gateway.broker.asked_heads == asked:
            gateway.broker.asked_heads += 1
            await asyncio.sleep(60)
        return await heads(video_ids)

    monkeypatch.setattr(gateway.broker, "heads", late_once)
    polls = world.store.polls
    await world.look()
    assert gateway.broker.asked_heads == asked + 2
    assert world.store.polls == polls
    assert not gateway.lookout.polling


async def test_a_broker_that_hangs_is_one_that_is_away(
    world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before anybody has said so: opening and checking wait for a moment and no longer."""
    monkeypatch.setattr(far, "READ_WITHIN", 0.01)
    monkeypatch.setattr("hubbub.fanout.lookout.HEADS_WITHIN", 0.01)
    await world.say("1")
    gateway.broker.trouble = "hangs"
    watcher = await gateway.watch()
    await world.keep("2")
    await gateway.lookout.look()
    await until(lambda: watcher.texts() == ["1", "2"])
    assert gateway.lookout.polling
    asked = gateway.broker.asked_heads
    await gateway.lookout.look()
    assert gateway.broker.asked_heads == asked + 1  # once: the store is to be asked every second


async def test_with_the_store_away_too_viewers_keep_what_they_have(
    world: World, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for the outage of each, and one when it is over, however many videos are watched."""
    watchers = [await gateway.watch(video_id=f"v{number}") for number in range(10)]
    with caplog.at_level(logging.INFO):
        gateway.broker.leave()
        world.store.away = True
        await world.let_pass(5)
        world.store.away = False
        await world.say("late", "v3")
        await world.let_pass(1)
        gateway.broker.come_back()
        await world.let_pass(5)
    assert watchers[3].texts() == ["late"]
    assert not any(watcher.ended or watcher.aborted for watcher in watchers)
    lines = [record.message for record in caplog.records if record.name == "hubbub.fanout.lookout"]
    assert [line.split(";")[0] for line in lines] == [
        "the broker is away",
        "the store does not answer either",
        "the store answers again",
        "the broker answers again",
    ]


async def test_what_a_lost_log_had_is_shown_to_those_who_open_the_video_right_after(
    world: World, gateway: Gateway
) -> None:
    """The new log says nothing of it, and it is too young to be taken for history."""
    await world.say("lost")
    await world.publisher.sweep()  # confirmed: nobody will publish it again
    world.logs.lose_all()
    world.clock.advance(1)  # for so long it might still be on its way into the new one
    watcher = await gateway.watch()
    await world.look()
    await world.say("live")
    await gateway.settle()
    assert watcher.texts() == ["lost", "live"]
    polls = world.store.polls
    await world.let_pass(5)
    assert world.store.polls == polls


async def test_a_comment_that_is_pushed_while_the_video_opens_is_not_asked_for(
    world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store had it before the log did, as it does for a moment with each: the push brings it, and once."""
    monkeypatch.setattr(far, "GRACE", 60.0)
    await world.say("1")
    kept, due = await world.keep("2")
    watching = asyncio.create_task(gateway.watch())
    await until(lambda: gateway.count("hubbub_store_reads_total", reason="opening") == 1)
    assert not watching.done()
    await world.publisher.publish(comment_event(kept), None, due=due)
    watcher = await watching
    await world.say("3")
    await gateway.settle()
    assert watcher.texts() == ["1", "2", "3"]
    assert gateway.count("hubbub_store_polls_total") == 0
    polls = world.store.polls
    await world.look()
    assert world.store.polls == polls


async def test_a_comment_that_comes_after_its_deletion_stays_hidden(world: World, gateway: Gateway) -> None:
    """A slow process publishes a comment that a fast one has had deleted."""
    watcher = await gateway.watch()
    comment, _ = await world.keep("gone")
    [before] = await world.store.changes_since("v", 0, 10)
    await world.change(Kind.DELETED, comment)
    await world.api.publish(before)
    await gateway.settle()
    latecomer = await (await world.gateway()).watch()
    await world.let_pass(3)
    assert watcher.picture() == latecomer.picture() == ({}, [])
    assert b"gone" not in watcher.received + latecomer.received


async def test_the_log_is_read_by_a_few_videos_at_a_time(
    world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is back is not asked for everything at once."""
    at_once = most = 0
    for number in range(40):
        await gateway.watch(video_id=f"v{number}")
        gateway.broker.deaf.add(f"v{number}")
        await world.say(video_id=f"v{number}")
    after = gateway.broker.after

    async def counted(*args: object) -> object:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        return await after(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(gateway.broker, "after", counted)
    await world.look()
    assert gateway.count("hubbub_position_repairs_total") == 40
    assert 0 < most <= far.MENDING


async def test_what_is_remembered_is_bounded_and_then_nothing_older_is_taken_for_new(
    world: World, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a video with more events than ids are kept for, the store is read back only as far as they go."""
    monkeypatch.setattr("hubbub.fanout.known.MAX_IDS", 5)
    watcher = await gateway.watch()
    for _ in range(20):
        await world.say()
        world.clock.advance(0.1)
    world.logs.lose_all()
    await world.say()
    await gateway.settle()
    assert watcher.texts() == [comment.text for comment in world.said]
    [channel] = gateway.hub._channels.values()
    assert isinstance(channel.intake, FarIntake)


async def test_a_ring_smaller_than_a_backlog_begins_anew_with_a_whole_one(world: World) -> None:
    """Also with comments from a moment ago that stood before what is read of the log."""
    gateway = await world.gateway(ring_entries=8)
    watcher = await gateway.watch()
    for _ in range(4):
        await world.say()
    await gateway.settle()
    gateway.broker.deaf.add("v")
    await world.let_pass(1)
    for _ in range(9):
        await world.say()
    await world.let_pass(2)
    assert "reset" in [name for name, _, _ in watcher.events()]
    assert watcher.picture() == await world.picture()


async def test_what_is_on_its_way_into_the_log_is_left_to_it_by_a_gateway_that_opens(world: World) -> None:
    """Or its viewers would have another order than everybody: the store's, not the log's."""
    everybody = await (await world.gateway()).watch()
    await world.say("0")
    first, first_due = await world.keep("1")
    second, second_due = await world.keep("2")
    opened = await world.gateway()
    newcomer = await opened.watch()
    await world.publisher.publish(comment_event(second), None, due=second_due)
    await world.publisher.publish(comment_event(first), None, due=first_due)
    await world.let_pass(8)
    assert everybody.texts() == newcomer.texts() == ["0", "2", "1"]
