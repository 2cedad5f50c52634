"""What is on: `GET /v1/videos`, for those who may know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hubbub.client import ApiError, HubbubClient
from hubbub.comments import listing
from hubbub.ids import now_ms
from hubbub.testing.server import SECRET, Running, running_server, token

MODERATOR = token("mod", ("read", "post", "moderate"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server for others, which anybody may watch."""
    async with running_server(tmp_path) as running:
        yield running


async def tell(url: str, *video_ids: str, **told: Any) -> None:
    """Register videos, one after the other."""
    async with HubbubClient(url, token=MODERATOR) as host:
        for video_id in video_ids:
            await host.put_video(video_id, **told)


async def ask(url: str, bearer: str | None = None, **query: Any) -> httpx.Response:
    """One page, as it is answered."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with httpx.AsyncClient() as client:
        return await client.get(f"{url}/v1/videos", params=query, headers=headers)


def ids(answer: httpx.Response) -> list[str]:
    """The videos on a page."""
    return [video["video_id"] for video in answer.raise_for_status().json()["videos"]]


async def test_videos_are_listed_by_state_the_latest_first(server: Running) -> None:
    """By their end, their start, or when they were told of; each as it is answered by itself, but for its pins."""
    now = now_ms()
    await tell(server.url, "old", "new")
    await tell(server.url, "soon", started_at=now + 60_000)
    await tell(server.url, "later", started_at=now + 90_000)
    await tell(server.url, "second", title="Second", media_url="/second.webm", started_at=now - 1_000)
    await tell(server.url, "first", started_at=now - 2_000)
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.end_video("past")
        alone = {name: value for name, value in (await host.video("second")).items() if name != "pins"}
        assert [video["video_id"] async for video in host.videos("live", limit=1)] == ["second"]
        listed = [video async for video in host.videos()]
    by_state = {state: ids(await ask(server.url, state=state)) for state in ("live", "upcoming", "ended")}
    assert by_state == {"live": ["second", "first"], "upcoming": ["later", "soon", "new", "old"], "ended": ["past"]}
    assert [video["video_id"] for video in listed] == ["later", "soon", "past", "new", "old", "second", "first"]
    assert alone in listed


async def test_pages_go_on_where_the_last_one_ended(server: Running) -> None:
    """By cursor, each video once, whatever is told of meanwhile; `has_more` is never a guess."""
    names = [f"v{number}" for number in range(7)]
    await tell(server.url, *names)
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(server.url, limit=2, **cursor)
        found += ids(page)
        await tell(server.url, f"newer-{len(found)}")
        if page.json()["next_cursor"] is None:
            break
        assert page.json()["has_more"]
        cursor = {"cursor": page.json()["next_cursor"]}
    assert found == names[::-1]
    assert not page.json()["has_more"]
    page = await ask(server.url, limit=2, state="upcoming", cursor="0.v")
    assert page.json() == {"videos": [], "next_cursor": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=on", "bad_query"),
        ("state=", "bad_query"),
        ("limit=0", "bad_query"),
        ("limit=201", "bad_query"),
        ("limit=2&limit=2", "bad_query"),
        ("title=x", "bad_query"),
        ("cursor=", "bad_cursor"),
        ("cursor=1", "bad_cursor"),
        ("cursor=01.v", "bad_cursor"),
        ("cursor=1.v%0A", "bad_cursor"),
        ("cursor=1..", "bad_cursor"),
        ("cursor=1.a/b", "bad_cursor"),
        ("cursor=99999999999999999.v", "bad_cursor"),
    ],
)
async def test_a_bad_question_is_refused(server: Running, query: str, code: str) -> None:
    """What can't be meant is said to be wrong, not passed over."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.url}/v1/videos?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_video_that_nobody_has_told_of_is_not_given_away(server: Running) -> None:
    """Where any id is a video, one that can't be guessed may be somebody's secret: not even with a moderator's token
    is it listed for being commented on and watched.
    """
    async with HubbubClient(server.url, token=MODERATOR) as client:
        await client.post("5e0f6c1e-secret", "psst")
        await client.video("5e0f6c1e-secret")
    assert ids(await ask(server.url)) == []
    assert ids(await ask(server.url, MODERATOR)) == []


async def test_in_development_videos_in_use_are_listed(tmp_path: Path) -> None:
    """Those commented on, first and on the first page only; not those that were only asked for."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server:
        await tell(server.url, "told")
        async with HubbubClient(server.url, token=MODERATOR) as client:
            for number in range(3):
                await client.post(f"used-{number}", "hello")
            await client.post("told", "hello")
            await client.video("looked-for")
        assert ids(await ask(server.url)) == ["used-2", "used-1", "used-0", "told"]
        assert ids(await ask(server.url, state="upcoming")) == ["used-2", "used-1", "used-0", "told"]
        assert ids(await ask(server.url, state="live")) == []
        page = await ask(server.url, limit=2)
        assert ids(page) == ["used-2", "told"]
        assert ids(await ask(server.url, limit=1)) == ["told"]


async def test_who_needs_a_token_to_watch_needs_it_to_know_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is shown the videos that the token covers, however many others there are between."""
    monkeypatch.setattr(listing, "AT_ONCE", 5)
    monkeypatch.setattr(listing, "MAX_LOOKED_AT", 9)
    async with running_server(tmp_path, watch="token") as server:
        await tell(server.url, "open-1", *(f"closed-{number}" for number in range(12)), "open-2")
        for bearer, code in ((None, "no_token"), (token("ada", ("post",)), "missing_scope")):
            refused = await ask(server.url, bearer)
            assert refused.json()["code"] == code
        guest = token("ada", videos=["open-*"])
        async with HubbubClient(server.url, token=guest) as client:
            assert [video["video_id"] async for video in client.videos()] == ["open-2", "open-1"]
            first = await client.video_page(limit=3)
            assert [video["video_id"] for video in first.videos] == ["open-2"]  # it looked at so many, and no further
            assert first.has_more
            assert [video["video_id"] async for video in client.videos(limit=2)] == ["open-2", "open-1"]
        assert len(ids(await ask(server.url, token("bob")))) == 14
        nobody = token("eve", videos=["other"])
        page = (await ask(server.url, nobody)).json()
        assert page["videos"] == []
        with pytest.raises(ApiError, match="needs a token"):
            async with HubbubClient(server.url, retry_for=0) as stranger:
                await stranger.video_page()
