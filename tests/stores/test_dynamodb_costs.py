"""What the DynamoDB store's methods cost, in capacity units: printed, and held to the table in docs/operating.md."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.stores.dynamodb_tables import reopened, table_name
from tests.stores.dynamodb_units import units_of
from tests.stores.faulty_dynamodb import FaultyDynamoDB, faulty

from hubbub.ids import first_id_at
from hubbub.model import Comment, Kind, Stage, Video
from hubbub.stores.base import IdempotencyKey
from hubbub.stores.dynamodb import DynamoStore
from hubbub.stores.dynamodb.keys import BUCKET_MS
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.samples import make_change, make_comment, make_video_id
from hubbub.wire.events import comment_event

PAGE_OF_COSTS = Path(__file__).parents[2] / "docs" / "operating.md"
HEADING = "| what | write units | read units | units a comment |"
HOUR = 1_700_000_000_000 // BUCKET_MS * BUCKET_MS
TEXT = "That was the best goal of the season, no question about it!"
"""59 characters: the item has some 480 bytes, as most comments do."""

Costs = tuple[float, float]


class Till:
    """A store, and what each thing that it is asked for costs."""

    def __init__(self, store: DynamoStore, proxy: FaultyDynamoDB) -> None:
        self.store, self._proxy = store, proxy

    async def of(self, call: Awaitable[Any]) -> Costs:
        """The units, written and read, of a call."""
        self._proxy.seen.clear()
        await call
        return units_of(self._proxy.seen)


class Observed:
    """Has the store ask what its requests cost."""

    def consumed(self, operation: str, *, read: float, written: float) -> None:
        """A request's; the answers are looked at on their way."""

    def retried(self, code: str) -> None:
        """Nothing is refused here."""
        raise AssertionError(code)


@pytest.fixture
async def till(dynamodb_local: DynamoDBLocal) -> AsyncIterator[Till]:
    """On a table of its own, with the settings as they are without any."""
    async with faulty(dynamodb_local.endpoint) as proxy:
        url = f"dynamodb://{table_name()}?region=local&endpoint={proxy.endpoint}"
        async with reopened(url, observer=Observed(), clock=lambda: HOUR + 1_000) as store:
            yield Till(store, proxy)


def comment_in(video_id: str, n: int = 0) -> Comment:
    """The ``n``-th comment of the hour. Its id is always the same: chance would spread others over the shards anew."""
    id = first_id_at(HOUR + n)
    return make_comment(video_id, at=HOUR + n, id=f"{id[:-4]}{n:04x}", text=TEXT)


async def test_the_table_of_costs_in_the_operators_guide_is_true(till: Till) -> None:
    """Every line of it, by what the engine charges, or should."""
    measured = [*await _posting(till), *await _changing(till), *await _reading(till), *await _idling(till)]
    table = [HEADING, "|---|---|---|---|", *(_line(*one) for one in measured)]
    sys.stdout.write("\n" + "\n".join(table) + "\n")
    assert "\n".join(table) in PAGE_OF_COSTS.read_text()


def _line(what: str, costs: Costs, comments: int = 0) -> str:
    each = f"{sum(costs) / comments:.3f}" if comments else ""
    return f"| {what} | {costs[0]:g} | {costs[1]:g} | {each} |"


Line = tuple[str, Costs, int]


async def _posting(till: Till) -> list[Line]:
    store, video_id = till.store, make_video_id()
    first = comment_in(video_id)
    opening = await till.of(store.append(first))
    plain = comment_in(video_id, 1)
    alone = await till.of(store.append(plain))
    listed, keyed = comment_in(video_id, 2), comment_in(video_id, 3)
    key = IdempotencyKey(keyed.user.id, video_id, "key", b"f")
    with_list = await till.of(store.append(listed, due=0))
    with_key = await till.of(store.append(keyed, key=key, due=0))
    confirmed = await till.of(store.confirm_published([comment_event(listed)]))
    await store.confirm_published([comment_event(keyed)])
    hour = (opening[0] - alone[0], opening[1] - alone[1])
    return [
        ("a comment, and its place on the unpublished list", with_list, 1),
        ("the same with an `Idempotency-Key`", with_key, 1),
        ("taking it off the list, once it is in the live log", confirmed, 1),
        ("besides, the first comment of a video's hour", hour, 0),
        ("a repeated `Idempotency-Key`", await till.of(store.recall(key)), 0),
    ]


async def _changing(till: Till) -> list[Line]:
    store, comment = till.store, comment_in(make_video_id())
    await store.append(comment)
    lines: list[Line] = [
        (f"`{kind}` of a comment", await till.of(store.apply(make_change(kind, comment), due=0)), 0)
        for kind in (Kind.PINNED, Kind.UNPINNED, Kind.HIDDEN, Kind.RESTORED, Kind.DELETED)
    ]
    for event in (leased := await store.lease_unpublished("a", now=2**45, lease_ms=0, limit=50)):
        assert event.video_id == comment.video_id
    await store.confirm_published(leased)
    return lines


async def _reading(till: Till) -> list[Line]:
    store, video_id = till.store, make_video_id()
    comments = [comment_in(video_id, n) for n in range(400)]
    await asyncio.gather(*map(store.append, comments))
    middle, at = comments[200], [comment.created_at for comment in comments]

    def window(count: int) -> Awaitable[list[Comment]]:
        return store.window(video_id, since=at[100], until=at[100 + count], limit=200)

    def page(count: int) -> Awaitable[list[Comment]]:
        return store.page(video_id, after=middle.id, limit=count, order="desc")

    calls: list[tuple[str, Callable[[], Awaitable[Any]], int]] = [
        ("a page of history, 50 comments", lambda: page(50), 50),
        (
            "a page of history, 200 comments",
            lambda: page(200),
            200,
        ),
        ("a window of a replay, 200 comments", lambda: window(200), 200),
        ("the newest 100 comments (the backlog of a gateway's first viewer)", lambda: store.newest(video_id, 100), 100),
        ("resuming by the store, 100 events missed", lambda: store.changes_since(video_id, at[300], 200), 100),
        ("polling the store (no Redis), 1 new event", lambda: store.changes_since(video_id, at[399], 200), 1),
        ("polling the store, nothing new", lambda: store.changes_since(video_id, at[399] + 1, 200), 0),
        ("a video's record", lambda: store.video(video_id), 0),
        ("a video's pins, none there", lambda: store.pins(video_id), 0),
    ]
    lines: list[Line] = [(what, await till.of(call()), count) for what, call, count in calls]
    for n in range(50):
        await store.keep_video(Video(make_video_id(), title=f"Video {n}", made_at=n), was=None)
    lines.append(("a list of 50 videos", await till.of(store.videos(Stage.UNTIMED, limit=50)), 0))
    return lines


async def _idling(till: Till) -> list[Line]:
    store = till.store
    sweep = till.of(store.lease_unpublished("a", now=HOUR, lease_ms=1_000, limit=500))
    return [
        ("a sweep that finds nothing (each API process, once a second)", await sweep, 0),
        ("counting the unpublished, none there", await till.of(store.count_unpublished()), 0),
        ("`/readyz`", await till.of(store.ping()), 0),
    ]
