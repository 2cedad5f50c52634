"""Watching from behind a proxy that holds streams back."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hubbub.client import HubbubClient, choosing
from hubbub.testing.holding_proxy import HoldingProxy
from hubbub.testing.scripted import STREAM, Script, ScriptedServer, Step, answer
from hubbub.testing.server import running_server, token

WELCOME = b'event: welcome\nretry: 50\ndata: {"video_id":"v","viewers":1,"pins":[]}\n\n'


@pytest.mark.parametrize("heads", [False, True])
async def test_where_streams_are_held_back_comments_come_by_polls(tmp_path: Path, heads: bool) -> None:
    """Without being told to, and none is missed or doubled: those from before, and those that come."""
    async with running_server(tmp_path) as server, HubbubClient(server.url, token=token()) as poster:
        address = urlsplit(server.url)
        assert address.hostname and address.port
        for number in range(5):
            await poster.post("v", str(number))
        async with (
            HoldingProxy(address.hostname, address.port, heads=heads) as proxy,
            HubbubClient(proxy.url, welcome_within=0.3) as hubbub,
            asyncio.timeout(20),
            aclosing(hubbub.watch("v")) as events,
        ):
            texts: list[str] = []
            async for event in events:
                if event.name == "comment":
                    texts.append(event.data["text"])
                    if 5 <= len(texts) < 10:
                        await poster.post("v", str(len(texts)))
                if len(texts) == 10:
                    break
            assert texts == [str(number) for number in range(10)]
            assert proxy.held == 1


async def test_the_stream_is_tried_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks change: once the time of polling is over, a stream that comes through goes on from the place reached."""
    monkeypatch.setattr(choosing, "FIRST_POLLING", 0.2)
    poll = answer(200, b'{"events": [{"event": "comment", "id": "e.1", "data": {"id": "a"}}], "position": "e.1"}')
    held, quiet = [Step.HOLD], answer(200, b'{"events": [], "position": "e.1"}')
    stream: Script = [STREAM, WELCOME, b'event: comment\nid: e.2\ndata: {"id": "b"}\n\n', Step.HOLD]
    states: list[str] = []
    async with (
        ScriptedServer(held, [poll], [quiet], stream) as server,
        HubbubClient(server.url, welcome_within=0.2) as hubbub,
        asyncio.timeout(20),
        aclosing(hubbub.watch("v", on_state=lambda state, detail: states.append(state))) as events,
    ):
        ids = []
        async for event in events:
            if event.name == "comment":
                ids.append(event.data["id"])
            if len(ids) == 2:
                break
    assert ids == ["a", "b"]
    targets = [request.target.split("?")[0].rpartition("/")[2] for request in server.requests]
    assert targets == ["stream", "poll", "poll", "stream"]
    assert server.requests[-1].headers["last-event-id"] == "e.1"
    assert states == ["connecting", "connecting", "live", "live"]


async def test_polls_that_fail_too_mean_that_the_server_is_away() -> None:
    """Then the stream is tried first again, after a wait."""
    stream: Script = [STREAM, WELCOME, b'event: comment\nid: e.2\ndata: {"id": "b"}\n\n', Step.HOLD]
    async with (
        ScriptedServer([Step.HOLD], [answer(503)], stream) as server,
        HubbubClient(server.url, welcome_within=0.2, first_wait=0.05) as hubbub,
        asyncio.timeout(20),
        aclosing(hubbub.watch("v")) as events,
    ):
        async for event in events:
            if event.name == "comment":
                break
    targets = [request.target.split("?")[0].rpartition("/")[2] for request in server.requests]
    assert targets == ["stream", "poll", "stream"]
