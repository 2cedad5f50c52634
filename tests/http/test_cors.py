"""Pages of other origins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hubbub.http.problems import MEDIA_TYPE
from hubbub.testing.server import running_server, token

PAGE = "https://page.example"
COMMENTS = "/v1/videos/v/comments"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_server(tmp_path, cors_origins=(PAGE,)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        yield client


def asking(origin: str = PAGE, method: str = "POST", headers: str = "authorization,content-type") -> dict[str, str]:
    """What a browser sends before the request itself."""
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


async def test_a_page_of_a_named_origin_may_post(client: httpx.AsyncClient) -> None:
    """Its preflight is answered with what it may send, its post with what it may read."""
    preflight = await client.options(COMMENTS, headers=asking())
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    posted = await client.post(
        COMMENTS, json={"text": "hi"}, headers={"Origin": PAGE, "Authorization": f"Bearer {token()}"}
    )
    assert posted.status_code == 201
    assert posted.headers["access-control-allow-origin"] == PAGE
    assert "X-Request-Id" in posted.headers["access-control-expose-headers"]


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), (COMMENTS, 401), (COMMENTS + "?x=1", 400)])
async def test_a_page_can_read_refusals(client: httpx.AsyncClient, path: str, status: int) -> None:
    """They are open to the same origins as answers are."""
    refused = await client.post(path, headers={"Origin": PAGE})
    assert refused.status_code == status
    assert refused.headers["access-control-allow-origin"] == PAGE
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (asking(origin="https://evil.example"), "HUBBUB_CORS_ORIGINS"),
        (asking(origin="null"), "HUBBUB_CORS_ORIGINS"),
        (asking(method="TRACE"), "PATCH"),
        (asking(headers="x-unheard-of"), "Idempotency-Key"),
    ],
)
async def test_a_refused_preflight_is_a_problem_document(
    client: httpx.AsyncClient, asked: dict[str, str], said: str
) -> None:
    """With the code `bad_origin`, a sentence that says what would be right, and the request's id."""
    refused = await client.options(COMMENTS, headers={**asked, "X-Request-Id": "mine"})
    assert (refused.status_code, refused.headers["content-type"]) == (403, MEDIA_TYPE)
    problem = refused.json()
    assert (problem["code"], problem["request_id"]) == ("bad_origin", "mine")
    assert said in problem["detail"]
    assert refused.headers["x-request-id"] == "mine"
    assert "access-control-allow-origin" not in refused.headers


async def test_every_preflight_names_its_request(client: httpx.AsyncClient) -> None:
    """Like any other answer."""
    assert (await client.options(COMMENTS, headers=asking())).headers["x-request-id"]


async def test_a_stranger_gets_an_answer_that_its_browser_keeps_from_it(client: httpx.AsyncClient) -> None:
    """CORS is the browser's to enforce; nothing is opened for an origin that is not named."""
    answer = await client.get(COMMENTS, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]
