"""Bad input: every case a 4xx problem document that says what to change, never a 500, never a dead connection, nothing stored."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest

from hubbub.testing.crowd import whole_history
from hubbub.testing.raw import Answer, Connection, Headers, Stream, comments_in, request_bytes
from hubbub.testing.server import SECRET, Running, running_server, token

COMMENTS = "/v1/videos/v/comments"
STREAM = COMMENTS + "/stream"
AN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TOKEN = token("ada", lifetime=86_400)
MODERATOR = token("mod", ("read", "post", "moderate"), lifetime=86_400)
MEGABYTE = 1 << 20


class Case(NamedTuple):
    """A request, and the status and code that must answer it. ``raw`` replaces everything else that is sent."""

    name: str
    status: int
    code: str
    method: str = "POST"
    target: str = COMMENTS
    headers: Headers = ()
    body: bytes | None = None
    bearer: str | None = TOKEN
    raw: bytes = b""

    @property
    def sent(self) -> bytes:
        """The request's bytes."""
        authorization = [] if self.bearer is None else [("Authorization", f"Bearer {self.bearer}")]
        return self.raw or request_bytes(
            self.method, self.target, headers=[*authorization, *self.headers], body=self.body
        )


def bodies(status: int, code: str, named: dict[str, bytes]) -> list[Case]:
    """Posts that differ in their bodies."""
    return [Case(name, status, code, body=body) for name, body in named.items()]


def nested(levels: int) -> bytes:
    """A post whose meta is so many objects within each other."""
    return b'{"text":"x","meta":' + b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1) + b"}"


MALFORMED = {
    "nothing": b"",
    "white space": b" \r\n",
    "half an object": b'{"text":',
    "an array": b'[{"text":"x"}]',
    "a string": b'"x"',
    "null": b"null",
    "a number": b"5",
    "something after the object": b'{"text":"x"} {}',
    "a comma too many": b'{"text":"x",}',
    "single quotes": b"{'text':'x'}",
    "a comment": b'{"text":"x"/* */}',
    "a form": b"text=x",
    "a byte order mark": b'\xef\xbb\xbf{"text":"x"}',
    "UTF-16": '{"text":"x"}'.encode("utf-16"),
    "no text": b"{}",
    "text is a number": b'{"text":5}',
    "text is null": b'{"text":null}',
    "text is a list": b'{"text":["x"]}',
    "text is an object": b'{"text":{"text":"x"}}',
    "nonce is a number": b'{"text":"x","nonce":5}',
    "nonce is empty": b'{"text":"x","nonce":""}',
    "nonce is too long": b'{"text":"x","nonce":"%b"}' % (b"n" * 65),
    "nonce is not ASCII": '{"text":"x","nonce":"é"}'.encode(),
    "client_ts is a string": b'{"text":"x","client_ts":"now"}',
    "client_ts is negative": b'{"text":"x","client_ts":-1}',
    "client_ts is no whole number": b'{"text":"x","client_ts":1.5}',
    "client_ts is too large": b'{"text":"x","client_ts":9007199254740993}',
    "meta is a list": b'{"text":"x","meta":[]}',
    "meta is a string": b'{"text":"x","meta":"{}"}',
    "an unknown field": b'{"text":"x","colour":"red"}',
    "a field that only we may set": b'{"text":"x","user":{"id":"eve"}}',
    "a field in capitals": b'{"Text":"x"}',
    "NaN": b'{"text":"x","meta":{"n":NaN}}',
    "Infinity": b'{"text":"x","meta":{"n":Infinity}}',
    "-Infinity": b'{"text":"x","meta":{"n":-Infinity}}',
    "NaN as the text": b'{"text":NaN}',
    "a number that no float holds": b'{"text":"x","meta":{"n":1e999}}',
    "a number of five thousand digits": b'{"text":"x","meta":{"n":%b}}' % (b"9" * 5000),
    "a leading zero": b'{"text":"x","meta":{"n":01}}',
    "arrays two thousand deep": nested(2)[:-2] + b"[" * 2000 + b"]" * 2000 + b"}}",
    "arrays never closed": b"[" * 15_000,
    "objects never closed": b'{"a":' * 3_000,
    "a byte that is no UTF-8": b'{"text":"\xff"}',
    "an overlong form": b'{"text":"\xc0\xaf"}',
    "a surrogate as UTF-8": b'{"text":"\xed\xa0\x80"}',
    "half a character": b'{"text":"\xe2\x82"}',
    "beyond Unicode": b'{"text":"\xf4\x90\x80\x80"}',
    "half a surrogate pair": rb'{"text":"\ud83d"}',
    "the other half": rb'{"text":"\ude00"}',
    "the halves swapped": rb'{"text":"\ude00\ud83d"}',
    "half a pair in meta": rb'{"text":"x","meta":{"a":"\ud800"}}',
    "half a pair in a name": rb'{"text":"x","meta":{"\ud800":1}}',
    "half a pair in an unknown field": rb'{"text":"x","\ud800":1}',
    "a raw line feed in a string": b'{"text":"a\nb"}',
    "a raw NUL in a string": b'{"text":"a\x00b"}',
    "a bad escape": rb'{"text":"\x41"}',
}

