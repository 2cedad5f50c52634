"""A big video's viewers are spread over several gateways: each keeps to one place among them."""

from __future__ import annotations

import json
import re
from typing import Literal

import pytest
from tests.client.test_watching import comment, ids, take

from hubbub.client import HubbubClient
from hubbub.testing.scripted import STREAM, ScriptedServer, answer


@pytest.mark.parametrize("transport", ["stream", "poll"])
async def test_a_big_videos_viewer_keeps_to_its_shard(transport: Literal["stream", "poll"]) -> None:
    """A number below the video's `shards` is chosen once, and goes with every connection."""
    polled = json.dumps({"events": [{"event": "comment", "id": "e.1", "data": {"id": "a"}}], "position": "e.1"})
    first = [STREAM, comment("a", "e.1")] if transport == "stream" else [answer(200, polled.encode())]
    second = (
        [STREAM, comment("b", "e.2")] if transport == "stream" else [answer(200, polled.replace('"a"', '"b"').encode())]
    )
    async with (
        ScriptedServer(first, second, video=b'{"video_id": "v", "shards": 1000}') as server,
        HubbubClient(server.url, first_wait=0.05) as hubbub,
    ):
        assert ids(await take(hubbub.watch("v", transport=transport), 2)) == ["a", "b"]
    shards = [re.search(r"[?&]shard=(\d+)(?:&|$)", request.target) for request in server.requests]
    chosen = {int(found[1]) for found in shards if found}
    assert (len(shards), None in shards, len(chosen), server.asked) == (2, False, 1, 1)
    assert chosen <= set(range(1000))


@pytest.mark.parametrize("video", [None, b'{"video_id": "v"}', b'{"video_id": "v", "shards": 1}', b"[]", b"{"])
async def test_where_no_shards_are_told_none_is_given(video: bytes | None) -> None:
    """Servers that know none, and videos of which little or nothing is known, are watched as ever."""
    async with ScriptedServer([STREAM, comment("a", "e.1")], video=video) as server, HubbubClient(server.url) as hubbub:
        assert ids(await take(hubbub.watch("v"), 1)) == ["a"]
    assert "shard" not in server.requests[0].target
