"""An accepted comment reaches the live log, whatever happens to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from tests.comments.distant_broker import DistantBroker

from hubbub.comments import publishing
from hubbub.comments.publishing import Publisher
from hubbub.errors import BrokerUnavailable
from hubbub.ids import now_ms
from hubbub.metrics import Metrics
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.broker_contract import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    yield Bench(store, DistantBroker(store))
    await store.close()


@pytest.mark.parametrize("trouble", ["away", "hangs"])
async def test_what_the_broker_does_not_confirm_is_listed_before_the_answer_and_published_later(
    bench: Bench, trouble: Literal["away", "hangs"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an error nor silence of the broker costs a comment, nor makes its poster wait long."""
    monkeypatch.setattr(publishing, "CONFIRM_WITHIN", 0.05)
    publisher = Publisher(bench.broker, bench.store, Metrics())
    pushes: list[str] = []
    await bench.broker.subscribe("v", lambda entry: pushes.append(entry.event.id))

    assert isinstance(bench.broker, DistantBroker)
    bench.broker.trouble = trouble
    said = [await bench.keep() for _ in range(3)]
    for event, committed in said:
        await publisher.publish(event, committed)
    assert await bench.store.count_unpublished() == publisher.unpublished == 3
    with pytest.raises(BrokerUnavailable):
        await publisher.sweep()
    assert await bench.store.count_unpublished() == 3

    bench.broker.trouble = None
    assert await publisher.sweep() == 3
    assert await bench.store.count_unpublished() == publisher.unpublished == 0
    assert pushes == [event.id for event, _ in said]


async def test_the_sweeper_takes_over_what_a_dead_process_left(bench: Bench) -> None:
    """What is on the list when a process starts is published without anybody's asking."""
    event, _ = await bench.keep()
    await bench.store.mark_unpublished(event, at=now_ms())
    pushes: list[str] = []
    await bench.broker.subscribe("v", lambda entry: pushes.append(entry.event.id))
    publisher = Publisher(bench.broker, bench.store, Metrics())
    publisher.start()
    async with asyncio.timeout(5):
        while await bench.store.count_unpublished():
            await asyncio.sleep(0.01)
    await publisher.stop()
    assert pushes == [event.id]