BODIES = [
    *bodies(400, "malformed", MALFORMED),
    *bodies(422, "text_empty", {"an empty text": b'{"text":""}', "a blank text": '{"text":" \u3000\\n"}'.encode()}),
    *bodies(422, "text_too_long", {"501 characters": b'{"text":"%b"}' % (b"x" * 501)}),
    *bodies(422, "text_control_characters", {"an escaped NUL": rb'{"text":"a\u0000b"}', "a tab": rb'{"text":"a\tb"}'}),
    *bodies(422, "meta_too_large", {"meta of 1,025 bytes": b'{"text":"x","meta":{"a":"%b"}}' % (b"x" * 1017)}),
    *bodies(422, "meta_too_deep", {"meta 17 deep": nested(17), "meta 100 deep": nested(100)}),
    *bodies(422, "meta_number_out_of_range", {"a number beyond 64 bits": b'{"text":"x","meta":{"n":18446744073709551616}}'}),
    *bodies(413, "too_large", {"16 KB and a byte": b" " * 16_385, "10 MB": b'{"text":"%b"}' % (b"x" * 10 * MEGABYTE)}),
    Case("10 MB in chunks", 413, "too_large", raw=request_bytes("POST", COMMENTS, headers=[
        ("Authorization", f"Bearer {TOKEN}"), ("Transfer-Encoding", "chunked")
    ]) + b"100000\r\n%b\r\n" % (b"x" * MEGABYTE) * 10 + b"0\r\n\r\n"),
    Case("no body and no length", 400, "malformed"),
]  # fmt: skip


def get(name: str, target: str, code: str, status: int = 400) -> Case:
    """A request for a page or a stream."""
    return Case(name, status, code, "GET", target, bearer=None)


VIDEO_IDS = [
    *(
        Case(f"{name}, {method}", 400, "bad_video_id", method, f"/v1/videos/{video_id}/comments{suffix}", body=body)
        for name, video_id in {
            "129 characters": "v" * 129,
            "10,000 characters": "v" * 10_000,
            "NUL": "a%00b",
            "a line feed": "a%0Ab",
            "a space": "a%20b",
            "a snowman": "%E2%98%83",
            "no UTF-8": "%ff",
            "a stray percent sign": "50%25",
            "half an escape": "a%4",
            "a plus sign": "a+b",
            "a colon": "a:b",
            "a full-width letter": "%EF%BD%81",
            "a quote": "a%22b",
            "a backslash": "a%5Cb",
        }.items()
        for method, suffix, body in [("POST", "", b'{"text":"x"}'), ("GET", "", None), ("GET", "/stream", None)]
    ),
    get("an empty id", "/v1/videos//comments", "no_such_page", 404),
    get("an escaped slash", "/v1/videos/a%2Fb/comments", "no_such_page", 404),
    *(
        Case(f"a comment id that is {name}", 400, "bad_comment_id", method, f"{COMMENTS}/{id}{suffix}", bearer=MODERATOR)
        for name, id in {"a word": "x", "a UUIDv4": "0f0e8b1c-2a5b-4c1d-8f3e-1a2b3c4d5e6f", "too long": AN_ID + "0"}.items()
        for method, suffix in [
            ("GET", ""), ("DELETE", ""), ("POST", "/hide"), ("POST", "/restore"), ("PUT", "/pin"), ("DELETE", "/pin")
        ]
    ),
]  # fmt: skip

