"""What every `hubbub.brokers.base.Broker` must keep, as tests.

A third party's adapter is held to it by subclassing in a test module of its own::

    class TestMyBroker(BrokerContract):
        @pytest.fixture
        async def bench(self, tmp_path):
            ...                       # the store first, then the broker over the real engine
            yield Bench(store, broker)
            ...                       # and close both

Events are stored before they are published, as a broker's callers owe it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import pytest

from hubbub.brokers.base import Broker
from hubbub.errors import NotProvable
from hubbub.ids import IdSource
from hubbub.model import Change, Comment, Entry, Event, Kind, Position, Status, User
from hubbub.stores.base import Store
from hubbub.wire.events import change_event, comment_event

_ids = IdSource()


class Bench(NamedTuple):
    """An opened store and an opened broker beside it."""

    store: Store
    broker: Broker

    async def keep(self, video_id: str = "v", text: str = "hi") -> tuple[Event, Position | None]:
        """Store a comment; what `Broker.publish` wants to know of it."""
        comment_id, at = _ids.next()
        comment = Comment(video_id, comment_id, User("u", "U"), text, at, None, Status.VISIBLE)
        appended = await self.store.append(comment)
        return comment_event(comment), appended.position

    async def say(self, video_id: str = "v", text: str = "hi") -> Entry:
        """Store and publish a comment."""
        event, committed = await self.keep(video_id, text)
        return Entry(await self.broker.publish(event, committed), event)

    async def retract(self, entry: Entry, kind: Kind = Kind.DELETED) -> Entry:
        """Store and publish a change to a comment."""
        change_id, at = _ids.next()
        change = Change(change_id, entry.event.video_id, kind, entry.event.id, at, "mod")
        applied = await self.store.apply(change)
        event = change_event(change, applied.comment)
        return Entry(await self.broker.publish(event, applied.position), event)


async def arrived(pushes: list[Entry], count: int) -> None:
    """Wait for a number of pushes; an adapter may take its time over a network."""
    async with asyncio.timeout(5):
        while len(pushes) < count:
            await asyncio.sleep(0.005)


async def settled(condition: Callable[[], bool]) -> bool:
    """Whether something stays so for a moment."""
    for _ in range(20):
        if not condition():
            return False
        await asyncio.sleep(0.005)
    return True


class BrokerContract:
    """Subclass it, and give it a fixture ``bench``."""

    async def test_offsets_are_dense_and_per_video(self, bench: Bench) -> None:
        """1, 2, 3 … for each video by itself, each within one epoch, its own or that of all."""
        entries = [await bench.say(video) for video in ("a", "b", "a", "a", "b")]
        assert [entry.position.offset for entry in entries] == [1, 1, 2, 3, 2]
        assert len({(entry.event.video_id, entry.position.epoch) for entry in entries}) == 2

    async def test_concurrent_publishes_get_places_of_their_own(self, bench: Bench) -> None:
        """However many at once, every offset is given once."""
        entries = await asyncio.gather(*(bench.say() for _ in range(50)))
        assert sorted(entry.position.offset for entry in entries) == list(range(1, 51))

    async def test_publishing_is_idempotent_by_id(self, bench: Bench) -> None:
        """A repeat returns the first position, adds nothing, pushes nothing."""
        pushes: list[Entry] = []
        await bench.broker.subscribe("v", pushes.append)
        event, committed = await bench.keep()
        first = await bench.broker.publish(event, committed)
        await bench.say()
        assert await bench.broker.publish(event, committed) == first
        await arrived(pushes, 2)
        assert await settled(lambda: len(pushes) == 2)
        assert (await bench.broker.tail("v", 10)).head.offset == 2

    async def test_a_publish_without_a_committed_position_finds_its_place(self, bench: Bench) -> None:
        """The sweeper's publish, which knows the event only, returns where the event stands."""
        event, committed = await bench.keep()
        position = await bench.broker.publish(event)
        assert position == await bench.broker.publish(event, committed)
        assert [entry.event.id for entry in (await bench.broker.tail("v", 10)).entries] == [event.id]

    async def test_subscribers_get_their_video_in_the_order_of_the_log(self, bench: Bench) -> None:
        """Bytes as published, at the published place; nothing of other videos."""
        pushes: list[Entry] = []
        await bench.broker.subscribe("v", pushes.append)
        said = [await bench.say(text=str(n)) for n in range(20)]
        await bench.say("other")
        await arrived(pushes, 20)
        assert await settled(lambda: len(pushes) == 20)
        assert pushes == said

    async def test_nothing_comes_after_unsubscribing(self, bench: Bench) -> None:
        """Nor is it an error to unsubscribe from what nobody subscribed to."""
        pushes: list[Entry] = []
        await bench.broker.subscribe("v", pushes.append)
        await bench.broker.unsubscribe("v")
        await bench.broker.unsubscribe("never")
        await bench.say()
        assert await settled(lambda: not pushes)

    async def test_a_new_subscription_begins_with_what_is_new(self, bench: Bench) -> None:
        """Pushes from before are not repeated; history is asked for."""
        await bench.say()
        pushes: list[Entry] = []
        await bench.broker.subscribe("v", pushes.append)
        said = await bench.say()
        await arrived(pushes, 1)
        assert pushes == [said]

    async def test_the_tail_is_the_newest_entries_oldest_first(self, bench: Bench) -> None:
        """With the head; of a video without any, offset 0."""
        said = [await bench.say(text=str(n)) for n in range(5)]
        head, entries = await bench.broker.tail("v", 3)
        assert (head, entries) == (said[-1].position, said[-3:])
        empty = await bench.broker.tail("none", 3)
        assert (empty.head.offset, empty.entries) == (0, [])
        assert (await bench.broker.tail("v", 100)).entries == said

    async def test_history_after_a_position_is_everything_after_it(self, bench: Bench) -> None:
        """From the very beginning to the head itself."""
        said = [await bench.say(text=str(n)) for n in range(5)]
        epoch = said[0].position.epoch
        for offset in range(6):
            assert await bench.broker.after("v", Position(epoch, offset), 10) == said[offset:]

    @pytest.mark.parametrize("offset", [6, 10**15])
    async def test_a_place_beyond_the_head_proves_nothing(self, bench: Bench, offset: int) -> None:
        """A log that went back in time must say so."""
        said = [await bench.say() for _ in range(5)]
        with pytest.raises(NotProvable):
            await bench.broker.after("v", Position(said[0].position.epoch, offset), 10)

    async def test_another_epoch_proves_nothing(self, bench: Bench) -> None:
        """Its offsets mean something else."""
        await bench.say()
        with pytest.raises(NotProvable):
            await bench.broker.after("v", Position("anotherepoch", 1), 10)

    async def test_more_than_the_limit_proves_nothing(self, bench: Bench) -> None:
        """Never a part that looks like the whole."""
        said = [await bench.say() for _ in range(5)]
        with pytest.raises(NotProvable):
            await bench.broker.after("v", said[0].position, 3)
        assert len(await bench.broker.after("v", said[0].position, 4)) == 4

    @pytest.mark.parametrize("kind", [Kind.DELETED, Kind.HIDDEN])
    async def test_a_retraction_blanks_every_earlier_entry_that_carries_the_text(
        self, bench: Bench, kind: Kind
    ) -> None:
        """Birth and pin keep their places and show nothing; other comments are untouched."""
        gone, kept = await bench.say(text="gone"), await bench.say(text="kept")
        await bench.retract(gone, Kind.PINNED)
        retraction = await bench.retract(gone, kind)
        for entries in (
            (await bench.broker.tail("v", 10)).entries,
            await bench.broker.after("v", Position(gone.position.epoch, 0), 10),
        ):
            assert [entry.position.offset for entry in entries] == [1, 2, 3, 4]
            assert [entry.event.body for entry in entries] == [b"", kept.event.body, b"", retraction.event.body]
