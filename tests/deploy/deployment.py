"""A proxy before several servers, and those who watch through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from tests.deploy.proxies import Proxy

from hubbub.testing.raw import Stream
from hubbub.testing.server import Running, running_server


@dataclass
class Deployment:
    """Servers of this event loop, each with a database of its own: which of them has a viewer can be seen."""

    proxy: Proxy
    gateways: list[Running]
    apis: list[Running]

    def watching(self, video_id: str) -> list[int]:
        """How many watch a video on each gateway."""
        return [gateway.services.hub.watching(video_id) for gateway in self.gateways]

    def gateway_of(self, video_id: str) -> int:
        """The gateway that has a video's viewers, when one has them all."""
        [one] = [number for number, count in enumerate(self.watching(video_id)) if count]
        return one

    async def places(self, videos: Iterable[str]) -> dict[str, int]:
        """On which gateway somebody who watches each video comes in."""
        found: dict[str, int] = {}
        patience = asyncio.Semaphore(40)

        async def place(video_id: str) -> None:
            async with patience, Stream.open(self.proxy.url, video_id) as stream:
                await stream.until("welcome")
                found[video_id] = self.gateway_of(video_id)

        async with asyncio.TaskGroup() as tasks:
            for video_id in videos:
                tasks.create_task(place(video_id))
        await until(lambda: not any(gateway.services.hub.viewer_count() for gateway in self.gateways))
        return found


@asynccontextmanager
async def deployed(
    kind: type[Proxy], folder: Path, *, gateways: int = 3, apis: int = 2, **settings: Any
) -> AsyncIterator[Deployment]:
    """A deployment of ``kind``; ``settings`` are the servers'."""
    settings = {"trusted_proxies": (ip_network("127.0.0.1/32"),), **settings}
    async with asyncio.timeout(150), AsyncExitStack() as stack:
        servers: list[Running] = []
        for number in range(gateways + apis):
            place = folder / str(number)
            place.mkdir()
            servers.append(await stack.enter_async_context(running_server(place, **settings)))
        urls = [server.url for server in servers]
        proxy = await stack.enter_async_context(kind(folder / kind.name, urls[:gateways], urls[gateways:]))
        yield Deployment(proxy, servers[:gateways], servers[gateways:])


@asynccontextmanager
async def watching(url: str, video_id: str, count: int, query: str = "") -> AsyncIterator[list[Stream]]:
    """So many viewers, welcomed."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(Stream.open(url, video_id, query)) for _ in range(count)]
        for stream in streams:
            await stream.until("welcome")
        yield streams


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to become so."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.02)
    assert holds()