QUERIES = [
    *(get(f"limit={value}", f"{COMMENTS}?limit={value}", "bad_query") for value in (
        "0", "201", "-1", "abc", "1.5", "1e2", "", "%D9%A3", "+5", "%205", "99999999999999999999", "0x10", "null"
    )),
    *(get(f"backlog={value}", f"{STREAM}?backlog={value}", "bad_query") for value in ("-1", "201", "all", "")),
    *(get(f"batch={value}", f"{STREAM}?batch={value}", "bad_query") for value in ("2", "true", "")),
    *(get(f"sort={value}", f"{COMMENTS}?sort={value}", "bad_query") for value in ("up", "DESC", "")),
    *(get(f"cursor {name}", f"{COMMENTS}?cursor={value}", "bad_cursor") for name, value in {
        "empty": "",
        "of garbage": "garbage",
        "of 23 other characters": "a" * 23,
        "of another version": urlsafe_b64encode(b"\x02" + bytes(16)).decode().rstrip("="),
        "padded": urlsafe_b64encode(b"\x01" + bytes(16)).decode(),
        "with stray bits": "AQAAAAAAAAAAAAAAAAAAAAB",
        "of a comment's id": AN_ID,
        "not ASCII": "%E2%98%83" * 23,
        "of NULs": "%00" * 23,
        "of 5,000 characters": "A" * 5_000,
    }.items()),
    *(get(f"{name} on {where}", f"{target}?{query}", "bad_query") for where, target in {
        "history": COMMENTS, "the stream": STREAM, "one comment": f"{COMMENTS}/{AN_ID}"
    }.items() for name, query in {
        "an unknown parameter": "colour=red",
        "a parameter of another call": "access_token=x" if target != STREAM else "limit=5",
        "capitals": "LIMIT=5",
        "a parameter in brackets": "limit[]=5",
        "no UTF-8": "%ff=1",
        "a parameter without a name": "=5",
        "a query of 20,000 characters": "a=" + "b" * 20_000,
        "a thousand parameters": "&".join(f"p{n}=1" for n in range(1_000)),
    }.items()),
    get("limit twice", f"{COMMENTS}?limit=5&limit=6", "bad_query"),
    get("backlog twice", f"{STREAM}?backlog=5&backlog=5", "bad_query"),
    *(Case(f"an unknown parameter on {name}", 400, "bad_query", method, target + "?colour=red", body=body, bearer=MODERATOR)
      for name, method, target, body in [
          ("a post", "POST", COMMENTS, b'{"text":"x"}'),
          ("a deletion", "DELETE", f"{COMMENTS}/{AN_ID}", None),
          ("a pin", "PUT", f"{COMMENTS}/{AN_ID}/pin", None),
    ]),
    Case("a token in a post's query", 400, "bad_query", target=f"{COMMENTS}?access_token={TOKEN}", body=b'{"text":"x"}',
         bearer=None),
]  # fmt: skip


