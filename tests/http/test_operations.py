"""What whoever runs the service asks it, and what asking costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from starlette.requests import Request

from hubbub.http.operations import Degraded, Operations
from hubbub.metrics import Metrics
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.clock import FakeClock

REQUEST = Request({"type": "http"})


@pytest.fixture
def commits() -> list[int]:
    """How many writes each commit held."""
    return []


@pytest.fixture
async def store(tmp_path: Path, commits: list[int]) -> AsyncIterator[SqliteStore]:
    """A store that takes note of its commits and waits for locks only briefly."""
    store = SqliteStore(
        tmp_path / "hubbub.db", store_timeout=0.05, on_commit=lambda size, seconds: commits.append(size)
    )
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> FakeClock:
    """What the endpoints take for the time."""
    return FakeClock()


@pytest.fixture
def operations(store: SqliteStore, clock: FakeClock) -> Operations:
    """The endpoints over the store."""
    return Operations(store, Metrics(), draining=lambda: False, degraded=lambda: None, clock=clock)


async def statuses(operations: Operations, askers: int) -> set[int]:
    """What ``askers`` who ask ``/readyz`` at once are answered."""
    return {answer.status_code for answer in await asyncio.gather(*(operations.readyz(REQUEST) for _ in range(askers)))}


async def test_readiness_writes_once_a_second_however_many_ask(
    operations: Operations, clock: FakeClock, commits: list[int]
) -> None:
    """Anybody may ask, and asking costs an fsync: those who ask together, and soon after, share one."""
    assert await statuses(operations, 100) == {200}
    clock.advance(0.9)
    assert await statuses(operations, 100) == {200}
    assert commits == [1]
    clock.advance(0.2)
    assert await statuses(operations, 100) == {200}
    assert commits == [1, 1]


async def test_readiness_follows_the_store_within_a_second(
    store: SqliteStore, operations: Operations, clock: FakeClock
) -> None:
    """A refusal is remembered no longer than a success."""
    assert await statuses(operations, 1) == {200}
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE")
    clock.advance(1)
    assert await statuses(operations, 3) == {503}
    other.close()
    assert await statuses(operations, 3) == {503}
    clock.advance(1)
    assert await statuses(operations, 3) == {200}


async def test_degraded_is_ready_and_says_why(store: SqliteStore, clock: FakeClock) -> None:
    """Taking a process out of service would help nobody while what it takes is kept and shown, if late."""
    why: list[Degraded] = []
    operations = Operations(
        store, Metrics(), draining=lambda: False, degraded=lambda: why[0] if why else None, clock=clock
    )
    assert json.loads(bytes((await operations.readyz(REQUEST)).body)) == {"status": "ok"}
    why.append(Degraded("unpublished", "Some wait."))
    answer = await operations.readyz(REQUEST)
    assert answer.status_code == 200
    assert json.loads(bytes(answer.body)) == {"status": "degraded", "reason": "unpublished", "detail": "Some wait."}


async def test_an_asker_who_goes_away_leaves_the_answer_to_the_others(operations: Operations) -> None:
    """A load balancer's time-out is not everybody's."""
    first = asyncio.ensure_future(operations.readyz(REQUEST))
    second = asyncio.ensure_future(operations.readyz(REQUEST))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status_code == 200
    assert first.cancelled()


async def test_the_memory_of_sqlites_caches_is_known(store: SqliteStore) -> None:
    """An operator can tell the page caches from the rest of the process's memory."""
    before = store.memory()
    await store.by_user("ada", after=None, limit=10)  # a reader's connection, with a cache of its own
    assert store.memory() > before > 0
