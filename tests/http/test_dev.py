"""A development server is this machine's own."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hubbub.testing.server import SECRET, running_server


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # DNS rebinding: a stranger's name that points here
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example:8000"},
        {"Host": "192.168.0.7:8000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},  # no origin at all
        {"Origin": "http://localhost.evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_requests_from_elsewhere_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    """By another name, from another page, through a proxy: no guest token, no comment, no page."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server, httpx.AsyncClient() as client:
        for method, path in (
            ("POST", "/dev/guest"),
            ("POST", "/dev/demo"),
            ("GET", "/watch/v"),
            ("GET", "/v1/videos/v/comments"),
        ):
            answer = await client.request(method, server.url + path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "dev_only_local")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
async def test_a_guest_may_watch_and_post(tmp_path: Path, host: str) -> None:
    """By any local name; not moderate."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server:
        headers = {"Host": host, "Origin": f"http://{host}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
            guest = (await client.post("/dev/guest", json={"name": "  Grace \n Hopper "})).json()
            assert guest["user"]["name"] == "Grace Hopper"
            bearer = {"Authorization": f"Bearer {guest['token']}"}
            posted = await client.post("/v1/videos/v/comments", json={"text": "hi"}, headers=bearer)
            assert posted.status_code == 201
            assert posted.json()["user"] == guest["user"]
            hide = await client.post(f"/v1/videos/v/comments/{posted.json()['id']}/hide", headers=bearer)
            assert hide.status_code == 403


async def test_a_guest_may_moderate_who_asks_to(tmp_path: Path) -> None:
    """For trying out what moderators see; everybody sees by their role what they are."""
    running = running_server(tmp_path, dev=True, jwt_secret=SECRET)
    async with running as server, httpx.AsyncClient(base_url=server.url) as client:
        guest = (await client.post("/dev/guest", json={"name": "Mo", "moderator": True})).json()
        bearer = {"Authorization": f"Bearer {guest['token']}"}
        posted = await client.post("/v1/videos/v/comments", json={"text": "hi"}, headers=bearer)
        assert posted.json()["user"]["roles"] == ["moderator"]
        started = await client.post("/v1/videos/v/start", headers=bearer)
        assert started.json()["state"] == "live"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 5}', b'{"admin": true}', b"\xff"])
async def test_a_guest_without_sense_is_refused(tmp_path: Path, body: bytes) -> None:
    """A clear 400."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server, httpx.AsyncClient() as client:
        answer = await client.post(f"{server.url}/dev/guest", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[31mred", "\x85\x9b"])
async def test_a_guest_needs_a_name_that_can_be_shown(tmp_path: Path, name: str) -> None:
    """A name with control characters is refused as what it is: not as a token, which nobody has sent."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as server, httpx.AsyncClient() as client:
        answer = await client.post(f"{server.url}/dev/guest", json={"name": name})
        problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (400, "malformed", "name")


async def test_guests_and_demo_exist_in_development_only(tmp_path: Path) -> None:
    """A server for others hands out nothing."""
    async with running_server(tmp_path) as server, httpx.AsyncClient(base_url=server.url) as client:
        for method, path in (
            ("POST", "/dev/guest"),
            ("POST", "/dev/demo"),
            ("GET", "/dev/demo"),
            ("DELETE", "/dev/demo"),
        ):
            assert (await client.request(method, path)).status_code == 404
