"""Tables of DynamoDB Local for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hubbub.errors import ConfigError
from hubbub.stores.dynamodb import DynamoStore
from hubbub.testing.dynamodb_local import CREDENTIALS, DynamoDBLocal

PATIENCE = 60.0
"""Seconds for a call: the machine may be busy with other tests."""

_FAR = 2**52
_ENGINES = Path(__file__).parents[2] / ".engines"


@contextmanager
def engine() -> Iterator[DynamoDBLocal]:
    """DynamoDB Local, running, and credentials for it in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with DynamoDBLocal(_ENGINES / "dynamodb-local") as running:
            yield running


def table_name() -> str:
    """A name that no other test uses."""
    return f"table-{uuid4().hex}"


def fresh(engine: DynamoDBLocal, *, url: str = "", **options: Any) -> AbstractAsyncContextManager[DynamoStore]:
    """An open store on a table of its own; ``url`` is what the URL says besides."""
    return reopened(engine.url(table_name()) + url, **options)


@asynccontextmanager
async def reopened(url: str, *, store_timeout: float = PATIENCE, **options: Any) -> AsyncIterator[DynamoStore]:
    """An open store on a table that is made if need be."""
    store = DynamoStore.from_url(url, store_timeout=store_timeout, **options)
    try:
        await store.open()
    except ConfigError:
        await store.create()
        await store.open()
    try:
        yield store
    finally:
        await store.close()


async def empty_lists(store: DynamoStore) -> None:
    """Take everything off the unpublished list, and close all flags. Whether there is anything is asked in one request,
    not in one for each partition of the list.
    """
    found = await store._client.scan(
        TableName=store.place.table,
        FilterExpression="begins_with(pk, :unpublished)",
        ExpressionAttributeValues={":unpublished": {"S": "u#"}},
    )
    if found["Items"] or "LastEvaluatedKey" in found:
        events = await store.lease_unpublished("", now=_FAR, lease_ms=0, limit=1_000)
        await store.confirm_published(events)
    for flag in await store.flags(video_id=None, after=None, limit=1_000):
        await store.clear_flags(flag.video_id, flag.comment_id)
