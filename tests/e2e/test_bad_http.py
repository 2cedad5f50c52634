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

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b'{"text":"x"}'
CHUNKS = b'c\r\n{"text":"x"}\r\n0\r\n\r\n'

NOT_HTTP = {
    "a TLS hello": bytes.fromhex("16030100f1010000ed0303") + bytes(range(200)),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"hello, is anybody there?\r\n\r\n",
    "NULs": bytes(100),
    # the request's line
    "a version that is none": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a version of two digits": b"GET /healthz HTTP/1.10\r\nHost: x\r\n\r\n",
    "a version in lower case": b"GET /healthz http/1.1\r\nHost: x\r\n\r\n",
    "no version, and a space": b"GET /healthz \r\n\r\n",
    "a method that is none": b"G@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab for a space": b"GET\t/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in the target": b"GET /heal\x00thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /heal thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is not ASCII": "GET /h\xe9 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "a target without a slash": b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target with a fragment": b"GET /healthz#top HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star for a target": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    # its headers
    "a space in a header's name": GET + b"Bad Name: 1\r\n\r\n",
    "a space before the colon": GET + b"Name : 1\r\n\r\n",
    "a header without a colon": GET + b"Name\r\n\r\n",
    "a header without a name": GET + b": 1\r\n\r\n",
    "a NUL in a header": GET + b"Name: a\x00b\r\n\r\n",
    "a NUL in a header's name": GET + b"Na\x00me: 1\r\n\r\n",
    "a control character in a header": GET + b"Name: a\x07b\r\n\r\n",
    "a bare CR in a header": GET + b"Name: a\rb\r\n\r\n",
    "a bare CR before a header": GET + b"\rName: a\r\n\r\n",
    "a bare LF after a header": GET + b"Name: a\nOther: b\r\n\r\n",
    "a bare LF at the end": GET + b"\n",
    "bare LFs throughout": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "bare CRs throughout": b"GET /healthz HTTP/1.1\rHost: x\r\r",
    "a folded header": GET + b"Name: a\r\n b\r\n\r\n",
    "a fold before any header": b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "Host twice": GET + b"Host: y\r\n\r\n",
    "Host is none": b"GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n",
    "Host with a user": b"GET /healthz HTTP/1.1\r\nHost: user@x\r\n\r\n",
    # how long its body is
    "Content-Length twice": POST + b"Content-Length: 12\r\nContent-Length: 13\r\n\r\n" + BODY,
    "Content-Length twice alike": POST + b"Content-Length: 12\r\nContent-Length: 12\r\n\r\n" + BODY,
    "Content-Length twice in one": POST + b"Content-Length: 12, 13\r\n\r\n" + BODY,
    "Content-Length is a word": POST + b"Content-Length: twelve\r\n\r\n" + BODY,
    "Content-Length is nothing": POST + b"Content-Length:\r\n\r\n" + BODY,
    "Content-Length is negative": POST + b"Content-Length: -1\r\n\r\n" + BODY,
    "Content-Length has a plus": POST + b"Content-Length: +12\r\n\r\n" + BODY,
    "Content-Length has a space": POST + b"Content-Length: 1 2\r\n\r\n" + BODY,
    "Content-Length has a point": POST + b"Content-Length: 12.0\r\n\r\n" + BODY,
    "Content-Length is hexadecimal": POST + b"Content-Length: 0xc\r\n\r\n" + BODY,
    "Content-Length beyond counting": POST + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
    "both lengths (CL.TE)": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "both lengths (TE.CL)": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + CHUNKS,
    "both, one behind a bare LF": POST + b"Content-Length: 4\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "a coding twice (TE.TE)": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "identity after chunked": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "identity before chunked": POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "chunked twice in one": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "chunked and a comma": POST + b"Transfer-Encoding: chunked,\r\n\r\n" + CHUNKS,
    "chunked with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKS,
    "chunked in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKS,
    "chunked behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "chunked on a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS,
    "chunked before a space": POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "almost chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "no coding": POST + b"Transfer-Encoding:\r\n\r\n" + CHUNKS,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "identity for a GET": GET + b"Transfer-Encoding: identity\r\n\r\n",
    "a coding that is not chunked last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + BODY,
    "chunks in HTTP/1.0": POST.replace(b"/1.1", b"/1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    # its chunks
    "a chunk without a size": CHUNKED + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk without an end": CHUNKED + b"c\r\n" + BODY + b"..0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk's size with a prefix": CHUNKED + b"0xc\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk's size before a space": CHUNKED + b"c \r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk's size beyond counting": CHUNKED + b"1000000000000000c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "bare LFs about a chunk": CHUNKED + b"c\n" + BODY + b"\n0\n\n",
    "a bare LF in an extension": CHUNKED + b"c;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a bare CR in an extension": CHUNKED + b"c;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a NUL in an extension": CHUNKED + b"c;a\x00b\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a length for a trailer": CHUNKED + b"0\r\nContent-Length: 12\r\n\r\n",
    "a body that may be another protocol's": POST
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 12\r\n\r\n"
    + BODY,
}

NOT_FOR_US = {
    "HTTP/2 without a preface": (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505, "http_version"),
    "no version, as in HTTP/0.9": (b"GET /healthz\r\n\r\n", 505, "http_version"),
    "HTTP/0.9 that says so": (b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n", 505, "http_version"),
    "a tunnel": (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n", 501, "not_implemented"),
    "a method nobody knows": (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 501, "not_implemented"),
    "a method in lower case": (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 501, "not_implemented"),
    "a coding nobody knows": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS, 501, "not_implemented"),
    "too many headers": (GET + b"Name: 1\r\n" * 101 + b"\r\n", 431, "head_too_large"),
    "a header that is too long": (GET + b"Name: " + b"v" * 70_000, 431, "head_too_large"),
}

SMUGGLED = b"GET /v1/videos/smuggled/comments HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.slow
async def test_what_is_not_http_is_answered_once_and_hung_up_on(tmp_path: Path) -> None:
    """Bytes that are no HTTP/1.1 request, or none that is served here, get one problem document and the end of their
    connection, since nobody can tell where a next request would begin: one that follows them is not looked at. Others
    are served on as before."""
    table = {name: (garbage, 400, "bad_http") for name, garbage in NOT_HTTP.items()} | NOT_FOR_US
    faults: list[str] = []
    async with asyncio.timeout(60), running_server(tmp_path) as server, await Connection.open(server.url) as bystander:
        for name, (garbage, status, code) in table.items():
            for cut in (len(garbage) + len(SMUGGLED), 7):  # at once, and seven bytes at a time
                if cut == 7 and len(garbage) > 500:
                    continue
                async with await Connection.open(server.url) as connection:
                    try:
                        async with asyncio.timeout(5):
                            data = garbage + SMUGGLED
                            for at in range(0, len(data), cut):
                                connection.writer.write(data[at : at + cut])
                                await asyncio.sleep(0)
                            check_problem(await connection.answer(), status, code)
                            assert await connection.ended(), "something follows the answer"
                    except (AssertionError, OSError, EOFError, TimeoutError, RuntimeError) as fault:
                        faults.append(f"{name}, {cut} bytes at a time: {fault!r}")
            assert (await bystander.request("GET", "/healthz")).status == 200, name
        await check_nothing_stored(server)
    assert not faults, "\n".join(faults)


ODD = {
    "an empty line first": (b"\r\n" + GET + b"\r\n", 200),
    "the whole address": (b"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    "an empty Host": (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 200),
    "a body that a GET does not need": (GET + b"Content-Length: 4\r\n\r\nbody", 200),
    "an offer of another protocol": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "a post with spaces about its length": (POST + b"Content-Length: \t12 \r\n\r\n" + BODY, 201),
    "a post in chunks": (CHUNKED + CHUNKS, 201),
    "a post in chunks, shouted": (POST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + CHUNKS, 201),
    "chunks with extensions": (CHUNKED + b'c;a=b;c="d e"\r\n' + BODY + b"\r\n0;x\r\n\r\n", 201),
    "chunks with leading zeros": (CHUNKED + b"000c\r\n" + BODY + b"\r\n000\r\n\r\n", 201),
    "chunks with a trailer": (CHUNKED + b"c\r\n" + BODY + b"\r\n0\r\nAuthorization: Bearer x\r\n\r\n", 201),
    "a post in chunks of one": (
        CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n",
        201,
    ),
    "a chunk that announces 16 EiB": (CHUNKED + b"fffffffffffffff\r\n" + b"x" * 20_000, 413),
    "OPTIONS for the server as a whole": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "OPTIONS": (b"OPTIONS /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "TRACE": (b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "a method of WebDAV": (b"PROPFIND /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
}


@pytest.mark.slow
async def test_what_is_odd_and_yet_http_is_served(tmp_path: Path) -> None:
    """What RFC 9110 and 9112 allow is answered as it should be, once, whole or in pieces, also with the next request
    right behind it."""
    faults: list[str] = []
    async with asyncio.timeout(60), running_server(tmp_path) as server:
        for name, (odd, status) in ODD.items():
            data = odd + (b"" if status == 413 else GET + b"Connection: close\r\n\r\n")
            for cut in (len(data), 5):
                if cut == 5 and len(data) > 1_000:
                    continue
                async with await Connection.open(server.url) as connection:
                    try:
                        async with asyncio.timeout(5):
                            for at in range(0, len(data), cut):
                                connection.writer.write(data[at : at + cut])
                                await asyncio.sleep(0)
                            answer = await connection.answer()
                            assert answer.status == status, answer
                            if status != 413:
                                assert (await connection.answer()).json() == {"status": "ok"}
                                assert await connection.ended()
                    except (AssertionError, OSError, EOFError, TimeoutError, RuntimeError) as fault:
                        faults.append(f"{name}, {cut} bytes at a time: {fault!r}")
        async with await Connection.open(server.url) as connection:
            await connection.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert (await connection.answer()).header("connection") == "close"  # and no chunks: it knows neither
            assert await connection.ended()
        stored = await whole_history(server.url, "v")
        posts = sum(status == 201 for _, status in ODD.values())
        assert {comment["text"] for comment in stored} == {"x"}
        assert posts < len(stored) <= 2 * posts
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


VIDEO = COMMENTS.removesuffix("/comments")
ALLOWED = {
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/metrics": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
    "/docs": "GET, HEAD",
    "/v1/videos": "GET, HEAD",
    VIDEO: "GET, HEAD, PUT",
    f"{VIDEO}/start": "POST",
    f"{VIDEO}/end": "POST",
    f"{VIDEO}/replay": "GET, HEAD",
    COMMENTS: "GET, HEAD, POST",
    STREAM: "GET, HEAD",
    f"{COMMENTS}/poll": "GET, HEAD",
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
        for target in (
            "/nowhere",
            "/v1",
            COMMENTS + "/",
            "//",
            "/v1/videos/",
            f"{VIDEO}/",
            f"{VIDEO}/stop",
            f"{COMMENTS}/{AN_ID}/like",
        ):
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
        for values, query, resumed in [
            ((place, place), "", True),
            (("garbage", place), "", True),
            ((place, ""), "", True),
            (("",), "", False),
            (("", " "), f"?last_event_id={place}", True),
        ]:
            headers = [("Last-Event-ID", value) for value in values]
            async with await Connection.open(server.url) as watching:
                await watching.send(request_bytes("GET", STREAM + query, headers=headers))
                assert (await watching.answer_head())[0] == 200
                start = await watching.reader.readuntil(b"\n\n")
                assert (b'"resumed":true' in start) == resumed, values
