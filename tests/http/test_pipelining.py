"""Requests sent ahead of the answers to others, good ones and bad, and answers that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket

import pytest
from starlette.types import Receive, Scope, Send
from tests.http.serving import serving

from hubbub.http.connections import Patience
from hubbub.http.takeover import MAX_HEAD, TakeoverProtocol
from hubbub.metrics import Metrics

pytestmark = pytest.mark.both_loops

READ_AT_ONCE = 256 * 1024  # what either loop reads from a socket in one go


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path and the body, after a turn of the loop for each digit in the path."""
    body, more = b"", scope["method"] == "POST"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    for _ in range(sum(map(str.isdigit, scope["path"]))):
        await asyncio.sleep(0)
    text = scope["path"].encode() + body
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def all_of(port: int, sent: bytes) -> bytes:
    """Everything that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    received = await reader.read()
    writer.close()
    return received


def statuses_in(received: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


async def test_answers_come_in_the_order_of_the_requests() -> None:
    """However long each takes and however the bytes are cut, also of more requests than are parsed at once."""
    requests = [post(f"/{n}", b"%d" % n) if n % 3 else get("/" + "1" * (n % 7)) for n in range(2_000)]
    expected = b"".join(b"/%d%d" % (n, n) if n % 3 else b"/" + b"1" * (n % 7) for n in range(2_000))
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with serving(echo) as (port, _):
        for cut in (1_000_000, 977):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            data = b"".join(requests) + last + get("/after-close")
            for at in range(0, len(data), cut):
                writer.write(data[at : at + cut])
                if cut < 1_000:
                    await asyncio.sleep(0)
            bodies = b"".join(
                part.partition(b"\r\n\r\n")[2] for part in (await reader.read()).split(b"HTTP/1.1 200 OK")
            )
            assert bodies == expected + b"/last"
            writer.close()


@pytest.mark.parametrize(
    "bad",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nName: " + b"v" * (MAX_HEAD + 4096),
    ],
)
async def test_a_bad_request_is_refused_after_the_answers_to_those_before_it(bad: bytes) -> None:
    """Each of those gets its own answer first, and nothing that follows is looked at."""
    async with asyncio.timeout(20), serving(echo) as (port, _):
        received = await all_of(port, get("/12") + post("/1", b"body") + bad + get("/smuggled"))
        assert statuses_in(received) in ([200, 200, 400], [200, 200, 431])
        assert b"/12" in received and b"/1body" in received and b"smuggled" not in received


async def test_a_body_that_breaks_its_own_rules_after_the_answer_gets_no_second_one() -> None:
    """Whoever was answered before its body turned out bad is hung up on in silence."""

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(hasty) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"zz\r\n" + get("/"))
        assert await reader.read() == b""
        writer.close()


async def test_whoever_is_refused_before_its_body_was_asked_for_is_hung_up_on() -> None:
    """It may send the body or not, so its next request could not be told from it; if it was asked, all goes on."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/refused":
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await echo(scope, receive, send)

    head = b"POST /%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    async with serving(app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % b"taken")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        assert b"connection: close" not in await reader.readuntil(b"/takenbody")
        writer.write(head % b"refused")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ") and b"connection: close" in answer
        writer.close()


async def test_an_offer_of_another_protocol_is_passed_over() -> None:
    """What follows such a request is the next one; with a body, which could be either, it is refused."""
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    close = b"GET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with serving(echo) as (port, _):
        received = await all_of(port, b"GET /one HTTP/1.1\r\nHost: x\r\n" + offer + b"\r\n" + close)
        assert statuses_in(received) == [200, 200]
        assert received.index(b"/one") < received.index(b"/two")
        received = await all_of(
            port, b"POST /one HTTP/1.1\r\nHost: x\r\n" + offer + b"Content-Length: %d\r\n\r\n" % len(close) + close
        )
        assert statuses_in(received) == [400]


async def test_requests_sent_ahead_without_reading_take_bounded_memory() -> None:
    """A client that sends requests for ever and reads nothing is read no further, and dropped when its time is over."""
    page = b"x" * 200_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"200000")]})
        await send({"type": "http.response.body", "body": page})

    metrics = Metrics()
    most = 0

    async def flood(client: socket.socket) -> None:
        nonlocal most
        requests = get("/") * 4_000
        while True:
            with contextlib.suppress(BlockingIOError):
                client.send(requests)
            await asyncio.sleep(0.001)
            for connection in server.server_state.connections:
                assert isinstance(connection, TakeoverProtocol)
                most = max(most, connection.held_back())

    async with asyncio.timeout(20), serving(app, Patience(answer=0.5), metrics=metrics) as (port, server):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setblocking(False)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await flood(client)
        assert 0 < most < READ_AT_ONCE + 2 * len(page) + 1_000_000
        assert b'hubbub_requests_dropped_total{reason="unread"} 1.0' in metrics.render()


async def test_whoever_goes_with_requests_waiting_is_known_to_have_gone_by_the_one_under_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told of the disconnect, so that a stream ends; what it sends then goes nowhere and is no error."""
    begun, told = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == "/first"
        await receive()
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})
        told.set()

    async with serving(app) as (port, _), asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/first") + get("/second") + get("/third"))
        await begun.wait()
        writer.close()
        await told.wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
