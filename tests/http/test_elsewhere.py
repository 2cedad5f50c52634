"""Refusals for proxies that can ask another gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.testing.raw import Answer, Connection, Headers, Stream
from hubbub.testing.server import Running, running_server

STREAM = "/v1/videos/v/comments/stream"
POLL = "/v1/videos/v/comments/poll?wait=0"


async def asked(server: Running, target: str, *headers: tuple[str, str]) -> Answer:
    """A request by somebody who wants to watch."""
    async with await Connection.open(server.url) as connection:
        return await connection.request("GET", target, headers=headers)


def attempts(tries: str, attempt: str = "") -> Headers:
    """What a proxy says; nginx does not count."""
    return [("Hubbub-Tries", tries), *([("X-Envoy-Attempt-Count", attempt)] if attempt else [])]


@pytest.mark.parametrize("why", ["draining", "full"])
async def test_who_can_ask_another_gateway_is_told_to(tmp_path: Path, why: str) -> None:
    """Somebody who is turned away is refused by a status where a proxy said that it asks another, and else as ever: a
    stream is told to come back, a poll is `503`. The last attempt is somebody's own."""
    async with running_server(tmp_path, max_viewers=1) as server, Stream.open(server.url, "v") as inside:
        await inside.until("welcome")
        server.services.hub.draining = why == "draining"
        for target in (STREAM, POLL):
            for headers in (attempts("2"), attempts("3", "1"), attempts("3", "2"), attempts("99", "98")):
                refused = await asked(server, target, *headers)
                assert (refused.status, refused.json()["code"]) == (502, "ask_another")
                assert refused.header("content-type") == "application/problem+json"
            for headers in ([], attempts("1"), attempts("3", "3"), attempts("x"), attempts("-2"), attempts("100")):
                turned_away = await asked(server, target, *headers)
                assert turned_away.status == (200 if target == STREAM else 503), headers
                assert why.encode() in turned_away.body or (why, target) == ("full", POLL)
        server.services.hub.draining = False


async def test_the_bound_of_one_address_holds_on_every_gateway(tmp_path: Path) -> None:
    """Whoever has as many seats as one address may have is sent to no other gateway, and no gateway looks broken."""
    async with running_server(tmp_path, max_viewers_per_address=1) as server, Stream.open(server.url, "v") as inside:
        await inside.until("welcome")
        turned_away = await asked(server, STREAM, *attempts("3"))
        assert (turned_away.status, b"full" in turned_away.body) == (200, True)
        refused = await asked(server, POLL, *attempts("3"))
        assert (refused.status, refused.json()["code"]) == (503, "no_seat")
