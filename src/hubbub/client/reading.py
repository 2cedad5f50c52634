"""What a server sends, read within bounds: whoever answers may be anybody, and must not fill the memory here."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

MAX_ANSWER = 16 * 1024**2
"""Bytes of an answer's body. A page of 200 comments takes about 1.5 million at most."""

MAX_EVENT = 4 * 1024**2
"""Bytes of one event of a stream, and so of a line in it. A batch of 100 comments takes less than a million."""

CODINGS = "gzip, deflate"
"""What is asked for as ``Accept-Encoding``: these grow a piece of the network's 64 KiB to 64 MiB at most; others, and
several on top of each other, know no such bound."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


async def pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The decoded body as it comes. Raises `httpx.RequestError`, also for a coding that was not asked for."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("gzip", "deflate", "identity", ""):
        raise httpx.DecodingError(f"the answer is encoded as {coding[:40]!r}, which was not asked for")
    async for piece in response.aiter_bytes():
        yield piece


async def body(response: httpx.Response, limit: int) -> bytes:
    """The decoded body, or its first bytes if it is longer than ``limit``: then there are more than ``limit`` of them.

    Raises `httpx.RequestError`.
    """
    found = bytearray()
    async with aclosing(pieces(response)) as parts:
        async for piece in parts:
            found += piece[: limit + 1 - len(found)]
            if len(found) > limit:
                break
    return bytes(found)


class TooLong(Exception):
    """An event of the stream is longer than `MAX_EVENT`."""


async def blocks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The lines of an event stream, from one blank line through the next, each ended by LF (WHATWG HTML, 9.2.5).

    What is cut off by the stream's end is left out, as no event may be made of it. Raises `TooLong`,
    `httpx.RequestError`.
    """
    block = bytearray()
    after_return = False

    def add(part: bytes, start: int, end: int) -> None:
        if len(block) + end - start >= MAX_EVENT:
            raise TooLong(f"the stream carried an event of more than {MAX_EVENT // 1024**2} MiB")
        block.extend(part[start:end])

    async with aclosing(pieces(response)) as parts:
        async for part in parts:
            start = 1 if after_return and part.startswith(b"\n") else 0  # CR LF, cut in two
            after_return = part.endswith(b"\r")
            for end in _LINE_END.finditer(part, start):
                add(part, start, end.start())
                start = end.end()
                blank = not block or block.endswith(b"\n")
                block.extend(b"\n")
                if blank:
                    yield bytes(block)
                    block.clear()
            add(part, start, len(part))
