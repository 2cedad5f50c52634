"""Calls: what is sent, what is repeated, and what is raised."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from hubbub.client import ApiError, HubbubClient, Page, Unreachable
from hubbub.client.reading import MAX_ANSWER
from hubbub.testing.scripted import ScriptedServer, Step, answer

COMMENT = {"id": "0198", "video_id": "launch", "text": "hi"}
CREATED = answer(201, json.dumps(COMMENT).encode())


def problem(status: int, code: str, **headers: str) -> bytes:
    """A refusal as the server words it."""
    document = {"type": f"/docs#errors-{code}", "title": "No", "status": status, "detail": "Not so.", "code": code}
    return answer(status, json.dumps(document).encode(), kind="application/problem+json", **headers)


async def test_a_post_says_everything() -> None:
    """Text, nonce and meta go in the body, token and idempotency key in headers; the answer is the comment."""
    async with ScriptedServer([CREATED]) as server, HubbubClient(server.url + "/", token="abc\n") as hubbub:
        assert await hubbub.post("launch", "hi", nonce="n1", meta={"a": 1}, idempotency_key="k1") == COMMENT
    [request] = server.requests
    assert (request.method, request.target) == ("POST", "/v1/videos/launch/comments")
    assert json.loads(request.body) == {"text": "hi", "nonce": "n1", "meta": {"a": 1}}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["idempotency-key"] == "k1"


@pytest.mark.parametrize(
    "hitch",
    [
        pytest.param([problem(503, "store_unavailable", retry_after="0")], id="503"),
        pytest.param([problem(429, "too_fast", retry_after="0")], id="429"),
        pytest.param([answer(502, b"<html>", kind="text/html")], id="502 of a proxy"),
        pytest.param([], id="closed without an answer"),
        pytest.param([CREATED[:-5]], id="cut inside the answer"),
        pytest.param([Step.RESET], id="reset"),
        pytest.param([Step.HOLD], id="no answer in time"),
    ],
)
async def test_a_post_is_repeated_under_the_same_key(hitch: list[Any]) -> None:
    """Whatever went wrong for the moment, the same post goes out again and cannot be kept twice."""
    async with ScriptedServer(hitch, [CREATED]) as server, HubbubClient(server.url, timeout=0.5) as hubbub:
        assert await hubbub.post("launch", "hi") == COMMENT
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


async def test_two_posts_have_two_keys() -> None:
    """Saying the same thing twice is not a repetition."""
    async with ScriptedServer([CREATED]) as server, HubbubClient(server.url) as hubbub:
        await hubbub.post("launch", "hi")
        await hubbub.post("launch", "hi")
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
async def test_a_refusal_is_raised_at_once(status: int) -> None:
    """What would be refused again is not sent again; the error carries the server's document."""
    async with ScriptedServer([problem(status, "some_code")]) as server, HubbubClient(server.url) as hubbub:
        with pytest.raises(ApiError) as caught:
            await hubbub.post("launch", "hi")
    assert len(server.requests) == 1
    error = caught.value
    assert (error.status, error.code, error.detail) == (status, "some_code", "Not so.")
    assert error.problem["type"] == "/docs#errors-some_code"
    assert str(error) == f"Not so. ({status} some_code)"


async def test_a_wait_longer_than_the_time_allowed_is_not_begun() -> None:
    """Asked to wait for a minute with ten seconds left, a call fails now and hands the wait on."""
    async with (
        ScriptedServer([problem(429, "too_fast", retry_after="60")]) as server,
        HubbubClient(server.url, retry_for=10) as hubbub,
    ):
        with pytest.raises(ApiError) as caught:
            await hubbub.post("launch", "hi")
    assert caught.value.retry_after == 60
    assert len(server.requests) == 1


