"""Many processes that are one service: Redis, API processes, gateways, each with links of its own that can be cut."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tests.chaos import with_clock

from hubbub.testing.links import Link
from hubbub.testing.redis_server import RedisCluster, RedisServer
from hubbub.testing.server import ServerProcess

Role = Literal["api", "gateway"]


@dataclass
class Member:
    """One process, and its ways to Redis and to the store (None where it needs none, or goes there itself)."""

    server: ServerProcess
    to_redis: Link | None
    to_store: Link | None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    @property
    def redis_link(self) -> Link:
        """Its way to a single Redis."""
        assert self.to_redis is not None
        return self.to_redis

    @property
    def store_link(self) -> Link:
        """Its way to a store that has an address."""
        assert self.to_store is not None
        return self.to_store


@dataclass
class Fleet:
    """The service; made by `fleet_of`."""

    apis: list[Member] = field(default_factory=list)
    gateways: list[Member] = field(default_factory=list)

    def api_urls(self, first: int = 0) -> list[str]:
        """Where posts go, beginning at one of them."""
        return _from([api.url for api in self.apis], first)

    def gateway_urls(self, first: int = 0) -> list[str]:
        """Where viewers go, beginning at one of them."""
        return _from([gateway.url for gateway in self.gateways], first)


def _from(urls: list[str], first: int) -> list[str]:
    first %= len(urls)
    return urls[first:] + urls[:first]


@asynccontextmanager
async def fleet_of(
    directory: Path,
    redis: RedisServer | RedisCluster,
    *,
    apis: int = 2,
    gateways: int = 2,
    store: str | None = None,
    api_clocks: Sequence[float] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Fleet]:
    """Start the members over a Redis that runs; each reaches it by a link of its own, except a Cluster, whose nodes
    have addresses of their own. ``store`` is by default one SQLite file for all; one with an
    ``endpoint=`` is reached through a link for each member. ``api_clocks``: seconds that the API processes' clocks are
    off. ``environ`` goes to every member.
    """
    fleet = Fleet()
    environ = environ or {}
    async with AsyncExitStack() as stack:
        for number in range(apis):
            command = _with_clock(directory, api_clocks[number]) if api_clocks else []
            fleet.apis.append(await _member(stack, directory, "api", redis, store, command, environ))
        for _ in range(gateways):
            fleet.gateways.append(await _member(stack, directory, "gateway", redis, store, [], environ))
        for member in [*fleet.apis, *fleet.gateways]:
            stack.push_async_callback(member.server.kill)  # also when another one does not come up
        for few in (fleet.apis, fleet.gateways):  # all at once, each might find its store slow
            async with asyncio.TaskGroup() as starting:
                for member in few:
                    starting.create_task(member.server.start())
        yield fleet


def _with_clock(directory: Path, seconds: float) -> list[str]:
    file = directory / f"clock{seconds:+g}"
    file.write_text(str(seconds))
    return [sys.executable, with_clock.__file__, str(file)]


async def _member(
    stack: AsyncExitStack,
    directory: Path,
    role: Role,
    redis: RedisServer | RedisCluster,
    store: str | None,
    command: Sequence[str],
    environ: Mapping[str, str],
) -> Member:
    told = {"HUBBUB_BROKER": redis.url}
    to_redis = to_store = None
    if isinstance(redis, RedisServer):
        to_redis = await stack.enter_async_context(Link("127.0.0.1", redis.port))
        told["HUBBUB_BROKER"] = f"redis://127.0.0.1:{to_redis.port}"
    if store is not None:
        told["HUBBUB_STORE"] = store
        address = urlsplit(store.partition("endpoint=")[2].partition("&")[0])
        if address.hostname:
            to_store = await stack.enter_async_context(Link(address.hostname, address.port or 80))
            told["HUBBUB_STORE"] = store.replace(address.geturl(), f"http://127.0.0.1:{to_store.port}")
    told.update(environ)
    server = ServerProcess(directory, role=role, port=0, command=command, **told)
    return Member(server, to_redis, to_store)
