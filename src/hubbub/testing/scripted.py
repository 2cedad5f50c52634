"""A server that says exactly what a test tells it to, byte for byte: cuts, drips, garbage, silence.

For tests of clients. Each connection carries one request, plays the next script, and is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self


class Step(enum.Enum):
    """What a script can do besides sending bytes."""

    HOLD = enum.auto()
    """Say nothing until the client closes."""
    RESET = enum.auto()
    """Drop the connection with a TCP reset."""


Script = Sequence[bytes | Step]
"""Bytes are sent as they are, each piece in a segment of its own; after the last step the connection is closed."""

_VIDEO = re.compile(r"/v1/videos/[^/?]+")

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"
"""The head of an event stream whose end is the connection's."""


def answer(status: int, body: bytes = b"", *, kind: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP answer; in header names ``_`` stands for ``-``."""
    lines = [
        f"HTTP/1.1 {status} Scripted",
        f"content-length: {len(body)}",
        f"content-type: {kind}",
        "connection: close",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Received:
    """A request as it came in; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Plays ``scripts``, one a connection, and the last one again for every connection after.

    A client asks about the video before it watches; that is answered beside the scripts, with ``video``, and None is a
    404. ``asked`` counts it. ``requests`` is what came in besides; ``released`` is set once a client has closed a
    connection that a script holds.
    """

    def __init__(self, *scripts: Script, video: bytes | None = None) -> None:
        self._scripts = list(scripts)
        self._video = answer(404, b"{}") if video is None else answer(200, video)
        self.asked = 0
        self._server: asyncio.Server | None = None
        self._playing: set[asyncio.Task[None]] = set()
        self.requests: list[Received] = []
        self.released = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._playing.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                request = await _read_request(reader)
                if request.method == "GET" and _VIDEO.fullmatch(request.target):
                    self.asked += 1
                    await self._play([self._video], reader, writer)
                    return
                self.requests.append(request)
                await self._play(self._scripts[min(len(self.requests), len(self._scripts)) - 1], reader, writer)
        finally:
            writer.close()
            self._playing.discard(task)

    async def _play(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in script:
            if step is Step.HOLD:
                await reader.read()
                self.released.set()
            elif step is Step.RESET:
                writer.transport.abort()
            elif isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                await asyncio.sleep(0)  # lets the reader on this loop see the pieces one by one


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)
