"""The demo's traffic, and how it begins, goes on and ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import pytest

from hubbub.client import HubbubClient
from hubbub.comments.draft import check_text
from hubbub.comments.video_draft import read_video
from hubbub.config import Settings
from hubbub.demo import playing
from hubbub.demo.script import PARTS, Script, read_lines
from hubbub.demo.shape import MOST, arrivals
from hubbub.testing.server import SECRET, Running, running_server, token

REAL = Path(__file__).parents[1] / "data/chat_messages_per_second.txt"


def a_second(rate: float, seconds: int, seed: int) -> list[int]:
    """How many comments come in each second."""
    coming = itertools.takewhile(lambda arrival: arrival.at < seconds, arrivals(random.Random(seed), rate))
    counted = Counter(int(arrival.at) for arrival in coming)
    return [counted[second] for second in range(seconds)]


@pytest.mark.parametrize("seed", range(4))
def test_comments_come_in_bursts_as_in_a_real_chat(seed: int) -> None:
    """At the rate asked for on average; the busiest second is 4 to 15 times that, as in four hours of a real one."""
    real = [int(line) for line in REAL.read_text().split()]
    assert 4 < max(real) / mean(real) < 15
    ours = a_second(3, 3_600, seed)
    assert mean(ours) == pytest.approx(3, rel=0.2)
    assert 4 < max(ours) / mean(ours) < 15
    assert ours.count(0) > 100


def test_a_burst_has_its_bound() -> None:
    """Whatever the rate."""
    assert max(a_second(playing.MOST_RATE, 1_000, 1)) == MOST


def test_arrivals_are_in_order() -> None:
    """Within a second too."""
    moments = [arrival.at for arrival in itertools.islice(arrivals(random.Random(3), 10), 2_000)]
    assert moments == sorted(moments)


def test_three_in_ten_are_not_ascii_and_cheers_are_repeated() -> None:
    """As in a big stream's chat; and nobody's talk is the same twice in a row."""
    script = Script(random.Random(7))
    said = [script.next(excited=number % 5 == 0) for number in range(4_000)]
    assert mean(not comment.text.isascii() for comment in said) == pytest.approx(0.3, abs=0.03)
    assert len({comment.user.id for comment in said}) > 30
    assert Counter(comment.text for comment in said).most_common(1)[0][1] > 40


def test_every_line_can_be_posted() -> None:
    """The file has every part, and no line that the service would refuse."""
    lines = read_lines()
    assert tuple(lines) == PARTS
    assert all(len(lines[part]) >= 4 for part in PARTS)
    assert [text for part in PARTS for text in lines[part] if check_text(text, Settings().max_text) != text] == []
    assert max(len(name) for name in lines["names"]) <= 40
    told = {"title": playing.TITLE, "media_url": playing.MEDIA_URL}
    assert read_video(json.dumps(told).encode()).title == playing.TITLE


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A development server with its usual limits."""
    usual = Settings()
    limits = {"post_limit": usual.post_limit, "address_limit": usual.address_limit}
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET, **limits) as running:
        yield running


async def demo(server: Running, method: str, **wish: Any) -> dict[str, Any]:
    """One of the demo's calls."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.request(method, "/dev/demo", json=wish or None)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def until_over(server: Running) -> None:
    """Wait for the demo to have ended by itself."""
    async with asyncio.timeout(30):
        while (await demo(server, "GET"))["ends_at"] is not None:
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_demo_plays_and_ends_by_itself(server: Running) -> None:
    """The video is live meanwhile and has a title and a clip; comments, a pin of the host's; then it has ended, with
    all of them in its replay.
    """
    assert await demo(server, "GET") == {"video_id": None, "ends_at": None}
    playing = await demo(server, "POST", seconds=2.5, rate=20)
    assert playing["video_id"] == "demo"
    assert await demo(server, "POST", seconds=60) == playing  # what plays goes on
    async with HubbubClient(server.url) as client:
        video = await client.video("demo")
        assert (video["state"], video["media_url"]) == ("live", "/web/demo.webm")
        await until_over(server)
        video = await client.video("demo")
        assert video["state"] == "ended"
        assert [pin["user"]["roles"] for pin in video["pins"]] == [["host"]]
        replay = [comment async for comment in client.replay("demo")]
    assert len(replay) > 3
    assert all(0 <= comment["offset"] <= 2.6 for comment in replay)
    assert len({comment["user"]["id"] for comment in replay}) > 5


async def test_a_moderator_takes_spam_away(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody watching sees it go."""
    monkeypatch.setattr(playing, "_SPAM_EVERY", 0.6)
    await demo(server, "POST", seconds=60, rate=20)
    async with asyncio.timeout(30), HubbubClient(server.url) as client:
        async for event in client.watch("demo"):
            if event.name == "comment_deleted":
                break
    await demo(server, "DELETE")


async def test_a_demo_can_be_stopped_and_another_is_a_video_of_its_own(server: Running) -> None:
    """The first one's replay stays as it was."""
    await demo(server, "POST", rate=20)
    assert await demo(server, "DELETE") == {"video_id": "demo", "ends_at": None}
    assert await demo(server, "DELETE") == {"video_id": "demo", "ends_at": None}
    async with HubbubClient(server.url) as client:
        ended = await client.video("demo")
        assert ended["state"] == "ended"
        assert (await demo(server, "POST"))["video_id"] == "demo-2"
        assert (await client.video("demo-2"))["state"] == "live"
        assert await client.video("demo") == ended


async def test_who_ends_its_video_ends_the_demo(server: Running) -> None:
    """As the button on its page does."""
    await demo(server, "POST", rate=20)
    async with HubbubClient(server.url, token=token("mod", ("moderate",))) as host:
        await host.end_video("demo")
    await until_over(server)


async def test_a_server_that_stops_ends_its_demo(tmp_path: Path) -> None:
    """What plays only while the server does is not live for ever after."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server:
        await demo(server, "POST")
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server, HubbubClient(server.url) as client:
        assert (await client.video("demo"))["state"] == "ended"


@pytest.mark.parametrize(
    "wish", [{"seconds": 0}, {"seconds": 3_601}, {"rate": 0}, {"rate": 21}, {"rate": "x"}, {"x": 1}]
)
async def test_a_demo_has_its_bounds(server: Running, wish: dict[str, Any]) -> None:
    """In time and rate."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{server.url}/dev/demo", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert (await demo(server, "GET"))["video_id"] is None
