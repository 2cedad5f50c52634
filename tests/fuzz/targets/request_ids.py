"""``X-Request-ID``: given back as it was sent if it is harmless, else one of ours."""

from __future__ import annotations

import re

from starlette.types import Message, Receive, Scope, Send
from tests.fuzz.oracles import done, fields

from hubbub.http.edge import Edge

SEEDS = [b"abc-1", b"a\0b", b"a" * 64, b"a" * 65, b"a\r\nx: y", b"\xff", b""]


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _nothing() -> Message:
    raise AssertionError("not asked for")


_edge = Edge(_app, access_log=False)


def check(data: bytes) -> None:
    """Each field is a value of the header."""
    values = fields(data)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    scope["headers"] = [(b"x-request-id", value) for value in values]
    done(_edge(scope, _nothing, send))
    ((name, value),) = sent[0]["headers"]
    assert name == b"x-request-id"
    if re.fullmatch(rb"[A-Za-z0-9._-]{1,64}", values[0]):
        assert value == values[0]
    else:
        assert re.fullmatch(rb"[0-9a-f]{16}", value)