async def test_why_and_how_long_a_call_waits_is_told() -> None:
    """Before each wait, and not when it gives up."""
    told: list[tuple[str, float]] = []
    script = [problem(503, "store_unavailable", retry_after="0")] * 2 + [problem(404, "unknown_video")]
    async with (
        ScriptedServer(*[[one] for one in script]) as server,
        HubbubClient(server.url, on_retry=lambda error, wait: told.append((str(error), wait))) as hubbub,
    ):
        with pytest.raises(ApiError):
            await hubbub.page("launch")
    assert [words for words, _ in told] == ["Not so. (503 store_unavailable)"] * 2
    assert all(wait < 5 for _, wait in told)


async def test_retry_after_may_be_a_date() -> None:
    """RFC 9110 admits both; what is neither is ignored."""
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    waits = []
    for value in (in_an_hour, "soon", "-3", "9" * 30, f"Fri, 01 Jan {'9' * 30} 00:00:00 GMT"):
        async with (
            ScriptedServer([problem(503, "x", retry_after=value)]) as server,
            HubbubClient(server.url, retry_for=0) as hubbub,
        ):
            with pytest.raises(ApiError) as caught:
                await hubbub.page("launch")
        waits.append(caught.value.retry_after)
    assert waits[0] == pytest.approx(3600, abs=5)
    assert waits[1:] == [None] * 4


async def test_nobody_there_is_said_plainly() -> None:
    """Without a server the error names the address and keeps the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with HubbubClient(f"http://127.0.0.1:{port}", retry_for=0.5) as hubbub:
        with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port} cannot be reached") as caught:
            await hubbub.post("launch", "hi")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (answer(200, b"<html>", kind="text/html"), Unreachable, "something else than JSON"),
        (answer(200, b"[" * 60_000), Unreachable, "something else than JSON"),
        (answer(201, b"[]"), Unreachable, "something else than a comment"),
        (answer(201, b'{"id": 5}'), Unreachable, "something else than a comment"),
        (answer(204), Unreachable, "something else than a comment"),
        (answer(200, b" " * (MAX_ANSWER + 1)), Unreachable, "more than 16 MiB"),
        (answer(301, location="https://b.example/v1"), ApiError, "redirects to https://b.example/v1"),
        (answer(418, b"x" * 200_000, kind="text/plain"), ApiError, "answered 418"),
        (answer(404, b"[1]"), ApiError, "http_404"),
        (answer(404, b'{"code": 5, "detail": null}'), ApiError, "http_404"),
        (answer(400, b"[" * 60_000), ApiError, "http_400"),
    ],
)
async def test_answers_of_something_else_are_told_apart(said: bytes, error: type[Exception], words: str) -> None:
    """A proxy's or another program's answer becomes an error that says so."""
    async with ScriptedServer([said]) as server, HubbubClient(server.url, retry_for=0) as hubbub:
        with pytest.raises(error, match=words):
            await hubbub.post("launch", "hi")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"comments": [1], "next_cursor": null, "has_more": false}', b'{"comments": {}}']
)
async def test_a_page_must_be_one(body: bytes) -> None:
    """Another program's answer is no page, and an error that says so."""
    async with ScriptedServer([answer(200, body)]) as server, HubbubClient(server.url, retry_for=0) as hubbub:
        with pytest.raises(Unreachable, match="a page of comments"):
            await hubbub.page("launch")


def page(ids: list[str], cursor: str | None) -> bytes:
    """A page of history."""
    body = {"comments": [{"id": id} for id in ids], "next_cursor": cursor, "has_more": cursor is not None}
    return answer(200, json.dumps(body).encode())


async def test_history_walks_all_pages() -> None:
    """Pages follow one another by their cursors until there are no more."""
    async with (
        ScriptedServer([page(["a", "b"], "c1")], [page(["c"], "c2")], [page([], None)]) as server,
        HubbubClient(server.url) as hubbub,
    ):
        assert [comment["id"] async for comment in hubbub.history("launch", "asc")] == ["a", "b", "c"]
    assert [request.target for request in server.requests] == [
        "/v1/videos/launch/comments?limit=200&sort=asc",
        "/v1/videos/launch/comments?limit=200&sort=asc&cursor=c1",
        "/v1/videos/launch/comments?limit=200&sort=asc&cursor=c2",
    ]


