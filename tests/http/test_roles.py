"""A process answers what is of its role, and says whose the rest is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hubbub.config import Role
from hubbub.testing.raw import Stream
from hubbub.testing.server import running_server, token

COMMENTS = "/v1/videos/v/comments"

API = [
    ("GET", "/v1/videos/v"),
    ("PUT", "/v1/videos/v"),
    ("POST", "/v1/videos/v/start"),
    ("GET", "/v1/videos/v/replay"),
    ("GET", COMMENTS),
    ("POST", COMMENTS),
    ("GET", f"{COMMENTS}/x"),
    ("DELETE", f"{COMMENTS}/x"),
    ("PUT", f"{COMMENTS}/x/pin"),
]
GATEWAY = [("GET", f"{COMMENTS}/stream"), ("GET", f"{COMMENTS}/poll"), ("HEAD", f"{COMMENTS}/stream")]
EITHER = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/client/v1/hubbub.js"]


@pytest.mark.parametrize(
    ("role", "others", "theirs"), [(Role.API, GATEWAY, "gateway"), (Role.GATEWAY, API, "api")], ids=str
)
async def test_the_other_roles_addresses_are_answered_421_with_that_role(
    tmp_path: Path, role: Role, others: list[tuple[str, str]], theirs: str
) -> None:
    """A misrouted request is told which processes answer it; what is of no role is answered by both."""
    async with running_server(tmp_path, role=role) as server, httpx.AsyncClient(base_url=server.url) as client:
        for method, path in others:
            answer = await client.request(method, path)
            assert answer.status_code == 421, path
            if method != "HEAD":
                assert (answer.json()["code"], answer.json()["role"]) == ("other_role", theirs)
        for path in EITHER:
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/nothing")).status_code == 404


async def test_an_api_process_takes_posts_and_has_no_hub(tmp_path: Path) -> None:
    """Posts, history and videos work; nothing that only viewers need was built."""
    async with (
        running_server(tmp_path, role=Role.API) as server,
        httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {token()}"}) as client,
    ):
        assert server.services.gateway is None
        assert (await client.post(COMMENTS, json={"text": "hi"})).status_code == 201
        assert [comment["text"] for comment in (await client.get(COMMENTS)).json()["comments"]] == ["hi"]
        assert (await client.get("/v1/videos/v")).json()["viewers"] == 0


async def test_a_gateway_shows_what_is_stored_and_takes_nothing(tmp_path: Path) -> None:
    """Viewers and polls are greeted with the backlog; nothing that only posts need was built."""
    async with (
        running_server(tmp_path, role=Role.API) as server,
        httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {token()}"}) as client,
    ):
        await client.post(COMMENTS, json={"text": "hi"})
    async with (
        running_server(tmp_path, role=Role.GATEWAY) as server,
        httpx.AsyncClient(base_url=server.url) as client,
        Stream.open(server.url, "v") as stream,
    ):
        assert server.services.api is None
        events = aiter(stream)
        assert (await anext(events)).name == "welcome"
        assert (await anext(events)).json()["text"] == "hi"
        polled = (await client.get(f"{COMMENTS}/poll")).json()
        assert [event["event"] for event in polled["events"]] == ["welcome", "comment"]


@pytest.mark.parametrize(("role", "status"), [(Role.API, 503), (Role.GATEWAY, 200), (Role.SERVE, 503)], ids=str)
async def test_readiness_without_the_store_goes_by_the_role(tmp_path: Path, role: Role, status: int) -> None:
    """Who takes posts is not ready when they can't be stored; who only has viewers goes on, degraded."""
    async with running_server(tmp_path, role=role) as server, httpx.AsyncClient(base_url=server.url) as client:
        await server.services.store.close()  # from now on it answers nothing
        answer = await client.get("/readyz")
        assert answer.status_code == status
        assert answer.json()["status"] == ("not_ready" if status == 503 else "degraded")
