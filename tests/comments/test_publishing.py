"""An accepted comment reaches the live log, whatever happens to the broker or to whoever accepted it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from tests.comments.distant_broker import DistantBroker

from hubbub.comments import publishing
from hubbub.comments.publishing import HELD_MS, TRIPS_AFTER, Publisher
from hubbub.errors import BrokerUnavailable, StoreUnavailable
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.model import Entry, Event
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_comment
from hubbub.wire.events import comment_event


class Counting(SqliteStore):
    """The real store, which counts confirmations and can refuse to write them."""

    confirmed: list[int]
    full = False
    at_once = 1_000

    async def confirm_published(self, events: Sequence[Event]) -> None:
        if self.full:
            raise StoreUnavailable("disk full")
        self.confirmed.append(len(events))
        await super().confirm_published(events)

    async def lease_unpublished(self, holder: str, *, now: int, lease_ms: int, limit: int) -> list[Event]:
        return await super().lease_unpublished(holder, now=now, lease_ms=lease_ms, limit=min(limit, self.at_once))


class Bench:
    """A publisher between a store and a broker. ``pushes`` is what viewers are shown."""

    def __init__(self, store: Counting, broker: DistantBroker) -> None:
        self.store = store
        self.broker = broker
        self.publisher = self.new_publisher()
        self.pushes: list[Entry] = []

    def new_publisher(self) -> Publisher:
        """Another process."""
        return Publisher(self.broker, self.store, Metrics())

    async def keep(self) -> tuple[Event, int | None]:
        """Store a comment as `Accepting` does, without publishing it."""
        due = self.publisher.due()
        comment = make_comment("v")
        await self.store.append(comment, due=due)
        return comment_event(comment), due

    async def post(self) -> Event:
        """Store a comment, and publish it."""
        event, due = await self.keep()
        await self.publisher.publish(event, None, due=due)
        return event

    async def post_some(self, count: int) -> list[str]:
        """The ids of some posts."""
        return [(await self.post()).id for _ in range(count)]

    def shown(self) -> list[str]:
        """Ids of what viewers were shown, in order."""
        return [entry.event.id for entry in self.pushes]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = Counting(tmp_path / "hubbub.db")
    store.confirmed = []
    await store.open()
    bench = Bench(store, DistantBroker())
    await bench.broker.subscribe("v", bench.pushes.append)
    yield bench
    await store.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the publishers' clock run ahead by some milliseconds."""

    def run_ahead(by: int) -> None:
        monkeypatch.setattr(publishing, "now_ms", lambda: now_ms() + by)

    return run_ahead