async def test_history_can_be_limited() -> None:
    """No more is asked for than is wanted."""
    async with (
        ScriptedServer([page(["a", "b"], "c1")], [page(["c"], "c2")]) as server,
        HubbubClient(server.url) as hubbub,
    ):
        assert [comment["id"] async for comment in hubbub.history("launch", limit=3)] == ["a", "b", "c"]
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "limit=3&sort=desc",
        "limit=1&sort=desc&cursor=c1",
    ]


async def test_a_page_can_be_had_alone() -> None:
    """One page, with what is needed to go on."""
    async with ScriptedServer([page(["a"], "c1")]) as server, HubbubClient(server.url) as hubbub:
        assert await hubbub.page("launch", limit=1) == Page([{"id": "a"}], "c1", has_more=True)


async def test_moderation_calls_are_the_documented_ones() -> None:
    """Each method is one call of the API."""
    scripts = [answer(200, b'{"id":"c"}')] * 4 + [answer(204)] * 2
    async with ScriptedServer(*([script] for script in scripts)) as server, HubbubClient(server.url) as hubbub:
        for method in (hubbub.comment, hubbub.hide, hubbub.restore, hubbub.pin):
            assert await method("launch", "c") == {"id": "c"}
        await hubbub.unpin("launch", "c")
        await hubbub.delete("launch", "c")
    base = "/v1/videos/launch/comments/c"
    assert [(request.method, request.target) for request in server.requests] == [
        ("GET", base),
        ("POST", base + "/hide"),
        ("POST", base + "/restore"),
        ("PUT", base + "/pin"),
        ("DELETE", base + "/pin"),
        ("DELETE", base),
    ]


async def test_odd_names_stay_in_their_place() -> None:
    """A video id can't turn one call into another, whatever is in it."""
    async with ScriptedServer([page([], None)]) as server, HubbubClient(server.url) as hubbub:
        await hubbub.page("a/../b?c=d#e")
    assert server.requests[0].target == "/v1/videos/a%2F..%2Fb%3Fc%3Dd%23e/comments?limit=50&sort=desc"


@pytest.mark.parametrize("name", [".", ".."])
async def test_dots_are_names_like_any_other(name: str) -> None:
    """Nothing on the way resolves them to another address."""
    async with ScriptedServer([page([], None)]) as server, HubbubClient(server.url) as hubbub:
        await hubbub.page(name)
    assert server.requests[0].target == f"/v1/videos/{name.replace('.', '%2E')}/comments?limit=50&sort=desc"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8000",
        "ftp://a.example",
        "http://",
        "http://[",
        "http://a.example:99999",
        "http://a.example:x",
        "http://a.example:0",
        "http://a b",
        "http://a.example\n",
        "http://a.example/\udcff",
        "http://a.example?b=c",
        "http://xn--",
    ],
)
def test_an_address_must_be_one(address: str) -> None:
    """A wrong address is refused when the client is made, not at its first call."""
    with pytest.raises(ValueError, match="base_url"):
        HubbubClient(address)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é"])
async def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    """It would be an illegal header; say so instead of failing in the network code."""
    async with HubbubClient(token=token) as hubbub:
        with pytest.raises(ValueError, match="token"):
            await hubbub.page("launch")


async def test_a_client_of_ones_own_is_left_open() -> None:
    """Who brings an `httpx.AsyncClient` closes it."""
    async with ScriptedServer([page([], None)]) as server, httpx.AsyncClient() as http:
        async with HubbubClient(server.url, http=http) as hubbub:
            await hubbub.page("launch")
        assert not http.is_closed
