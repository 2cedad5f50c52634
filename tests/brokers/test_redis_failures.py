"""Redis gone, frozen, cut off, refusing: what the broker says of it, how soon, and how it comes back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.brokers.over_redis import Cable, opened, published, said, until

from hubbub.brokers.base import Distant
from hubbub.brokers.redis import RedisBroker
from hubbub.comments.publishing import CONFIRM_WITHIN
from hubbub.config import Settings
from hubbub.errors import BrokerUnavailable, ConfigError
from hubbub.metrics import Metrics
from hubbub.model import Entry
from hubbub.testing.ports import free_port
from hubbub.testing.redis_server import RedisServer
from hubbub.wiring import make_broker, make_store


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


async def test_it_is_distant(broker: RedisBroker) -> None:
    """And reachable once opened."""
    assert isinstance(broker, Distant)
    assert broker.reachable


async def test_killed_and_started_again(server: RedisServer, broker: RedisBroker) -> None:
    """Told at once; publishing fails at once, naming the cause; and pushes come again before it is told to be back."""
    pushes: list[Entry] = []
    turns: list[tuple[bool, bool]] = []

    def told(reachable: bool) -> None:
        turns.append((reachable, "hubbub:{v}:live" in server.cli("PUBSUB", "SHARDCHANNELS", check=False)))

    broker.on_reachable(told)
    await broker.subscribe("v", pushes.append)
    server.kill()
    await until(lambda: not broker.reachable)
    began = time.monotonic()
    with pytest.raises(BrokerUnavailable, match=rf"127.0.0.1:{server.port}"):
        await broker.publish(said())
    assert time.monotonic() - began < CONFIRM_WITHIN
    await broker.subscribe("w", pushes.append)  # remembered
    await broker.unsubscribe("nothing")
    with pytest.raises(BrokerUnavailable):
        await broker.heads(["v"])
    server.start()
    await until(lambda: broker.reachable)
    assert turns == [(False, False), (True, True)]
    await broker.publish(said("v"))
    await broker.publish(said("w"))
    await until(lambda: len(pushes) == 2)


async def test_a_frozen_server_is_noticed(server: RedisServer, broker: RedisBroker) -> None:
    """A publish is given up in time, the next ones at once; it counts as lost within seconds; afterwards an event that
    was sent twice, before and after, is there once.
    """
    await broker.publish(said())
    turns: list[bool] = []
    broker.on_reachable(turns.append)
    event = said()
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable, match="did not answer in time"):
            await broker.publish(event)
        with pytest.raises(BrokerUnavailable, match=r"stopped answering|not answer"):
            async with asyncio.timeout(0.1):
                await broker.publish(said())
        await until(lambda: not broker.reachable, within=15)
        noticed = time.monotonic() - began
    finally:
        server.thaw()
    await until(lambda: broker.reachable)
    position = await published(broker, event)
    assert await published(broker, event) == position
    assert [entry.event.id for entry in (await broker.tail("v", 10)).entries].count(event.id) == 1
    assert turns == [False, True]
    assert noticed < 10  # 3 s on a machine that is not busy


async def test_a_short_stop_costs_no_connection(server: RedisServer, broker: RedisBroker) -> None:
    """As soon as the server says anything, publishing goes on."""
    server.freeze()
    try:
        with pytest.raises(BrokerUnavailable):
            await broker.publish(said())
    finally:
        server.thaw()
    await published(broker, said(), within=5)


async def test_a_cut_network_is_noticed(server: RedisServer) -> None:
    """Nothing comes and nothing is closed: as with a pulled cable."""
    async with Cable(server.port) as cable, opened(f"redis://127.0.0.1:{cable.port}") as broker:
        pushes: list[Entry] = []
        await broker.subscribe("v", pushes.append)
        assert broker.reachable
        cable.pull()
        await until(lambda: not broker.reachable, within=15)
        async with opened(server.url) as other:
            missed = await other.publish(said())
        cable.mend()
        await until(lambda: broker.reachable)
        assert await broker.heads(["v"]) == {"v": missed}
        await broker.publish(said())
        await until(lambda: len(pushes) == 1)
        assert pushes[0].position.offset == missed.offset + 1


async def test_connections_for_pushes_are_killed(server: RedisServer, broker: RedisBroker) -> None:
    """Subscribed again; what was missed shows in the heads, though no later push reveals it."""
    pushes: list[Entry] = []
    turns: list[bool] = []
    broker.on_reachable(turns.append)
    await broker.subscribe("v", pushes.append)
    seen = await broker.publish(said())
    await until(lambda: len(pushes) == 1)
    async with opened(server.url) as other:
        assert server.cli("CLIENT", "KILL", "TYPE", "pubsub") == "1"
        missed = await other.publish(said())
        await until(lambda: turns == [False, True])
        assert (await broker.heads(["v"]))["v"] == missed
        assert [entry.position for entry in await broker.after("v", seen, 10)] == [missed]
        await other.publish(said())
    await until(lambda: len(pushes) == 2)
    assert pushes[1].position.offset == 3


async def test_forgotten_scripts_are_loaded_again(server: RedisServer, broker: RedisBroker) -> None:
    """SCRIPT FLUSH is nothing that anybody notices."""
    server.cli("SCRIPT", "FLUSH")
    positions = await asyncio.gather(*(broker.publish(said()) for _ in range(20)))
    assert sorted(position.offset for position in positions) == list(range(1, 21))


async def test_no_memory_left_is_said(server: RedisServer, broker: RedisBroker) -> None:
    """With what to raise; and nothing is half-written."""
    await broker.publish(said())
    server.cli("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(BrokerUnavailable, match=r"no memory left: raise its maxmemory \(OOM"):
        await broker.publish(said())
    for reading in (broker.heads(["v"]), broker.tail("v", 1)):  # or nobody would turn to the store
        with pytest.raises(BrokerUnavailable, match="no memory left"):
            await reading
    server.cli("CONFIG", "SET", "maxmemory", "0")
    assert (await broker.publish(said())).offset == 2


async def test_a_server_whose_replicas_are_too_few_is_away(server: RedisServer, broker: RedisBroker) -> None:
    """It is told to take no writes then, so the position check has to fail, too."""
    await broker.publish(said())
    server.cli("CONFIG", "SET", "min-replicas-to-write", "1")
    for call in (broker.publish(said()), broker.heads(["v"])):
        with pytest.raises(BrokerUnavailable, match="NOREPLICAS"):
            await call
    server.cli("CONFIG", "SET", "min-replicas-to-write", "0")
    assert (await broker.publish(said())).offset == 2


async def test_an_unreachable_redis_does_not_keep_a_server_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log, and waited for."""
    port = free_port()
    async with opened(f"redis://127.0.0.1:{port}") as broker:
        assert not broker.reachable
        assert f"Redis at 127.0.0.1:{port} can't be reached" in caplog.text
        pushes: list[Entry] = []
        await broker.subscribe("v", pushes.append)
        with RedisServer(tmp_path / "late", port=port):
            await until(lambda: broker.reachable)
            await broker.publish(said())
            await until(lambda: len(pushes) == 1)