@pytest.mark.parametrize("trouble", ["away", "hangs"])
async def test_what_the_broker_does_not_confirm_is_on_the_list_and_published_later(
    bench: Bench, trouble: Literal["away", "hangs"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an error nor silence of the broker costs a comment, nor makes its poster wait long."""
    monkeypatch.setattr(publishing, "CONFIRM_WITHIN", 0.05)
    publisher = bench.publisher
    bench.broker.trouble = trouble
    said = await bench.post_some(TRIPS_AFTER + 2)
    assert await bench.store.count_unpublished() == publisher.unpublished == len(said)
    with pytest.raises(BrokerUnavailable):
        await publisher.sweep()
    assert await bench.store.count_unpublished() == len(said)

    bench.broker.trouble = None
    assert await publisher.sweep() == len(said)
    assert await bench.store.count_unpublished() == publisher.unpublished == 0
    assert bench.shown() == said


async def test_a_list_that_a_slow_store_gives_in_parts_is_published_without_a_pause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DynamoDB does where its answers take long: an outage's list would be published at a part a second."""
    monkeypatch.setattr(publishing, "SWEEP_EVERY", 3_600.0)
    bench.store.at_once = 3
    bench.broker.trouble = "away"
    said = await bench.post_some(10)
    bench.broker.trouble = None
    bench.publisher.start()
    async with asyncio.timeout(10):
        while await bench.store.count_unpublished():
            await asyncio.sleep(0.01)
    await bench.publisher.stop()
    assert bench.shown() == said


async def test_after_some_failures_nobody_waits_for_the_broker(bench: Bench) -> None:
    """Posts go straight to the list, with no further write; once it confirms again, straight into the log."""
    bench.broker.trouble = "away"
    await bench.post_some(20)
    assert bench.broker.asked == TRIPS_AFTER
    bench.broker.trouble = None
    assert await bench.publisher.sweep() == 20
    asked = bench.broker.asked
    (live,) = await bench.post_some(1)
    assert bench.broker.asked == asked + 1
    assert bench.shown()[-1] == live


async def test_while_the_broker_is_away_one_event_is_tried_and_no_more(bench: Bench) -> None:
    """A long list costs an absent broker, and the store, no more than a short one."""
    bench.broker.trouble = "away"
    await bench.post_some(20)
    asked = bench.broker.asked
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await bench.publisher.sweep()
    assert bench.broker.asked == asked + 3


async def test_what_is_said_of_the_broker_is_believed_before_a_post_has_waited(bench: Bench) -> None:
    """Told that it is gone, nobody tries; told that it is back, the list is swept at once."""
    bench.publisher.start()
    bench.broker.leave()
    asked = bench.broker.asked
    said = await bench.post_some(5)
    bench.broker.come_back()
    async with asyncio.timeout(5):
        while await bench.store.count_unpublished():
            await asyncio.sleep(0.005)
    assert bench.broker.asked - asked >= 5
    assert bench.shown() == said
    await bench.publisher.stop()


async def test_confirming_is_one_write_for_many_posts(bench: Bench) -> None:
    """Posts don't wait for being taken off the list, and are taken off together."""
    await bench.post_some(50)
    assert await bench.store.count_unpublished() == 50
    assert await bench.publisher.sweep() == 0
    assert bench.store.confirmed == [50]
    assert await bench.store.count_unpublished() == 0


async def test_what_could_not_be_confirmed_is_confirmed_later(bench: Bench) -> None:
    """A store that is away for a moment makes nobody publish everything twice."""
    await bench.post_some(3)
    bench.store.full = True
    with pytest.raises(StoreUnavailable):
        await bench.publisher.sweep()
    bench.store.full = False
    await bench.publisher.stop()
    assert bench.store.confirmed == [3]
    assert bench.broker.asked == 3


async def test_sweepers_leave_alone_what_is_being_published(bench: Bench, later: Callable[[int], None]) -> None:
    """A comment is published by whoever took it, for as long as that may take; after that, by anybody."""
    event, _ = await bench.keep()
    another = bench.new_publisher()
    assert await another.sweep() == 0
    later(HELD_MS)
    assert await another.sweep() == 1
    assert bench.shown() == [event.id]


async def test_a_process_that_dies_between_store_and_broker_leaves_nothing_unseen(
    bench: Bench, later: Callable[[int], None]
) -> None:
    """Also of what it had published and not yet confirmed, nothing is shown twice."""
    said = await bench.post_some(2)
    said.append((await bench.keep())[0].id)  # and here it is killed
    later(HELD_MS)
    successor = bench.new_publisher()
    successor.start()
    async with asyncio.timeout(5):
        while await bench.store.count_unpublished():
            await asyncio.sleep(0.01)
    await successor.stop()
    assert bench.shown() == said


async def test_a_process_that_is_cut_off_leaves_its_share_to_others(bench: Bench) -> None:
    """What its sweeper tried in vain is free at once: another may reach the broker."""
    bench.broker.trouble = "away"
    said = await bench.post_some(TRIPS_AFTER + 3)
    with pytest.raises(BrokerUnavailable):
        await bench.publisher.sweep()
    bench.broker.trouble = None
    assert await bench.new_publisher().sweep() == len(said)
    assert bench.shown() == said


async def test_an_outage_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Not a line a post or a second."""
    bench.broker.trouble = "away"
    with caplog.at_level(logging.INFO):
        await bench.post_some(50)
        bench.broker.trouble = None
        await bench.publisher.sweep()
    assert len([record for record in caplog.records if "not confirmed" in record.message]) == TRIPS_AFTER
    assert len([record for record in caplog.records if "confirms again" in record.message]) == 1
