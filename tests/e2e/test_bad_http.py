"""Bad HTTP: garbage on the socket, heads without end, bodies cut off, wrong methods, unreadable resume tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hubbub.testing.crowd import whole_history
from hubbub.testing.raw import Connection, Event, Stream, comments_in, request_bytes
from hubbub.testing.refusals import check_problem
from hubbub.testing.server import Running, running_server, token

COMMENTS = "/v1/videos/v/comments"
STREAM = COMMENTS + "/stream"
AN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TOKEN = token("ada", lifetime=86_400)
MODERATOR = token("mod", ("read", "post", "moderate"), lifetime=86_400)
MEGABYTE = 1 << 20


async def check_nothing_stored(server: Running) -> None:
    """No comment anywhere."""
    assert await whole_history(server.url, "v") == []
    assert await server.services.store.by_user("ada", after=None, limit=10) == []


POST = b"POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n" % TOKEN.encode()

NOT_HTTP = {
    "a TLS hello": bytes.fromhex("16030100f1010000ed0303") + bytes(range(200)),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"hello, is anybody there?\r\n\r\n",
    "NULs": bytes(100),
    "a version that is none": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a method that is none": b"G@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in a header's name": b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n",
    "a space before the colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nName : 1\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nName\r\n\r\n",
    "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nName: a\x00b\r\n\r\n",
    "a NUL in the target": b"GET /heal\x00thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bare CR in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nName: a\rb\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "Host twice": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "Content-Length twice": POST + b'Content-Length: 12\r\nContent-Length: 13\r\n\r\n{"text":"x"}',
    "Content-Length twice in one": POST + b'Content-Length: 12, 13\r\n\r\n{"text":"x"}',
    "Content-Length is a word": POST + b'Content-Length: twelve\r\n\r\n{"text":"x"}',
    "Content-Length is negative": POST + b'Content-Length: -1\r\n\r\n{"text":"x"}',
    "Content-Length is hexadecimal": POST + b'Content-Length: 0xc\r\n\r\n{"text":"x"}',
    "Content-Length beyond counting": POST + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
    "both lengths": POST + b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"text":"x"}\r\n0\r\n\r\n',
    "a chunk without a size": POST + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{"text":"x"}\r\n0\r\n\r\n',
    "a chunk longer than it says": POST + b'Transfer-Encoding: chunked\r\n\r\n2\r\n{"text":"x"}\r\n0\r\n\r\n',
    "a coding that is not chunked last": POST + b'Transfer-Encoding: chunked, gzip\r\n\r\n{"text":"x"}',
}


@pytest.mark.slow
async def test_what_is_not_http_is_answered_400_and_hung_up_on(tmp_path: Path) -> None:
    """Bytes that are no HTTP/1.1 request get a 400 problem document and the end of their connection, since nobody can
    tell where a next request would begin; others are served on as before."""
    faults: list[str] = []
    async with asyncio.timeout(60), running_server(tmp_path) as server, await Connection.open(server.url) as bystander:
        for name, garbage in NOT_HTTP.items():
            async with await Connection.open(server.url) as connection:
                try:
                    async with asyncio.timeout(5):
                        await connection.send(garbage)
                        check_problem(await connection.answer(), 400, "bad_http")
                        assert await connection.ended(), "the connection was left open"
                except (AssertionError, OSError, EOFError, TimeoutError) as fault:
                    faults.append(f"{name}: {fault!r}")
            assert (await bystander.request("GET", "/healthz")).status == 200, name
        await check_nothing_stored(server)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
async def test_headers_without_end_are_cut_off(tmp_path: Path) -> None:
    """A request whose head never ends is refused while it is small, whether it is one long target, one long header or
    very many, so that nobody can fill the memory; so are endless trailers and chunk extensions."""
    endless = {
        "a target": (b"GET /v1/videos/", b"v" * 65_536),
        "a header": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nName: ", b"v" * 65_536),
        "headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"Name: value\r\n" * 5_000),
        "a query": (b"GET /healthz?", b"a=b&" * 16_384),
        "a trailer": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nName: ", b"v" * 65_536),
        "a chunk's extension": (POST + b"Transfer-Encoding: chunked\r\n\r\n1;name=", b"v" * 65_536),
    }
    async with asyncio.timeout(60), running_server(tmp_path) as server:
        for name, (first, more) in endless.items():
            async with await Connection.open(server.url) as connection:
                sent = len(first)
                try:
                    await connection.send(first)
                    while sent < 4 * MEGABYTE:
                        await connection.send(more)
                        sent += len(more)
                        await asyncio.sleep(0)
                    raise AssertionError(f"{name}: {sent} bytes were taken")
                except OSError:
                    assert sent < 4 * MEGABYTE, name
        async with await Connection.open(server.url) as connection:
            assert (await connection.request("GET", "/healthz")).status == 200


@pytest.mark.slow
async def test_a_body_that_breaks_off_stores_nothing(tmp_path: Path) -> None:
    """A poster whose connection ends inside the body, by its length or inside a chunk, has posted nothing."""
    halves = [
        POST + b'Content-Length: 100\r\n\r\n{"text":"x"}',
        POST + b'Transfer-Encoding: chunked\r\n\r\nc\r\n{"text":"x"}\r\n',
        POST + b'Content-Length: 12\r\n\r\n{"text":"x"',
    ]
    async with asyncio.timeout(20), running_server(tmp_path) as server:
        for half in halves:
            async with await Connection.open(server.url) as connection:
                await connection.send(half)
                connection.writer.write_eof()
                await connection.reader.read()
        await check_nothing_stored(server)


ALLOWED = {
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/metrics": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
    "/docs": "GET, HEAD",
    COMMENTS: "GET, HEAD, POST",
    STREAM: "GET, HEAD",
    f"{COMMENTS}/{AN_ID}": "DELETE, GET, HEAD",
    f"{COMMENTS}/{AN_ID}/hide": "POST",
    f"{COMMENTS}/{AN_ID}/restore": "POST",
    f"{COMMENTS}/{AN_ID}/pin": "DELETE, PUT",
}


async def test_methods_that_an_address_does_not_know_are_told_those_it_does(tmp_path: Path) -> None:
    """Every other method, OPTIONS among them, is a 405 whose Allow names all that the address has; HEAD goes wherever
    GET does, with GET's headers and no body."""
    faults: list[str] = []
    async with asyncio.timeout(20), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        for target, allowed in ALLOWED.items():
            methods = set(allowed.split(", "))
            for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods):
                answer = await connection.request(method, target, token=MODERATOR)
                try:
                    check_problem(answer, 405, "method_not_allowed")
                    assert set((answer.header("allow") or "").split(", ")) == methods, answer.header("allow")
                except AssertionError as fault:
                    faults.append(f"{method} {target}: {fault!r}")
            if "HEAD" in methods:
                head = await connection.request("HEAD", target)
                assert head.body == b""
                if target != STREAM:
                    got = await connection.request("GET", target)
                    assert (head.status, head.header("content-type")) == (got.status, got.header("content-type")), (
                        target
                    )
                else:
                    assert (head.status, head.header("content-type")) == (200, "text/event-stream; charset=utf-8")
        for target in ("/nowhere", "/v1", COMMENTS + "/", "//", "/v1/videos/v", f"{COMMENTS}/{AN_ID}/like"):
            check_problem(await connection.request("GET", target), 404, "no_such_page")
            assert (await connection.request("HEAD", target)).status == 404
        await check_nothing_stored(server)
    assert not faults, "\n".join(faults)