@pytest.mark.parametrize(
    ("login", "why"), [("", "asks for a password and the URL has none"), (":wrong@", "does not accept the URL's user")]
)
async def test_a_wrong_password_names_the_setting(tmp_path: Path, login: str, why: str) -> None:
    """No server starts that could never publish."""
    with RedisServer(tmp_path / "redis", password="right") as server:
        broker = RedisBroker.from_url(f"redis://{login}127.0.0.1:{server.port}")
        with pytest.raises(ConfigError, match=rf"^HUBBUB_BROKER: .*{why}"):
            await broker.open()
        await broker.close()


async def test_the_other_kind_of_url_names_the_right_one(server: RedisServer, tmp_path: Path) -> None:
    """A Cluster asked as one server, and one server asked as a Cluster."""
    with RedisServer(tmp_path / "node", "--cluster-enabled", "yes") as node:
        for url, right in (
            (node.url, "write redis+cluster://"),
            (server.url.replace("redis:", "redis+cluster:"), "write redis://"),
        ):
            broker = RedisBroker.from_url(url)
            with pytest.raises(ConfigError, match=rf"^HUBBUB_BROKER: .*{re.escape(right)}"):
                await broker.open()
            await broker.close()


async def test_something_that_is_not_redis_is_no_redis() -> None:
    """Its strange bytes end in a sentence, not in a traceback."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, "127.0.0.1", port), opened(f"redis://127.0.0.1:{port}") as broker:
        assert not broker.reachable
        with pytest.raises(BrokerUnavailable, match="does not speak Redis's protocol"):
            await broker.publish(said())


async def test_the_settings_choose_it(server: RedisServer, tmp_path: Path) -> None:
    """With prefix, channels and bounds."""
    settings = Settings(
        broker=server.url, store=f"sqlite:///{tmp_path / 'hubbub.db'}", key_prefix="mine", channels=3, history=5
    )
    broker = make_broker(settings, make_store(settings, Metrics()))
    await broker.open()
    for _ in range(200):
        await broker.publish(said())
    assert len((await broker.tail("v", 1_000)).entries) < 100
    await broker.close()
    assert server.cli("KEYS", "*").startswith("mine:{")


async def test_a_user_with_no_more_rights_than_the_guide_says(server: RedisServer) -> None:
    """What docs/operating.md gives a user is enough to publish, read, subscribe and be pushed to."""
    guide = (Path(__file__).parents[2] / "docs/operating.md").read_text()
    [rights] = re.findall(r"the user needs `([^`]+)`", guide)
    server.cli("ACL", "SETUSER", "hub", "on", ">pw", *rights.split())
    async with opened(f"redis://hub:pw@127.0.0.1:{server.port}") as broker:
        pushes: list[Entry] = []
        await broker.subscribe("v", pushes.append)
        event = said()
        await broker.publish(event)
        await until(lambda: bool(pushes))
        assert [entry.event for entry in (await broker.tail("v", 5)).entries] == [event]
        assert await broker.heads(["v"])
        assert server.cli("ACL", "LOG") == ""
