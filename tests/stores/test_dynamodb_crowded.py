"""The DynamoDB store where there is much of something: a long list after an outage, a video that was moderated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.stores.dynamodb_tables import reopened, table_name
from tests.stores.faulty_dynamodb import Answer, FaultyDynamoDB, Forward, faulty

from hubbub.model import Kind
from hubbub.stores.dynamodb import DynamoStore
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.samples import make_change, make_comment, make_user, make_video_id

MANY = 240
FAR = 2**45


@pytest.fixture
async def proxy(dynamodb_local: DynamoDBLocal) -> AsyncIterator[FaultyDynamoDB]:
    """What requests go through."""
    async with faulty(dynamodb_local.endpoint) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: FaultyDynamoDB) -> AsyncIterator[DynamoStore]:
    """On a table of its own."""
    async with reopened(f"dynamodb://{table_name()}?region=local&endpoint={proxy.endpoint}") as store:
        yield store


async def listed(store: DynamoStore, video_id: str, count: int) -> list[str]:
    """The ids of so many new comments on the unpublished list."""
    comments = [make_comment(video_id) for _ in range(count)]
    for start in range(0, count, 60):
        await asyncio.gather(*(store.append(comment, due=0) for comment in comments[start : start + 60]))
    return [comment.id for comment in comments]


async def test_a_long_list_of_one_video_is_leased_with_few_reads(store: DynamoStore, proxy: FaultyDynamoDB) -> None:
    """All at once, each with its text, and each comment read once."""
    ids = await listed(store, make_video_id(), MANY)
    proxy.seen.clear()
    events = await store.lease_unpublished("me", now=FAR, lease_ms=60_000, limit=500)
    assert [event.id for event in events] == ids
    assert all(event.body for event in events)
    read = [len(keys["Keys"]) for one in proxy.requests("BatchGetItem") for keys in one["RequestItems"].values()]
    assert sum(read) == MANY


async def test_a_few_of_a_long_list_cost_a_few_reads(store: DynamoStore, proxy: FaultyDynamoDB) -> None:
    """As when one is tried first after an outage; and what another holds is passed all the same."""
    ids = await listed(store, make_video_id(), MANY)
    proxy.seen.clear()
    (first,) = await store.lease_unpublished("me", now=FAR, lease_ms=60_000, limit=1)
    assert sum(one.answer["ScannedCount"] for one in proxy.seen if one.operation == "Query") < MANY
    others = await store.lease_unpublished("you", now=FAR, lease_ms=60_000, limit=MANY - 20)
    assert [event.id for event in (first, *others)] == ids[: MANY - 19]
    proxy.seen.clear()
    rest = await store.lease_unpublished("she", now=FAR, lease_ms=60_000, limit=10)
    assert [event.id for event in rest] == ids[MANY - 19 : MANY - 9]
    assert len(proxy.requests("Query")) <= 16 * 4


async def test_a_slow_table_gives_a_part_of_the_list_rather_than_nothing(
    store: DynamoStore, proxy: FaultyDynamoDB
) -> None:
    """What is left is leased by the next call."""
    ids = await listed(store, make_video_id(), MANY)

    async def slow(request: dict[str, Any], forward: Forward) -> Answer:
        await asyncio.sleep(1.0)
        return await forward(request)

    async with reopened(_url_of(store), store_timeout=6) as hurried:
        proxy.meet("UpdateItem", slow, times=10_000)
        events = await hurried.lease_unpublished("me", now=FAR, lease_ms=60_000, limit=500)
    assert 0 < len(events) < MANY
    assert [event.id for event in events] == ids[: len(events)]


def _url_of(store: DynamoStore) -> str:
    return f"dynamodb://{store.place.table}?region=local&endpoint={store.place.endpoint}"


async def test_hidden_comments_are_passed_in_few_pages(store: DynamoStore, proxy: FaultyDynamoDB) -> None:
    """However few are asked for: a page that is mostly left out makes the next one longer."""
    video_id = make_video_id()
    shown = make_comment(video_id)
    await store.append(shown)
    comments = [make_comment(video_id) for _ in range(2 * MANY)]
    for start in range(0, len(comments), 60):
        part = comments[start : start + 60]
        await asyncio.gather(*map(store.append, part))
        await asyncio.gather(*(store.apply(make_change(Kind.DELETED, comment)) for comment in part))
    proxy.seen.clear()
    assert await store.newest(video_id, 1) == [shown]
    assert len(proxy.requests("Query")) <= 40


async def test_a_users_page_is_full_although_the_index_tells_of_what_is_gone(
    store: DynamoStore, proxy: FaultyDynamoDB
) -> None:
    """For a page that isn't would be taken for the last."""
    user = make_user()
    gone, *rest = [make_comment(f"video-{number}", user=user) for number in range(4)]
    for comment in (gone, *rest):
        await store.append(comment)

    async def without(request: dict[str, Any], forward: Forward) -> Answer:
        status, body = await forward(request)
        ((table, items),) = body["Responses"].items()
        return status, {**body, "Responses": {table: [one for one in items if one["sk"]["S"] != gone.id]}}

    proxy.meet("BatchGetItem", without, times=10)
    assert await store.by_user(user.id, after=None, limit=3) == rest