UNREADABLE = {
    "a word": "garbage",
    "a number": "17",
    "almost one": "abc.1",
    "a negative offset": "abc.-1.0",
    "an offset beyond counting": "abc." + "9" * 40 + ".0",
    "capitals": "ABC.1.0",
    "another epoch": "0000000000000000.5.0",
    "10,000 characters": "x" * 10_000,
    "not ASCII": "\xe9\xe9\xe9",
    "a path": "../../etc/passwd",
    "SQL": "1'; DROP TABLE comments; --",
}


async def test_a_resume_token_that_cannot_be_read_is_answered_reset_with_the_backlog(tmp_path: Path) -> None:
    """Whatever stands in Last-Event-ID or `last_event_id=`, the stream begins with 200, `welcome`, `reset` and the
    newest comments: an EventSource would give up for good on anything else."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        posted = [
            (await connection.request("POST", COMMENTS, token=TOKEN, body=b'{"text":"%d"}' % number)).json()["id"]
            for number in range(3)
        ]
        for name, bad in UNREADABLE.items():
            escaped = "".join(f"%{byte:02x}" for byte in bad.encode())
            for query, header in [
                ("", bad),
                (f"last_event_id={escaped}", None),
                (f"last_event_id={escaped}&batch=1", None),
            ]:
                async with Stream.open(server.url, "v", query, last_event_id=header) as stream:
                    assert stream.status == 200, (name, query)
                    welcome, reset = await stream.next(), await stream.next()
                    assert welcome is not None
                    assert reset is not None
                    assert (welcome.name, reset.name) == ("welcome", "reset"), (name, query)
                    events: list[Event] = []
                    while len(comments_in(events)) < len(posted):
                        event = await stream.next()
                        assert event is not None
                        events.append(event)
                    assert [comment["id"] for comment in comments_in(events)] == posted
                    place = stream.last_id
        assert place is not None

        # Of a doubled header the one that can be read counts; an empty one is a client that has seen nothing yet.
        for values, resumed in [
            ((place, place), True),
            (("garbage", place), True),
            ((place, ""), True),
            (("",), False),
        ]:
            headers = [("Last-Event-ID", value) for value in values]
            async with await Connection.open(server.url) as watching:
                await watching.send(request_bytes("GET", STREAM, headers=headers))
                assert (await watching.answer_head())[0] == 200
                start = await watching.reader.readuntil(b"\n\n")
                assert (b'"resumed":true' in start) == resumed, values
