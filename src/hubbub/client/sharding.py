"""Which part of a big video's viewers somebody belongs to, so that the proxies before the service can spread them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from hubbub.client.errors import ApiError, Unreachable

_PATIENCE = 2.5
"""Seconds that watching waits for it."""


class Shard:
    """A number below the video's ``shards``, chosen at random once and kept. ``ask`` brings the video, given
    ``headers``.
    """

    def __init__(self, ask: Callable[..., Awaitable[Any]]) -> None:
        self._ask = ask
        self._params: dict[str, int] | None = None

    async def params(self, headers: Mapping[str, str]) -> dict[str, int]:
        """The query parameter to watch with; none where the viewers are one, as on servers that know no shards. Where
        it can't be had now there is none either, and the next connection asks again.
        """
        if self._params is None:
            try:
                async with asyncio.timeout(_PATIENCE):
                    video = await self._ask(headers=dict(headers))
            except (ApiError, Unreachable, httpx.RequestError, TimeoutError):
                return {}
            shards = video.get("shards") if isinstance(video, dict) else None
            self._params = {"shard": random.randrange(shards)} if isinstance(shards, int) and shards > 1 else {}
        return self._params
