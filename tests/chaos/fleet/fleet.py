"""Many processes that are one service: Redis, API processes, gateways, each with links of its own that can be cut."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from hubbub.testing.links import Link
from hubbub.testing.redis_server import RedisServer
from hubbub.testing.server import ServerProcess
from tests.chaos import with_clock

Role = Literal["api", "gateway"]


@dataclass
class Member:
    """One process, and its ways to Redis and to the store (None where the store is a file)."""

    server: ServerProcess
    to_redis: Link
    to_store: Link | None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url


@dataclass
class Fleet:
    """The service; made by `fleet_of`."""

    redis: RedisServer
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
    redis: RedisServer,
    *,
    apis: int = 2,
    gateways: int = 2,
    store: str | None = None,
    api_clocks: Sequence[float] = (),
    **environ: str,
) -> AsyncIterator[Fleet]:
    """Start the members over a Redis that runs. ``store`` is by default one SQLite file for all; one with an
    ``endpoint=`` is reached through a link for each member. ``api_clocks``: seconds that the API processes' clocks are
    off. ``environ`` goes to every member.
    """
    fleet = Fleet(redis)
    async with AsyncExitStack() as stack:
        for number in range(apis):
            command = _with_clock(directory, api_clocks[number]) if api_clocks else []
            fleet.apis.append(await _member(stack, directory, "api", redis, store, command, environ))
        for _ in range(gateways):
            fleet.gateways.append(await _member(stack, directory, "gateway", redis, store, [], environ))
        await asyncio.gather(*(member.server.start() for member in [*fleet.apis, *fleet.gateways]))
        for member in [*fleet.apis, *fleet.gateways]:
            stack.push_async_callback(member.server.kill)
        yield fleet


def _with_clock(directory: Path, seconds: float) -> list[str]:
    file = directory / f"clock{seconds:+g}"
    file.write_text(str(seconds))
    return [sys.executable, with_clock.__file__, str(file)]


async def _member(
    stack: AsyncExitStack,
    directory: Path,
    role: Role,
    redis: RedisServer,
    store: str | None,
    command: Sequence[str],
    environ: dict[str, str],
) -> Member:
    to_redis = await stack.enter_async_context(Link("127.0.0.1", redis.port))
    told = {"HUBBUB_BROKER": f"redis://127.0.0.1:{to_redis.port}"}
    to_store = None
    if store is not None:
        told["HUBBUB_STORE"] = store
        address = urlsplit(store.partition("endpoint=")[2].partition("&")[0])
        if address.hostname:
            to_store = await stack.enter_async_context(Link(address.hostname, address.port or 80))
            told["HUBBUB_STORE"] = store.replace(address.geturl(), f"http://127.0.0.1:{to_store.port}")
    return Member(ServerProcess(directory, role=role, command=command, **{**told, **environ}), to_redis, to_store)
