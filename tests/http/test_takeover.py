"""What we lean on in uvicorn. When a release moves it, these fail rather than a stream."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import struct
import weakref
from typing import cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.http.serving import serving

from hubbub.http.connections import Patience
from hubbub.http.takeover import WATCHES, TakeoverProtocol, takeover_of

pytestmark = pytest.mark.both_loops


class Echo(asyncio.Protocol):
    """Takes a connection over, says hello as a chunk, and echoes."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"5\r\nhello\r\n")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-from-app", b"yes")]})


async def test_a_connection_changes_hands_after_the_response_head() -> None:
    """The head is uvicorn's, the body is the successor's, and uvicorn has forgotten the connection."""
    echo = Echo()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        takeover = takeover_of(scope)
        assert takeover is not None
        assert takeover(echo)

    async with serving(app) as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"x-from-app: yes\r\n" in head
        assert b"transfer-encoding: chunked\r\n" in head
        assert await reader.readexactly(10) == b"5\r\nhello\r\n"
        writer.write(b"after the request")
        assert await reader.readexactly(17) == b"after the request"
        assert not server.server_state.connections, "uvicorn would wait for it at shutdown"
        await asyncio.sleep(0)
        assert not server.server_state.tasks
        writer.close()
        await echo.lost.wait()


async def test_an_application_may_return_after_the_takeover_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    """uvicorn logs no error about the response that it did not see the end of, and does not close the connection."""
    echo = Echo()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        takeover = takeover_of(scope)
        assert takeover is not None
        takeover(echo)

    async with serving(app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello\r\n")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not echo.transport.is_closing()
        assert not caplog.records
        writer.close()
        await echo.lost.wait()


async def test_an_idle_time_out_does_not_follow_the_connection() -> None:
    """A keep-alive timer from an earlier request on the connection must not cut the stream."""
    echo = Echo()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        takeover = takeover_of(scope)
        if scope["path"] == "/stream":
            assert takeover is not None
            takeover(echo)
        else:
            await send({"type": "http.response.body", "body": b"ok"})

    async with serving(app) as (port, server):
        server.config.timeout_keep_alive = 1
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello\r\n")
        await asyncio.sleep(1.2)
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        writer.close()
        await echo.lost.wait()


async def test_a_client_that_has_gone_is_not_taken_over() -> None:
    """The take-over says so instead of handing out a dead transport."""
    went: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        while (await receive())["type"] != "http.disconnect":
            pass
        takeover = takeover_of(scope)
        assert takeover is not None
        went.set_result(takeover(Echo()))

    async with serving(app) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        writer.close()
        assert await went is False


async def test_what_was_sent_after_a_taken_over_request_changes_nothing() -> None:
    """A request sent ahead of the answer to a stream's neither ends the stream nor is answered in it."""
    echo = Echo()
    asked: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await start(send)
        takeover = takeover_of(scope)
        assert takeover is not None
        assert takeover(echo)

    async with serving(app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"hello\r\n")
        writer.write(b"more")
        assert await reader.readexactly(4) == b"more"
        assert asked == ["/one"]
        writer.close()
        await echo.lost.wait()


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade"])
async def test_an_offer_of_http2_in_clear_text_is_passed_over(name: bytes) -> None:
    """The body of a request that makes one reaches the application, and the connection serves the next request."""
    bodies: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with serving(app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        offer = b"Connection: Upgrade, HTTP2-Settings\r\n" + name + b": h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        for body in (b"one", b"Upgrade: h2c\r\n"):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (offer, len(body), body))
            await reader.readuntil(b"\r\n\r\nok")
        assert bodies == [b"one", b"Upgrade: h2c\r\n"]
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"],
)
async def test_a_connection_that_does_not_get_on_is_dropped(sent: bytes) -> None:
    """Silent, or slow in head or body, a byte now and then notwithstanding; others are served meanwhile. Whoever began
    a request is told so.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def drip(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.1)

    async with serving(app, Patience(head=0.4, body=0.4)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        dripping = asyncio.get_running_loop().create_task(drip(writer)) if sent else None
        kept_reader, kept = await asyncio.open_connection("127.0.0.1", port)
        kept.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(3):
                answer = await reader.read()
                assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n") if sent else answer == b""
        if dripping is not None:
            dripping.cancel()
        await kept_reader.readuntil(b"ok")
        kept.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # idle between requests is another matter
        await kept_reader.readuntil(b"ok")
        for one in (writer, kept):
            one.close()


async def test_what_is_not_http_gets_a_problem_document() -> None:
    """Even a request that can't be parsed is answered in the service's own form."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("not reached")

    async with serving(app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"NONSENSE\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "bad_http"
        writer.close()


def test_uvicorn_still_builds_on_httptools() -> None:
    """The class we extend is the one uvicorn uses for ``http="httptools"``."""
    config = uvicorn.Config(lambda: None, http="httptools")
    config.load()
    assert issubclass(TakeoverProtocol, config.http_protocol_class)


async def test_a_connection_that_ends_by_a_reset_is_forgotten_at_once() -> None:
    """No timer keeps what it was made of: whoever asks and resets, thousands of times a second, makes nothing grow."""
    kept: list[weakref.ref[TakeoverProtocol]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kept.append(weakref.ref(scope["extensions"][WATCHES].func.__self__))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with serving(app) as (port, _), asyncio.timeout(10):
        loop = asyncio.get_running_loop()
        with socket.socket() as one:
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", port))
            await loop.sock_sendall(one, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not (await loop.sock_recv(one, 4096)).endswith(b"ok"):
                pass
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes by a reset
        assert kept
        while any(protocol() is not None for protocol in kept):
            await asyncio.sleep(0.01)
            gc.collect()
