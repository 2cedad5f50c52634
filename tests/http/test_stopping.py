"""How a server stops, seen from outside."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from hubbub.config import Settings
from hubbub.testing.raw import Stream
from hubbub.testing.server import running_server


async def test_load_balancers_are_told_before_viewers_are_sent_away(tmp_path: Path) -> None:
    """By default `/readyz` says 503 for a second, on a listener that still answers, while viewers watch on."""
    delay = Settings().drain_delay
    assert delay >= 1
    async with (
        asyncio.timeout(20),
        running_server(tmp_path, drain_delay=delay) as server,
        httpx.AsyncClient(base_url=server.url) as client,
        Stream.open(server.url, "v") as stream,
    ):
        events = aiter(stream)
        assert (await anext(events)).name == "welcome"
        assert (await client.get("/readyz")).status_code == 200
        goodbye = asyncio.ensure_future(anext(events))
        server.server.should_exit = True
        while (answer := await client.get("/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
        told_at = time.monotonic()
        assert (answer.status_code, answer.json()["reason"]) == (503, "draining")
        assert (await client.get("/v1/videos/v/comments")).status_code == 200
        assert not goodbye.done()
        farewell = await goodbye
        assert (farewell.name, farewell.json()) == ("reconnect", {"reason": "draining"})
        assert time.monotonic() - told_at > delay / 2
