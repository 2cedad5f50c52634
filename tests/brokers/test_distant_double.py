"""The broker that tests of trouble use is one: it keeps the contract, or what they show would be worth nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.comments.distant_broker import DistantBroker

from hubbub.brokers.base import Distant, Immediate
from hubbub.errors import BrokerUnavailable
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.broker_contract import Bench, BrokerContract


class TestDistantDouble(BrokerContract):
    """The contract."""

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        store = SqliteStore(tmp_path / "hubbub.db")
        await store.open()
        yield Bench(store, DistantBroker())
        await store.close()

    async def test_heads_are_where_the_logs_stand(self, bench: Bench) -> None:
        """The same that `tail` says, also of a log without entries; and nothing while it is away."""
        broker = bench.broker
        assert isinstance(broker, Distant) and not isinstance(broker, Immediate)
        said = await bench.say()
        empty = (await broker.tail("none", 1)).head
        assert await broker.heads(["v", "none"]) == {"v": said.position, "none": empty}
        assert isinstance(broker, DistantBroker)
        broker.leave()
        with pytest.raises(BrokerUnavailable):
            await broker.heads(["v"])
