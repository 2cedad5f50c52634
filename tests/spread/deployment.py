"""API processes and gateways over one real Redis and one SQLite file, in the test's event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubbub.config import Role
from hubbub.testing.raw import Answer, Connection
from hubbub.testing.redis_server import RedisServer
from hubbub.testing.server import Running, running_server, token

TOKEN = token("ada", ("read", "post", "moderate"))


@dataclass
class Spread:
    """What runs. ``settings`` are those of every process."""

    folder: Path
    redis: RedisServer
    apis: list[Running]
    gateways: list[Running]
    settings: dict[str, Any]

    @asynccontextmanager
    async def another(self, role: Role) -> AsyncIterator[Running]:
        """One process more."""
        async with running_server(self.folder, role=role, **{"broker": self.redis.url, **self.settings}) as server:
            yield server


@asynccontextmanager
async def spread(folder: Path, *, apis: int = 2, gateways: int = 2, **settings: Any) -> AsyncIterator[Spread]:
    """So many of each."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis"))
        found = Spread(folder, redis, [], [], settings)
        for role, count, servers in ((Role.API, apis, found.apis), (Role.GATEWAY, gateways, found.gateways)):
            for _ in range(count):
                servers.append(await stack.enter_async_context(found.another(role)))
        yield found


async def asked(url: str, method: str, target: str, *, as_: str = TOKEN, body: Any = None) -> Answer:
    """A request on a connection of its own."""
    async with asyncio.timeout(60), await Connection.open(url) as connection:
        data = None if body is None else json.dumps(body).encode()
        return await connection.request(method, target, token=as_, body=data)


async def say(url: str, video_id: str, text: str) -> str:
    """Post a comment; its id."""
    answer = await asked(url, "POST", f"/v1/videos/{video_id}/comments", body={"text": text})
    assert answer.status == 201, answer
    id: str = answer.json()["id"]
    return id


async def viewers(url: str, video_id: str) -> int:
    """How many watch, as an API process says."""
    count: int = (await asked(url, "GET", f"/v1/videos/{video_id}")).json()["viewers"]
    return count


async def until_viewers(urls: Sequence[str], video_id: str, count: int, *, within: float) -> None:
    """Wait until every one of these API processes says so."""
    seen: list[int] = []
    try:
        async with asyncio.timeout(within):
            while seen != [count] * len(urls):
                seen = [await viewers(url, video_id) for url in urls]
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{seen} viewers of {video_id} after {within} s, not {count}") from None