def jose(header: dict[str, Any], claims: Any, signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def signed(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    """A token with a good signature, whatever it says."""
    return jwt.encode(claims, secret, algorithm="HS256", headers=header)


GOOD = {"sub": "eve", "scope": "read post moderate", "exp": 4_000_000_000}

TOKENS = {
    "forged": ("bad_signature", signed(GOOD, "another secret of more than 32 bytes, too")),
    "changed after signing": ("bad_signature", jose({"alg": "HS256"}, GOOD) + TOKEN.rpartition(".")[2]),
    "alg=none": ("bad_token", jose({"alg": "none", "typ": "JWT"}, GOOD)),
    "alg=None": ("bad_token", jose({"alg": "None"}, GOOD)),
    "alg=none with our signature": ("bad_token", jose({"alg": "none"}, GOOD) + TOKEN.rpartition(".")[2]),
    "another HMAC": ("bad_token", jwt.encode(GOOD, SECRET + SECRET, algorithm="HS512")),
    "an algorithm we have no keys for": ("bad_token", jose({"alg": "RS256", "kid": "1"}, GOOD, b"x" * 256)),
    "alg is a number": ("bad_token", jose({"alg": 5}, GOOD, b"x" * 32)),
    "a critical extension": ("bad_token", signed(GOOD, crit=["b64"], b64=False)),
    "expired": ("token_expired", signed(GOOD | {"exp": 1_000_000_000})),
    "expired a moment ago": ("token_expired", signed(GOOD | {"exp": int(time.time()) - 1})),
    "not valid yet": ("token_not_yet_valid", signed(GOOD | {"nbf": 3_900_000_000})),
    "from the future": ("token_not_yet_valid", signed(GOOD | {"iat": 3_900_000_000})),
    "without an end": ("bad_claims", signed({"sub": "eve", "scope": "post"})),
    "without a subject": ("bad_claims", signed({"exp": 4_000_000_000, "scope": "post"})),
    "with an end that is a string": ("bad_claims", jose({"alg": "HS256"}, {}) and signed(GOOD | {"scope": {"post": 1}})),
    "of a list": ("bad_token", jwt.PyJWS(algorithms=["HS256"]).encode(b"[]", SECRET, algorithm="HS256")),
    "of no JSON": ("bad_token", jwt.PyJWS(algorithms=["HS256"]).encode(b"{", SECRET, algorithm="HS256")),
    "of one part": ("bad_token", "abc"),
    "of three empty parts": ("bad_token", ".."),
    "of 9,000 characters": ("bad_token", "a" * 9_000),
    "of other characters": ("bad_token", "é"),
    "with a space": ("bad_token", "a b"),
    "empty": ("bad_token", ""),
}  # fmt: skip

AUTHORIZATIONS = [
    *(
        Case(f"a token {name}, {method}", 401, code, method, target, [("Authorization", f"Bearer {bearer}")], body, None)
        for name, (code, bearer) in TOKENS.items()
        for method, target, body in [("POST", COMMENTS, b'{"text":"x"}'), ("GET", COMMENTS, None), ("GET", STREAM, None)]
    ),
    Case("no token", 401, "no_token", body=b'{"text":"x"}', bearer=None),
    Case("another scheme", 401, "wrong_scheme", headers=[("Authorization", "Basic YTpi")], body=b"{}", bearer=None),
    Case("no scheme", 401, "wrong_scheme", headers=[("Authorization", TOKEN)], body=b"{}", bearer=None),
    Case("no scope to post", 403, "missing_scope", body=b'{"text":"x"}', bearer=token("ada", ("read",))),
    Case("another video's token", 403, "video_not_allowed", body=b'{"text":"x"}', bearer=token("ada", videos=["w"])),
    get("an expired token in the stream's query", f"{STREAM}?access_token={TOKENS['expired'][1]}", "token_expired", 401),
    get("garbage as the stream's token", f"{STREAM}?access_token=%ff", "bad_query"),
]  # fmt: skip

DOUBLED = [
    Case("Authorization twice", 400, "doubled_header", headers=[("Authorization", f"Bearer {TOKEN}")], body=b'{"text":"x"}'),
    Case("two tokens in one header", 401, "bad_token", headers=[("Authorization", f"Bearer {TOKEN}, Bearer {TOKEN}")],
         body=b'{"text":"x"}', bearer=None),
    Case("Idempotency-Key twice", 400, "doubled_header", headers=[("Idempotency-Key", "a"), ("idempotency-key", "b")],
         body=b'{"text":"x"}'),
    *(Case(f"an Idempotency-Key {name}", 400, "bad_idempotency_key", headers=[("Idempotency-Key", value)], body=b'{"text":"x"}')
      for name, value in {"empty": "", "of 129 characters": "k" * 129, "not ASCII": "é", "with a tab": "a\tb", "half quoted": '"a'}.items()),
]  # fmt: skip

KEEPING = [*BODIES, *VIDEO_IDS, *QUERIES, *AUTHORIZATIONS, *DOUBLED]
"""Cases that are well-formed HTTP: the connection must be good for another request afterwards."""


def check(answer: Answer, status: int, code: str) -> None:
    """The answer is the problem document (RFC 9457) that it must be."""
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json"), answer
    problem = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["title"]
    assert problem["type"]
    assert len(problem["detail"]) > 15, "a sentence that says what to change"
    assert len(answer.body) < 2_000, "what was sent is not thrown back"
    assert answer.header("connection") != "close" or code == "bad_http", answer
    if status == 401:
        assert (answer.header("www-authenticate") or "").startswith("Bearer ")


async def check_nothing_stored(server: Running) -> None:
    """No case left a comment anywhere."""
    assert await whole_history(server.url, "v") == []
    for user in ("ada", "eve", "mod"):
        assert await server.services.store.by_user(user, after=None, limit=10) == []


@pytest.mark.slow
async def test_each_bad_request_is_refused_with_its_reason_and_the_connection_goes_on(tmp_path: Path) -> None:
    """Every well-formed HTTP request that asks for something wrong gets a problem document with its status and code;
    the same connection then serves a good request, and nothing is stored."""
    faults: list[str] = []
    async with asyncio.timeout(90), running_server(tmp_path) as server:
        connection = await Connection.open(server.url)
        for case in KEEPING:
            try:
                async with asyncio.timeout(10):
                    await connection.send(case.sent)
                    check(await connection.answer(), case.status, case.code)
                    again = await connection.request("GET", COMMENTS)
                    assert (again.status, again.json()["comments"]) == (200, []), again
            except (AssertionError, OSError, EOFError, TimeoutError) as fault:
                faults.append(f"{case.name} ({case.method} {case.target[:50]}): {fault!r}")
                await connection.close()
                connection = await Connection.open(server.url)
        await connection.close()
        assert not faults, "\n".join(faults)
        await check_nothing_stored(server)


POST = b"POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n" % TOKEN.encode()

NOT_HTTP = {
    "a TLS hello": bytes.fromhex("16030100f1010000ed0303") + bytes(range(200)),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"hello, is anybody there?\r\n\r\n",
    "NULs": bytes(100),
    "a version that is none": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
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
                        check(await connection.answer(), 400, "bad_http")
                        assert await connection.ended(), "the connection was left open"
                except (AssertionError, OSError, EOFError, TimeoutError) as fault:
                    faults.append(f"{name}: {fault!r}")
            assert (await bystander.request("GET", "/healthz")).status == 200, name
        await check_nothing_stored(server)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
async def test_headers_without_end_are_cut_off(tmp_path: Path) -> None:
    """A request whose head never ends is refused while it is small, whether it is one long target, one long header or very
    many, so that nobody can fill the memory."""
    endless = {
        "a target": (b"GET /v1/videos/", b"v" * 65_536),
        "a header": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nName: ", b"v" * 65_536),
        "headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"Name: value\r\n" * 5_000),
        "a query": (b"GET /healthz?", b"a=b&" * 16_384),
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
    """A poster whose connection ends inside the body, by its length or inside a chunk, has posted nothing, and the server goes
    on."""
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
                    check(answer, 405, "method_not_allowed")
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
            check(await connection.request("GET", target), 404, "no_such_page")
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
                    events = []
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
