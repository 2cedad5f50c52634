"""What a server streams to the Python client: the same events however it is cut, and those of the standard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
from tests.fuzz.oracles import close_loop, run

from hubbub.client.backoff import Backoff
from hubbub.client.reading import TooLong
from hubbub.client.watching import Unreadable, Watcher, WatchEvent

SEEDS = [
    b'\x05event: welcome\nretry: 1000\ndata: {}\n\nevent: comment\nid: e.1.0\ndata: {"id": "a"}\n\n',
    b'\x01:\n\nevent: comment_batch\r\nid: e.2.0\r\ndata: [{"id": "a"}, {"id": "b"}]\r\n\r\n',
    b"\x03data: {\rdata: }\r\rdata\n\nid\n\nevent: x\ndata:  1\n\n",
    b'\x02event: reset\ndata: {"reason": "too_slow", "pins": []}\n\ndata: cut',
    b"\x00\xef\xbb\xbfdata: 1\n\nid: a\0b\ndata: 2\n\nretry: 12x\ndata: 3\n\n",
    b'\x09event: reconnect\ndata: {"reason": "full"}\n\ndata: 1\n\n',
]
DICTIONARY = [
    b"data: ",
    b"event: ",
    b"id: ",
    b"retry: ",
    b"comment_batch",
    b"reconnect",
    b"\r\n",
    b"\n\n",
    b'{"id":"a"}',
]


def check(data: bytes) -> None:
    """The first byte is the size of the pieces that the rest comes in."""
    size, stream = (data[0] if data else 0) + 1, data[1:]
    whole = run(_read([stream]))
    cut = run(_read([stream[at : at + size] for at in range(0, len(stream), size)]))
    assert whole == cut
    events, fault = whole
    if fault is None:
        expected = [name for name, _ in _dispatched(stream)]
        farewell = expected.index("reconnect") if "reconnect" in expected else len(expected)
        others = [name for name in expected[:farewell] if name not in ("comment", "comment_batch")]
        extra = [event.name for event in events if event.name != "comment" and not _made_up(event)]
        assert extra == others, (extra, others)


@contextmanager
def ready() -> Iterator[None]:
    """An event loop for all inputs."""
    try:
        yield
    finally:
        close_loop()


async def _read(pieces: list[bytes]) -> tuple[list[WatchEvent], str | None]:
    """The events of one connection, and how it failed."""

    async def content() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    def never(place: str | None) -> object:
        raise AssertionError("it connects by itself")

    watcher = Watcher(never, backoff=Backoff(1, 30))  # type: ignore[arg-type]
    events: list[WatchEvent] = []
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content())
    try:
        async for event in watcher._read(response):
            events.append(event)  # noqa: PERF401 - what came before a fault counts
    except (Unreadable, TooLong) as fault:
        return events, str(fault)
    return events, None


def _made_up(event: WatchEvent) -> bool:
    return event.name == "reset" and isinstance(event.data, dict) and event.data.get("reason") == "no_position"


def _dispatched(stream: bytes) -> list[tuple[str, str]]:
    """Names and data as WHATWG HTML, section 9.2.6 has them; events without data are none."""
    found: list[tuple[str, str]] = []
    name = ""
    data: list[str] = []
    for line in re.split(r"\r\n|\r|\n", stream.decode("utf-8", "replace").removeprefix("\ufeff"))[:-1]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if any(data):
                found.append((name or "message", "\n".join(data)))
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return found
