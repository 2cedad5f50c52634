"""Accepting a comment: what a repeated post does, and what a refused one costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.comments.distant_broker import DistantBroker

from hubbub.comments.accepting import REPUBLISH_WITHIN_MS, Accepting
from hubbub.comments.draft import Draft, fingerprint
from hubbub.comments.identity import Identity
from hubbub.comments.limits import Limits
from hubbub.comments.publishing import Publisher
from hubbub.comments.videos import Videos
from hubbub.errors import StoreUnavailable, TooFast
from hubbub.ids import IdSource
from hubbub.limiters.base import Limit
from hubbub.limiters.local import LocalRateLimiter
from hubbub.metrics import Metrics
from hubbub.model import Comment, Entry, Event, Kind, User
from hubbub.stores.base import Appended, IdempotencyKey
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import ago, make_change, make_comment
from hubbub.wire.events import comment_event

ADA = Identity(User("ada", "Ada"), frozenset({"post"}))
DRAFT = Draft(text="hello")
ADDRESS = "192.0.2.1"
KEY = IdempotencyKey("ada", "v", "k", fingerprint(DRAFT))


class Fragile(SqliteStore):
    """The real store, which refuses to append, or to list what is unpublished, on demand."""

    full = False
    listless = False
    asked = 0

    async def append(self, comment: Comment, *, key: IdempotencyKey | None = None, due: int | None = None) -> Appended:
        self.asked += 1
        if self.full:
            raise StoreUnavailable("disk full")
        return await super().append(comment, key=key, due=due)

    async def mark_unpublished(self, event: Event, *, at: int) -> None:
        if self.listless:
            raise StoreUnavailable("disk full")
        await super().mark_unpublished(event, at=at)


class Bench:
    """`Accepting` over an opened store; ``pushes`` is what viewers of ``v`` are shown."""

    def __init__(self, store: Fragile) -> None:
        self.store = store
        self.broker = DistantBroker()
        self.pushes: list[Entry] = []
        self.metrics = Metrics()
        limits = Limits(LocalRateLimiter(), user=Limit(2, 1000), address=Limit(5, 1000), everyone=None)
        publisher, ids = Publisher(self.broker, store, self.metrics), IdSource()
        videos = Videos(store, publisher, ids, self.metrics)
        self.accepting = Accepting(store, publisher, limits, ids, videos)

    async def post(self, key: str | None = None) -> bool:
        """Post as Ada; whether it was replayed."""
        return (await self.accepting.post(ADA, ADDRESS, "v", DRAFT, key)).replayed

    def shown(self) -> list[bytes]:
        return [entry.event.body for entry in self.pushes]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = Fragile(tmp_path / "hubbub.db")
    await store.open()
    bench = Bench(store)
    await bench.broker.subscribe("v", bench.pushes.append)
    yield bench
    await store.close()


async def test_a_post_that_could_not_be_published_is_listed_since_its_commit(bench: Bench) -> None:
    """Nothing need be written for that once the broker has failed; and whoever publishes it first, its poster's retry
    or a sweeper, viewers see it once."""
    bench.broker.trouble, bench.store.listless = "away", True
    assert not await bench.post("k")
    assert bench.pushes == []
    assert await bench.store.count_unpublished() == 1

    bench.broker.trouble, bench.store.listless = None, False
    assert await bench.post("k")
    assert await bench.post("k")
    [stored] = await bench.store.newest("v", 10)
    [listed] = await bench.store.lease_unpublished("any", now=ago(-60_000), lease_ms=1, limit=10)
    await bench.broker.publish(listed)
    assert bench.shown() == [comment_event(stored).body]


async def test_a_retry_that_meets_the_first_try_in_the_store_publishes_it(bench: Bench) -> None:
    """Of posts with one key at the same time a single comment comes, shown once, and paid for once."""
    replays = await asyncio.gather(*(bench.post("k") for _ in range(2)))
    assert sorted(replays) == [False, True]
    assert len(bench.pushes) == 1
    assert not await bench.post()  # the second of two tokens: the replay has given its own back
    with pytest.raises(TooFast):
        await bench.post()


async def test_a_retry_that_can_not_be_published_either_is_listed_before_its_answer(bench: Bench) -> None:
    """201 for a retry means what it means for a first try: in the live log, or on the unpublished list."""
    await bench.store.append(make_comment("v", user=ADA.user), key=KEY)  # by a release that listed nothing at once
    bench.broker.trouble, bench.store.listless = "away", True
    with pytest.raises(StoreUnavailable):
        await bench.post("k")
    bench.store.listless = False
    assert await bench.post("k")
    assert await bench.store.count_unpublished() == 1


@pytest.mark.parametrize("kind", [Kind.HIDDEN, Kind.DELETED])
async def test_a_retry_does_not_publish_what_was_retracted_meanwhile(bench: Bench, kind: Kind) -> None:
    """What nobody may see any more is answered as it stands and goes nowhere."""
    await bench.store.append(comment := make_comment("v", user=ADA.user), key=KEY)
    await bench.store.apply(make_change(kind, comment))
    assert await bench.post("k")
    assert bench.broker.asked == 0


async def test_a_retry_publishes_a_pinned_comment_as_it_was_born(bench: Bench) -> None:
    """Its pin is an event of its own."""
    await bench.store.append(comment := make_comment("v", user=ADA.user), key=KEY)
    await bench.store.apply(make_change(Kind.PINNED, comment))
    assert await bench.post("k")
    assert bench.shown() == [comment_event(comment).body]


async def test_an_old_comment_is_not_shown_as_new_by_a_late_retry(bench: Bench) -> None:
    """After a minute a retry is answered and no more: the comment is history, which everybody who comes is given."""
    await bench.store.append(make_comment("v", user=ADA.user, at=ago(REPUBLISH_WITHIN_MS + 1)), key=KEY)
    assert await bench.post("k")
    assert bench.broker.asked == 0


async def test_a_post_that_the_store_refuses_costs_its_poster_nothing(bench: Bench) -> None:
    """However often the store refuses, the poster may post as much as before once it takes posts again."""
    bench.store.full = True
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await bench.post()
    bench.store.full = False
    assert [await bench.post(), await bench.post()] == [False, False]
    with pytest.raises(TooFast):
        await bench.post()


async def test_a_poster_who_is_cut_off_in_the_middle_leaves_nothing_unshown(bench: Bench) -> None:
    """A request that is cancelled while its comment is being stored: the comment is there once, and viewers see it."""
    posting = asyncio.get_running_loop().create_task(bench.post("k"))
    while not bench.store.asked:
        await asyncio.sleep(0)
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting
    async with asyncio.timeout(10):
        while not bench.pushes:
            await asyncio.sleep(0.001)
    [stored] = await bench.store.newest("v", 10)
    assert bench.shown() == [comment_event(stored).body]
    assert await bench.post("k")
