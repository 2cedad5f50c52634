"""Replay: comments by their place on the video's timeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hubbub.model import Comment
from hubbub.testing.raw import Answer, Connection
from hubbub.testing.samples import make_comment
from hubbub.testing.server import Running, running_server, token

VIDEO = "/v1/videos/v"
MODERATOR = token("mod", ("read", "post", "moderate"))
STARTED_AT = 1_795_229_000_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server with a video that has started and not ended."""
    async with running_server(tmp_path) as running:
        await act(running, "PUT", "", b'{"started_at": %d}' % STARTED_AT)
        yield running


async def act(server: Running, method: str, path: str, body: bytes | None = None) -> None:
    """Tell something about the video."""
    async with await Connection.open(server.url) as connection:
        answer = await connection.request(method, VIDEO + path, token=MODERATOR, body=body)
        assert answer.status in (200, 204), answer


async def replay(server: Running, query: str = "", *headers: tuple[str, str], bearer: str | None = None) -> Answer:
    """One window."""
    async with await Connection.open(server.url) as connection:
        return await connection.request("GET", f"{VIDEO}/replay?{query}", headers=headers, token=bearer)


async def window(server: Running, query: str = "") -> dict[str, Any]:
    """One window that is there."""
    answer = await replay(server, query)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


async def say(server: Running, *offsets: float) -> list[Comment]:
    """Comments at places of the timeline."""
    comments = [make_comment("v", str(offset), at=STARTED_AT + round(offset * 1000)) for offset in offsets]
    for comment in comments:
        await server.services.store.append(comment)
    return comments


async def test_every_comment_is_in_one_window(server: Running) -> None:
    """Windows that tile the timeline have each comment once, at its offset, also the moments at their borders and what
    was said before the start."""
    offsets = [-180.0, -0.001, 0.0, 0.001, 12.5, 179.999, 180.0, 180.001, 359.999, 360.0, 900.0]
    await say(server, *offsets)
    seen = {}
    for start in range(-180, 1080, 180):
        found = await window(server, f"start={start}")
        assert found["started_at"] == STARTED_AT
        assert not found["has_more"]
        assert found["next_cursor"] is None
        seen[start] = [comment["offset"] for comment in found["comments"]]
        assert all(start <= offset < start + 180 for offset in seen[start])
    assert [offset for start in sorted(seen) for offset in seen[start]] == offsets
    assert [one["offset"] for one in (await window(server))["comments"]] == seen[0]
    for place, shown in (("12.5", ["12.5"]), ("179.999", ["179.999"]), ("0.001", ["0.001"]), ("12.501", [])):
        narrow = await window(server, f"start={place}&duration=0.001")
        assert [one["text"] for one in narrow["comments"]] == shown
    narrow = await window(server, "start=12.4995&duration=0.001")
    assert [one["text"] for one in narrow["comments"]] == ["12.5"]


async def test_a_full_window_comes_in_pages(server: Running) -> None:
    """By cursor, in order, each comment once; a comment that comes between does not disturb."""
    await say(server, *(number / 10 for number in range(25)))
    texts: list[str] = []
    query = "limit=10"
    while True:
        found = await window(server, query)
        texts += [comment["text"] for comment in found["comments"]]
        if not found["has_more"]:
            break
        query = f"limit=10&cursor={found['next_cursor']}"
        await say(server, 0.05)
    assert texts == [str(number / 10) for number in range(25)]


async def test_a_corrected_start_moves_the_windows(server: Running) -> None:
    """What is asked for is the timeline as it is known now."""
    await say(server, 200.0)
    assert (await window(server))["comments"] == []
    await act(server, "PUT", "", b'{"started_at": %d}' % (STARTED_AT + 150_000))
    [comment] = (await window(server))["comments"]
    assert comment["offset"] == 50.0


async def test_without_a_start_there_is_no_timeline(tmp_path: Path) -> None:
    """The answer says what is missing, rather than show nothing."""
    async with running_server(tmp_path) as server:
        answer = await replay(server)
        assert (answer.status, answer.json()["code"]) == (409, "start_unknown")
        assert answer.header("cache-control") == "no-store"
        await act(server, "POST", "/end")
        assert (await replay(server)).status == 409
    (tmp_path / "other").mkdir()
    async with running_server(tmp_path / "other", videos="registered") as server:
        answer = await replay(server)
        assert (answer.status, answer.json()["code"]) == (404, "no_such_video")


async def test_aligned_windows_of_an_ended_video_may_be_cached(server: Running) -> None:
    """By anybody for 30 s, with an ETag that is good until the content changes; nothing else may be kept."""
    [first, _] = await say(server, 10.0, 20.0)
    assert (await replay(server, "start=0")).header("cache-control") == "no-store"
    await act(server, "POST", "/end")
    answer = await replay(server, "start=0")
    tag = answer.header("etag")
    assert answer.header("cache-control") == "public, max-age=30"
    assert tag is not None
    assert tag.startswith('"')
    assert (await replay(server, "")).header("etag") == tag
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await replay(server, "start=0", ("If-None-Match", known))
        assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
        assert again.header("cache-control") == "public, max-age=30"
    for query in ("start=90", "start=0&duration=60", "start=0.5", "start=180&duration=360"):
        other = await replay(server, query, ("If-None-Match", "*"))
        assert (other.status, other.header("cache-control"), other.header("etag")) == (200, "no-store", None)
    await act(server, "DELETE", f"/comments/{first.id}")
    changed = await replay(server, "start=0", ("If-None-Match", tag))
    assert changed.status == 200
    assert [comment["text"] for comment in changed.json()["comments"]] == ["20.0"]
    assert changed.header("etag") != tag
    await act(server, "POST", "/start")
    assert (await replay(server, "start=0")).header("cache-control") == "no-store"


async def test_what_needs_a_token_is_not_for_shared_caches(tmp_path: Path) -> None:
    """A shared cache would give it to those who have none."""
    async with running_server(tmp_path, watch="token") as server:
        await act(server, "PUT", "", b'{"started_at": 1}')
        await act(server, "POST", "/end")
        refused = await replay(server)
        assert (refused.status, refused.header("cache-control")) == (401, "no-store")
        assert (await replay(server, bearer=token())).header("cache-control") == "private, max-age=30"


@pytest.mark.parametrize(
    "query",
    [
        "start=x",
        "start=nan",
        "start=1e9",
        "start=1e999",
        "start=inf",
        "start=",
        "start=10000001",
        "start=-10000001",
        "duration=0",
        "duration=-1",
        "duration=3601",
        "limit=0",
        "limit=1001",
        "limit=1.5",
        "cursor=x",
        "end=5",
        "start=1&start=2",
    ],
)
async def test_odd_windows_are_refused(server: Running, query: str) -> None:
    """With the parameter's name."""
    answer = await replay(server, query)
    assert answer.status == 400, answer
    assert answer.json()["code"] in ("bad_query", "bad_cursor")
    assert answer.json()["field"] == query.partition("=")[0]
