"""The in-process broker over SQLite."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubbub.brokers.local import LocalBroker
from hubbub.config import Settings
from hubbub.errors import BrokerUnavailable, ConfigError
from hubbub.metrics import Metrics
from hubbub.model import Entry, Event, Kind
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.broker_contract import Bench, BrokerContract
from hubbub.wiring import make_broker, make_store


class TestLocalBroker(BrokerContract):
    """The contract."""

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        store = SqliteStore(tmp_path / "hubbub.db")
        broker = LocalBroker(store, lock_path=tmp_path / "hubbub.db.lock")
        await broker.open()
        await store.open()
        yield Bench(store, broker)
        await broker.close()
        await store.close()

    async def test_an_overtaken_publish_pushes_nothing(self, bench: Bench) -> None:
        """The overtaking push shows the hole, and its subscriber fetches: pushes stay in the order of the log."""
        pushes: list[Entry] = []
        await bench.broker.subscribe("v", pushes.append)
        first, second = await bench.keep(), await bench.keep()
        await bench.broker.publish(*second)
        await bench.broker.publish(*first)
        assert [push.position.offset for push in pushes] == [2]

    async def test_an_event_that_was_never_stored_is_refused(self, bench: Bench) -> None:
        """Its caller broke the rule that storing comes first."""
        with pytest.raises(BrokerUnavailable):
            await bench.broker.publish(Event("x", "v", Kind.COMMENT, "x", 0, b"{}"))

    async def test_the_log_outlives_the_broker(self, bench: Bench) -> None:
        """Another one over the same database has the same history."""
        said = [await bench.say() for _ in range(3)]
        assert isinstance(bench.store, SqliteStore)
        another = LocalBroker(bench.store, lock_path=None)
        assert (await another.tail("v", 10)).entries == said


async def test_a_second_process_is_refused_and_told_why(tmp_path: Path) -> None:
    """It names the process that is there, and what to set."""
    lock = tmp_path / "hubbub.db.lock"
    store = SqliteStore(tmp_path / "hubbub.db")
    first, second = LocalBroker(store, lock_path=lock), LocalBroker(store, lock_path=lock)
    await first.open()
    with pytest.raises(ConfigError, match=r"HUBBUB_BROKER: local:// serves one process, and process \d+ already"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_a_link_to_the_database_is_the_same_database(tmp_path: Path) -> None:
    """A second process that comes to it by another name is refused as well."""
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "hubbub.db")
    brokers = []
    for path in (tmp_path / "hubbub.db", link):
        settings = Settings(store=f"sqlite:///{path}")
        brokers.append(make_broker(settings, make_store(settings, Metrics())))
    await brokers[0].open()
    with pytest.raises(ConfigError, match="HUBBUB_BROKER"):
        await brokers[1].open()
    await brokers[0].close()
    assert list(link.parent.iterdir()) == [link]


async def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    """The kernel lets go of it, so a restart after `kill -9` needs no clean-up."""
    lock = tmp_path / "hubbub.db.lock"
    holder = (
        "import asyncio, sys, time; from pathlib import Path; from hubbub.brokers.local import LocalBroker;"
        "b = LocalBroker(None, lock_path=Path(sys.argv[1])); asyncio.run(b.open()); print('held', flush=True);"
        "time.sleep(60)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", holder, str(lock), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    broker = LocalBroker(SqliteStore(tmp_path / "hubbub.db"), lock_path=lock)
    with pytest.raises(ConfigError, match=str(process.pid)):
        await broker.open()
    process.kill()
    await process.wait()
    await broker.open()
    await broker.close()


async def test_a_lock_that_cannot_be_written_is_a_setting_to_change(tmp_path: Path) -> None:
    """Named, without a stack trace."""
    broker = LocalBroker(SqliteStore(tmp_path / "hubbub.db"), lock_path=tmp_path / "missing" / "hubbub.db.lock")
    with pytest.raises(ConfigError, match="HUBBUB_STORE"):
        await broker.open()
