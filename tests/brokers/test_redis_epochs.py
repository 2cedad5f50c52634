"""A position names one entry for ever: whatever Redis forgets, its offsets are not given out once more in an epoch."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.brokers.over_redis import changed, comment, opened, published, said, until

from hubbub.brokers.redis import RedisBroker
from hubbub.errors import NotProvable
from hubbub.model import Kind
from hubbub.testing.redis_server import RedisServer
from hubbub.wire.events import comment_event


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own."""
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def broker(server: RedisServer) -> AsyncIterator[RedisBroker]:
    """A broker on it."""
    async with opened(server.url) as running:
        yield running


async def test_a_restart_from_an_old_snapshot_begins_a_new_epoch(
    server: RedisServer, broker: RedisBroker, tmp_path: Path
) -> None:
    """Nothing of the snapshot is served: texts may have been retracted since it was taken."""
    gone = comment(text="gone")
    await broker.publish(comment_event(gone))
    server.cli("SAVE")
    shutil.copy(server.folder / "dump.rdb", tmp_path)
    before = await broker.publish(changed(gone, Kind.DELETED))
    turns: list[bool] = []
    broker.on_reachable(turns.append)
    server.kill()
    shutil.copy(tmp_path / "dump.rdb", server.folder)
    server.start()
    assert "hubbub:{v}:log:v" in server.cli("KEYS", "*")
    await until(lambda: turns == [False, True])
    head, entries = await broker.tail("v", 10)
    assert (head.offset, entries) == (0, [])
    assert head.epoch != before.epoch
    with pytest.raises(NotProvable):
        await broker.after("v", before, 10)
    assert await broker.publish(said()) == (head.epoch, 1)


async def test_a_restart_is_seen_by_a_publish_just_as_well(server: RedisServer, broker: RedisBroker) -> None:
    """Also when nobody has read since."""
    before = await broker.publish(said())
    server.cli("SAVE")
    server.kill()
    server.start()
    after = await published(broker, said())
    assert after.epoch != before.epoch
    assert after.offset == 1


async def test_a_promoted_replica_begins_a_new_epoch(server: RedisServer, tmp_path: Path) -> None:
    """It may lack the last entries. Of two hosts in the URL the broker finds the one that is a master now."""
    with RedisServer(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}") as replica:
        await until(lambda: replica.info("replication")["master_link_status"] == "up")
        async with opened(f"redis://127.0.0.1:{server.port},127.0.0.1:{replica.port}") as broker:
            before = [await broker.publish(said()) for _ in range(3)]
            await until(lambda: "hubbub:{v}:log:v" in replica.cli("KEYS", "*"))
            pushes: list[object] = []
            await broker.subscribe("v", pushes.append)
            server.kill()
            replica.cli("REPLICAOF", "NO", "ONE")
            event = said()
            after = await published(broker, event)
            assert after.epoch != before[-1].epoch
            assert after.offset == 1
            await until(lambda: broker.reachable)
            await broker.publish(said())
            await until(lambda: bool(pushes))


async def test_a_failover_there_and_back_begins_a_new_epoch(server: RedisServer, tmp_path: Path) -> None:
    """A server that was a replica in between has kept its run_id, and may have lost entries all the same."""
    with RedisServer(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}") as replica:
        await until(lambda: replica.info("replication")["master_link_status"] == "up")
        async with opened(server.url) as broker:
            kept = await broker.publish(said())
            await until(lambda: f"{kept.epoch} 1 " in replica.cli("HGET", "hubbub:{v}:log:v", "."))
            replica.cli("REPLICAOF", "NO", "ONE")
            lost = await broker.publish(said())
            assert lost == (kept.epoch, 2)
            server.cli("REPLICAOF", "127.0.0.1", replica.port)
            await until(lambda: f"{kept.epoch} 1 " in server.cli("HGET", "hubbub:{v}:log:v", "."))
            server.cli("REPLICAOF", "NO", "ONE")
            await asyncio.sleep(1.1)  # it is looked at once a second; no real failover goes there and back within one
            after = await published(broker, said())
            assert after.epoch != lost.epoch


async def test_a_master_that_became_a_replica_is_left(server: RedisServer, tmp_path: Path) -> None:
    """Its connections stay open, so the broker has to look; it goes to the new master."""
    with RedisServer(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}") as replica:
        await until(lambda: replica.info("replication")["master_link_status"] == "up")
        async with opened(f"redis://127.0.0.1:{server.port},127.0.0.1:{replica.port}") as broker:
            pushes: list[object] = []
            await broker.subscribe("v", pushes.append)
            replica.cli("REPLICAOF", "NO", "ONE")
            server.cli("REPLICAOF", "127.0.0.1", replica.port)
            await until(lambda: "hubbub:{v}:live" in replica.cli("PUBSUB", "SHARDCHANNELS"))
            await published(broker, said())
            await until(lambda: len(pushes) == 1)
            assert "hubbub:{v}:log:v" in replica.cli("KEYS", "*")


async def test_what_was_flushed_or_evicted_begins_a_new_epoch(server: RedisServer, broker: RedisBroker) -> None:
    """As does a log whose key has expired."""
    epochs = set()
    for _ in range(3):
        position = await broker.publish(said())
        assert position.offset == 1
        epochs.add(position.epoch)
        server.cli("FLUSHALL")
    assert len(epochs) == 3


async def test_two_clients_agree_on_the_epoch(server: RedisServer, broker: RedisBroker) -> None:
    """Whoever comes first begins it, and nobody begins it again."""
    async with opened(server.url) as other:
        tails = await asyncio.gather(*(one.tail("v", 1) for one in (broker, other) * 10))
        assert len({tail.head for tail in tails}) == 1
        assert (await other.publish(said())).epoch == tails[0].head.epoch
