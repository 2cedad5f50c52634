"""History by cursor, and from a comment on, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from hubbub.testing.server import running_server, token

COMMENTS = "/v1/videos/demo/comments"


async def test_a_page_begins_behind_any_comment_in_either_order(tmp_path: Path) -> None:
    """By a comment's id the same pages come as by cursor, also when that comment has been deleted."""
    async with (
        running_server(tmp_path) as server,
        httpx.AsyncClient(
            base_url=server.url, headers={"Authorization": f"Bearer {token(scopes=('post', 'moderate'))}"}
        ) as client,
    ):
        posted = [await client.post(COMMENTS, json={"text": str(number)}) for number in range(10)]
        ids = [answer.json()["id"] for answer in posted]

        async def page(**query: Any) -> dict[str, Any]:
            answer = await client.get(COMMENTS, params={"limit": 3, **query})
            found: dict[str, Any] = answer.raise_for_status().json()
            return found

        first = await page()
        second = await page(after=first["comments"][-1]["id"])
        assert second == await page(cursor=first["next_cursor"])
        assert second == await page(cursor=first["next_cursor"], after=ids[1])  # who turns pages may leave it in
        assert [comment["id"] for comment in second["comments"]] == ids[6:3:-1]
        assert [comment["id"] for comment in (await page(after=ids[3], sort="asc"))["comments"]] == ids[4:7]

        (await client.delete(f"{COMMENTS}/{ids[5]}")).raise_for_status()
        assert [comment["id"] for comment in (await page(after=ids[5]))["comments"]] == ids[4:1:-1]
        assert await page(after=ids[0]) == {"comments": [], "next_cursor": None, "has_more": False}


async def test_what_is_no_comments_id_is_refused(tmp_path: Path) -> None:
    """Also beside a cursor, with which it would count no more."""
    async with running_server(tmp_path) as server, httpx.AsyncClient(base_url=server.url) as client:
        cursor = (await client.get(COMMENTS, params={"after": "7", "cursor": "AQGh_AsrPnKPqwuEmk1ngq4"})).json()
        assert (cursor["status"], cursor["code"]) == (400, "bad_comment_id")
        odd = await client.get(COMMENTS, params={"after": "7"})
        assert (odd.status_code, odd.json()["code"]) == (400, "bad_comment_id")
