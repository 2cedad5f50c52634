"""Answers of known length go out in one piece; what else there is goes uvicorn's way, and both read alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from tests.http.serving import serving

from hubbub.http.cycle import Cycle
from hubbub.testing.raw import Connection, request_bytes

pytestmark = pytest.mark.both_loops


def answering(headers: list[tuple[bytes, bytes]], *bodies: bytes, status: int = 201) -> Any:
    """An application that answers in so many pieces."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    return app


@asynccontextmanager
async def asked(app: Any) -> AsyncIterator[Connection]:
    """A connection to that application."""
    async with serving(app) as (port, _), await Connection.open(f"http://127.0.0.1:{port}") as connection:
        yield connection


FIVE = [(b"content-length", b"5"), (b"x-mark", b"yes")]


async def test_a_plain_answer_is_one_write_and_the_connection_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Head and body arrive whole, with the server's own headers, for one request after the other."""
    finished: list[bytes] = []
    finish = Cycle._finish

    def noted(cycle: Cycle, body: bytes) -> None:
        finished.append(body)
        finish(cycle, body)

    monkeypatch.setattr(Cycle, "_finish", noted)
    async with (
        serving(answering(FIVE, b"hello")) as (port, _),
        await Connection.open(f"http://127.0.0.1:{port}") as connection,
    ):
        for _ in range(3):
            answer = await connection.request("GET", "/")
            assert (answer.status, answer.body) == (201, b"hello")
            assert answer.header("x-mark") == "yes"
            assert answer.header("date")
    assert finished == [b"hello"] * 3


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_what_is_not_plain_goes_the_usual_way(method: str) -> None:
    """A HEAD has no body; one that asks to close is closed; pieces without a length are chunks."""
    async with (
        serving(answering(FIVE, b"hello")) as (port, _),
        await Connection.open(f"http://127.0.0.1:{port}") as connection,
    ):
        answer = await connection.request(method, "/", headers=[("Connection", "close")])
        assert answer.body == (b"" if method == "HEAD" else b"hello")
        assert answer.header("connection") == "close"
        assert await connection.ended()
    async with (
        serving(answering([], b"hel", b"lo")) as (port, _),
        await Connection.open(f"http://127.0.0.1:{port}") as connection,
    ):
        answer = await connection.request(method, "/")
        assert answer.body == (b"" if method == "HEAD" else b"hello")


@pytest.mark.parametrize(
    "app",
    [
        answering([*FIVE, (b"x-bad", b"a\r\nset-cookie: b")], b"hello"),
        answering([*FIVE, (b"x-bad", b"a\nb")], b"hello"),
    ],
)
async def test_a_line_break_in_a_header_reaches_nobody(app: Any) -> None:
    """A value that would split the answer is refused as uvicorn refuses it: nothing of the answer is sent."""
    async with asked(app) as connection:
        await connection.send(request_bytes("GET", "/"))
        assert await connection.ended()


@pytest.mark.parametrize("app", [answering(FIVE, b"hello!"), answering(FIVE, b"hell")])
async def test_an_answer_that_is_not_as_announced_is_cut_rather_than_sent_wrong(app: Any) -> None:
    """A length that does not fit would leave the rest to be read as the next answer."""
    async with asked(app) as connection:
        await connection.send(request_bytes("GET", "/"))
        assert await connection.ended()
