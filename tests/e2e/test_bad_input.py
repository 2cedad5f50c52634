"""Bad ids, queries, tokens and headers: each refused with the reason, on a connection that goes on, nothing stored."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest

from hubbub.testing.refusals import HISTORY, Case, faults_of
from hubbub.testing.server import SECRET, running_server, token

STREAM = HISTORY + "/stream"
A_COMMENT = HISTORY + "/01890a5d-ac96-774b-bcce-b302099a8057"
GOOD_BODY = b'{"text":"x"}'
TOKEN = token("ada", lifetime=86_400)
MODERATOR = token("mod", ("read", "post", "moderate"), lifetime=86_400)


def get(name: str, target: str, code: str, status: int = 400) -> Case:
    """A request for a page or a stream."""
    return Case(name, status, code, "GET", target)


def post(
    name: str, status: int, code: str, *headers: tuple[str, str], query: str = "", bearer: str | None = TOKEN
) -> Case:
    """A post whose body is good."""
    return Case(name, status, code, "POST", HISTORY + query, headers, GOOD_BODY, bearer)


BAD_VIDEO_IDS = {
    "129 characters": "v" * 129,
    "10,000 characters": "v" * 10_000,
    "NUL": "a%00b",
    "a line feed": "a%0Ab",
    "a space": "a%20b",
    "a snowman": "%E2%98%83",
    "no UTF-8": "%ff",
    "a percent sign": "50%25",
    "half an escape": "a%4",
    "a plus sign": "a+b",
    "a colon": "a:b",
    "a full-width letter": "%EF%BD%81",
    "a quote": "a%22b",
    "a backslash": "a%5Cb",
}
BAD_COMMENT_IDS = {
    "a word": "x",
    "a UUIDv4": "0f0e8b1c-2a5b-4c1d-8f3e-1a2b3c4d5e6f",
    "too long": "0" * 37,
    "NUL": "%00",
}
ON_A_COMMENT = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/hide"),
    ("POST", "/restore"),
    ("PUT", "/pin"),
    ("DELETE", "/pin"),
]

VIDEO = HISTORY.removesuffix("/comments")
ON_A_VIDEO = [
    ("GET", ""),
    ("PUT", ""),
    ("POST", "/start"),
    ("POST", "/end"),
    ("GET", "/replay"),
    ("GET", "/comments/poll"),
]

IDS = [
    *(
        Case(
            f"{method} {path} of a video id with {name}",
            400,
            "bad_video_id",
            method,
            target + path,
            (),
            b"{}",
            MODERATOR,
        )
        for name, video_id in BAD_VIDEO_IDS.items()
        for method, path in ON_A_VIDEO
        for target in (f"/v1/videos/{video_id}",)
    ),
    *(
        Case(f"a video id with {name}", 400, "bad_video_id", method, target, (), GOOD_BODY, TOKEN)
        for name, video_id in BAD_VIDEO_IDS.items()
        for method, target in [
            ("POST", f"/v1/videos/{video_id}/comments"),
            ("GET", f"/v1/videos/{video_id}/comments"),
            ("GET", f"/v1/videos/{video_id}/comments/stream"),
        ]
    ),
    get("an empty video id", "/v1/videos//comments", "no_such_page", 404),
    get("a video id with a slash", "/v1/videos/a%2Fb/comments", "no_such_page", 404),
    *(
        Case(f"a comment id that is {name}", 400, "bad_comment_id", method, f"{HISTORY}/{id}{suffix}", bearer=MODERATOR)
        for name, id in BAD_COMMENT_IDS.items()
        for method, suffix in ON_A_COMMENT
    ),
]

BAD_LIMITS = ["0", "201", "-1", "abc", "1.5", "1e2", "", "%D9%A3", "+5", "%205", "9" * 20, "0x10", "null"]
BAD_CURSORS = {
    "empty": "",
    "of garbage": "garbage",
    "of 23 other characters": "a" * 23,
    "of another version": urlsafe_b64encode(b"\x02" + bytes(16)).decode().rstrip("="),
    "padded": urlsafe_b64encode(b"\x01" + bytes(16)).decode(),
    "with stray bits": "AQAAAAAAAAAAAAAAAAAAAAB",
    "of a comment's id": A_COMMENT[-36:],
    "not ASCII": "%E2%98%83" * 23,
    "of NULs": "%00" * 23,
    "of 5,000 characters": "A" * 5_000,
}
BAD_QUERIES = {
    "an unknown parameter": "colour=red",
    "capitals": "LIMIT=5",
    "brackets": "limit[]=5",
    "no UTF-8": "%ff=1",
    "a parameter without a name": "=5",
    "20,000 characters": "a=" + "b" * 20_000,
    "a thousand parameters": "&".join(f"p{n}=1" for n in range(1_000)),
}

QUERIES = [
    *(get(f"limit={value}", f"{HISTORY}?limit={value}", "bad_query") for value in BAD_LIMITS),
    *(get(f"sort={value}", f"{HISTORY}?sort={value}", "bad_query") for value in ("up", "DESC", "")),
    *(get(f"backlog={value}", f"{STREAM}?backlog={value}", "bad_query") for value in ("-1", "201", "all", "")),
    *(get(f"batch={value}", f"{STREAM}?batch={value}", "bad_query") for value in ("2", "true", "")),
    *(get(f"a cursor {name}", f"{HISTORY}?cursor={value}", "bad_cursor") for name, value in BAD_CURSORS.items()),
    *(
        Case(f"a query with {name}", 400, "bad_query", method, f"{target}?{query}", (), GOOD_BODY, MODERATOR)
        for name, query in BAD_QUERIES.items()
        for method, target in [("POST", HISTORY), ("GET", HISTORY), ("GET", STREAM)]
        + [(method, A_COMMENT + suffix) for method, suffix in ON_A_COMMENT]
    ),
    *(
        Case(
            f"a query on {method} {path or 'the video'}",
            400,
            "bad_query",
            method,
            VIDEO + path + "?x=1",
            (),
            b"{}",
            MODERATOR,
        )
        for method, path in ON_A_VIDEO
    ),
    get("limit twice", f"{HISTORY}?limit=5&limit=6", "bad_query"),
    get("backlog twice", f"{STREAM}?backlog=5&backlog=5", "bad_query"),
    get("the stream's parameter on history", f"{HISTORY}?backlog=5", "bad_query"),
    get("history's parameter on the stream", f"{STREAM}?limit=5", "bad_query"),
    get("a token in history's query", f"{HISTORY}?access_token={TOKEN}", "bad_query"),
    post("a token in a post's query", 400, "bad_query", query=f"?access_token={TOKEN}", bearer=None),
]


def jose(header: dict[str, Any], claims: Any, signature: str = "") -> str:
    """A token put together by hand."""
    parts = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join([*parts, signature])


def signed(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    """A token with a good signature, whatever it says."""
    return jwt.encode(claims, secret, algorithm="HS256", headers=header)


def signed_bytes(payload: bytes) -> str:
    """A token with a good signature over anything."""
    return jwt.PyJWS(algorithms=["HS256"]).encode(payload, SECRET, algorithm="HS256")


GOOD = {"sub": "eve", "scope": "read post moderate", "exp": 4_000_000_000}
SIGNATURE = TOKEN.rpartition(".")[2]

BAD_TOKENS = {
    "bad_signature": {
        "forged": signed(GOOD, "another secret of more than 32 bytes, too"),
        "changed after it was signed": jose({"alg": "HS256"}, GOOD, SIGNATURE),
        "without its signature": jose({"alg": "HS256"}, GOOD),
    },
    "bad_token": {
        "alg=none": jose({"alg": "none", "typ": "JWT"}, GOOD),
        "alg=None": jose({"alg": "None"}, GOOD),
        "alg=none with a signature of ours": jose({"alg": "none"}, GOOD, SIGNATURE),
        "of another HMAC": jwt.encode(GOOD, SECRET + SECRET, algorithm="HS512"),
        "of an algorithm that there are no keys for": jose({"alg": "RS256", "kid": "1"}, GOOD, SIGNATURE),
        "whose alg is a number": jose({"alg": 5}, GOOD, SIGNATURE),
        "with a critical extension": signed(GOOD, crit=["exp"]),
        "of a list": signed_bytes(b"[]"),
        "of no JSON": signed_bytes(b"{"),
        "of one part": "abc",
        "of three empty parts": "..",
        "of 9,000 characters": "a" * 9_000,
        "of other characters": "\xe9",
        "with a space": "a b",
        "that is empty": "",
    },
    "token_expired": {
        "expired long ago": signed(GOOD | {"exp": 1_000_000_000}),
        "expired a moment ago": signed(GOOD | {"exp": int(time.time()) - 1}),
    },
    "token_not_yet_valid": {
        "not valid yet": signed(GOOD | {"nbf": 3_900_000_000}),
        "from the future": signed(GOOD | {"iat": 3_900_000_000}),
    },
    "bad_claims": {
        "without an end": signed({"sub": "eve", "scope": "post"}),
        "without a subject": signed({"exp": 4_000_000_000, "scope": "post"}),
        "whose end is a word": signed_bytes(b'{"sub":"eve","scope":"post","exp":"never"}'),
        "whose scope is an object": signed(GOOD | {"scope": {"post": 1}}),
        "whose name has a control character": signed(GOOD | {"name": "e\x85ve"}),
    },
}
EXPIRED = BAD_TOKENS["token_expired"]["expired long ago"]

TOKENS = [
    *(
        Case(f"a token {name}", 401, code, method, target, (), GOOD_BODY, bearer)
        for code, bearers in BAD_TOKENS.items()
        for name, bearer in bearers.items()
        for method, target in [("POST", HISTORY), ("GET", HISTORY), ("GET", STREAM), ("DELETE", A_COMMENT)]
    ),
    get("an expired token in the stream's query", f"{STREAM}?access_token={EXPIRED}", "token_expired", 401),
    get("garbage as the stream's token", f"{STREAM}?access_token=garbage", "bad_token", 401),
    get("no UTF-8 as the stream's token", f"{STREAM}?access_token=%ff", "bad_query"),
    post("no token", 401, "no_token", bearer=None),
    post("another scheme", 401, "wrong_scheme", ("Authorization", "Basic YTpi"), bearer=None),
    post("no scheme", 401, "wrong_scheme", ("Authorization", TOKEN), bearer=None),
    post("no scope to post", 403, "missing_scope", bearer=token("ada", ("read",))),
    post("another video's token", 403, "video_not_allowed", bearer=token("ada", videos=["w"])),
]

BAD_KEYS = {"empty": "", "of 129 characters": "k" * 129, "not ASCII": "\xe9", "with a tab": "a\tb", "half quoted": '"a'}

HEADERS = [
    post("Authorization twice", 400, "doubled_header", ("authorization", f"Bearer {TOKEN}")),
    post("two tokens in one header", 401, "bad_token", ("Authorization", f"Bearer {TOKEN}, Bearer x"), bearer=None),
    post("two idempotency keys", 400, "doubled_header", ("Idempotency-Key", "a"), ("idempotency-key", "b")),
    *(
        post(f"an idempotency key {name}", 400, "bad_idempotency_key", ("Idempotency-Key", key))
        for name, key in BAD_KEYS.items()
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("cases", [IDS, QUERIES, TOKENS, HEADERS], ids=["ids", "queries", "tokens", "headers"])
async def test_each_bad_request_is_refused_with_its_reason_and_the_connection_goes_on(
    cases: list[Case], tmp_path: Path
) -> None:
    """A request whose ids, query, token or headers are wrong gets a problem document that says so; the same connection
    then serves a good request, and nothing is stored."""
    async with asyncio.timeout(60), running_server(tmp_path) as server:
        faults = await faults_of(server.url, cases)
        assert not faults, "\n".join(faults)
        for user in ("ada", "eve", "mod"):
            assert await server.services.store.by_user(user, after=None, limit=10) == []
