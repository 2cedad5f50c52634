"""Load for soak tests: comments at a steady pace, viewers of every speed, and what the system knows of a process."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from hubbub.testing.raw import Connection, request_bytes
from hubbub.testing.server import token

VIDEO = "v"
LENGTH = 200
"""Characters of a comment."""

END = 9_999_999
"""The number of the last comment."""

NUMBER = re.compile(rb'"text":"(\d{7}) (x*)"')
_STATUS = re.compile(r"^(VmRSS|VmHWM|Threads):\s+(\d+)", re.MULTILINE)


def text_of(number: int) -> str:
    """A comment that says which it is, and is seen to be whole."""
    return f"{number:07} ".ljust(LENGTH, "x")


def numbers_in(data: bytes) -> list[int]:
    """The numbers of the comments in whole frames. Raises `AssertionError` for a torn one."""
    found = NUMBER.findall(data)
    assert len(found) == data.count(b'"text":"'), "a comment is torn"
    assert all(len(rest) == LENGTH - 8 for _, rest in found), "a comment is torn"
    return [int(number) for number, _ in found]


class Posting:
    """Comments 0, 1, 2 … at a steady pace. ``sent`` has the moment (monotonic) each was given to the network,
    ``seconds`` how long its answer took.
    """

    def __init__(self, url: str, rate: float) -> None:
        self.sent: dict[int, float] = {}
        self.seconds: list[float] = []
        self._url = url
        self._rate = rate
        self._next = 0

    async def run(self, seconds: float) -> None:
        """Post for so long; late ones are made up for, never left out."""
        began = time.monotonic()
        first = self._next
        last = first + round(seconds * self._rate)
        posters = [self._post(first, last, began) for _ in range(8)]
        async with asyncio.TaskGroup() as group:
            for poster in posters:
                group.create_task(poster)

    async def end(self) -> None:
        """The last comment."""
        async with await Connection.open(self._url) as connection:
            await self._one(connection, END)

    async def _post(self, first: int, last: int, began: float) -> None:
        async with await Connection.open(self._url) as connection:
            while self._next < last:
                number, self._next = self._next, self._next + 1
                await asyncio.sleep(began + (number - first) / self._rate - time.monotonic())
                await self._one(connection, number)

    async def _one(self, connection: Connection, number: int) -> None:
        self.sent[number] = asked = time.monotonic()
        body = b'{"text":"%b"}' % text_of(number).encode()
        answer = await connection.request("POST", f"/v1/videos/{VIDEO}/comments", token=_TOKEN, body=body)
        assert answer.status == 201, answer
        self.seconds.append(time.monotonic() - asked)


_TOKEN = token("poster", lifetime=86_400)


def stream_request(query: str = "backlog=0", *, video: str = VIDEO, last_event_id: str = "") -> bytes:
    """What a viewer sends."""
    resume = [("Last-Event-ID", last_event_id)] if last_event_id else []
    return request_bytes("GET", f"/v1/videos/{video}/comments/stream?{query}", headers=resume)


class Live(asyncio.Protocol):
    """A viewer that reads as fast as it can. ``seen`` is the comments' numbers in order, ``delays`` the seconds from
    post to here.
    """

    def __init__(self, posting: Posting | None = None) -> None:
        self.seen: list[int] = []
        self.delays: list[float] = []
        self.welcomed = False
        self.closed = False
        self.resets = 0
        self._posting = posting
        self._rest = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(stream_request())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        self.welcomed = self.welcomed or b"event: welcome" in whole
        self.resets += whole.count(b"event: reset")
        for number in numbers_in(whole):
            self.seen.append(number)
            if self._posting is not None:
                self.delays.append(now - self._posting.sent[number])

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def close(self) -> None:
        """Go."""
        self._transport.abort()


async def live_viewers(url: str, count: int, posting: Posting | None = None) -> list[Live]:
    """So many, let in."""
    host, port = address_of(url)
    loop = asyncio.get_running_loop()
    viewers = [(await loop.create_connection(lambda: Live(posting), host, port))[1] for _ in range(count)]
    while not all(viewer.welcomed for viewer in viewers):
        await asyncio.sleep(0.01)
    return viewers


@contextmanager
def sockets(url: str, count: int, request: bytes, *, buffer: int) -> Iterator[list[socket.socket]]:
    """Connections that have asked for something and are read by nobody; ``buffer`` bounds what their side takes."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            one = socket.socket()
            opened.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)  # before connecting: it bounds the window
            one.connect(address_of(url))
            one.sendall(request)
            one.setblocking(False)
        yield opened
    finally:
        for one in opened:
            one.close()


def address_of(url: str) -> tuple[str, int]:
    """Host and port."""
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


async def metrics(url: str) -> dict[str, float]:
    """Every sample of ``/metrics``."""
    async with await Connection.open(url) as connection:
        answer = await connection.request("GET", "/metrics")
    lines = (line.rpartition(" ") for line in answer.body.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def process_status(pid: int) -> dict[str, int]:
    """``VmRSS`` and ``VmHWM`` (the most it ever was) in bytes, ``Threads``, ``files``: open ones, and those of
    them that are ``sockets`` (proc(5)).
    """
    found = dict(_STATUS.findall(Path(f"/proc/{pid}/status").read_text()))
    status = {name: int(value) * (1 if name == "Threads" else 1024) for name, value in found.items()}
    files = list(map(_target, Path(f"/proc/{pid}/fd").iterdir()))
    return status | {"files": len(files), "sockets": sum(file.startswith("socket:") for file in files)}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def send_queues(url: str) -> list[int]:
    """Bytes in the kernel's send queue of each of a server's connections (``tx_queue`` in proc_pid_net(5))."""
    port = f":{address_of(url)[1]:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return [int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(port) and row[3] != "0A"]


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
