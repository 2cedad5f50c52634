"""A client that hides nothing, for tests that send what no library would send or must see every byte.

`Connection` is HTTP/1.1 (RFC 9112) on a socket: it sends any bytes and reads answers one by one, so that a test can
tell whether a connection is still good after a bad request. `Stream` reads server-sent events (WHATWG HTML, section
9.2.6) and tells an end from a cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """A whole HTTP answer; header names are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header (lower-case name)."""
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        """The decoded body. Raises `ValueError`."""
        return json.loads(self.body)


class Event(NamedTuple):
    """A server-sent event; ``id`` is the last event id once it is dispatched, "" before there is any."""

    name: str
    data: str
    id: str

    def json(self) -> Any:
        """The decoded data. Raises `ValueError`."""
        return json.loads(self.data)


def request_bytes(
    method: str, target: str, *, host: str = "localhost", headers: Headers = (), body: bytes | None = None
) -> bytes:
    """A request as it goes over the wire, with ``Host`` and, where there is a body, ``Content-Length``."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class Connection:
    """One connection, used for one request after another. An async context manager; leaving it closes the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self.reader = reader
        self.writer = writer
        self.host = host

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the host and port of ``url``. Raises `OSError`."""
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**24)
        return cls(reader, writer, address.netloc)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket. Idempotent."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Send any bytes. Raises `OSError` when the other end has gone."""
        self.writer.write(data)
        await self.writer.drain()

    async def request(
        self,
        method: str,
        target: str,
        *,
        token: str | None = None,
        headers: Headers = (),
        body: bytes | None = None,
    ) -> Answer:
        """Send a request and read its answer. Raises `OSError`, `EOFError`."""
        all_headers = [*headers] if token is None else [("Authorization", f"Bearer {token}"), *headers]
        await self.send(request_bytes(method, target, host=self.host, headers=all_headers, body=body))
        return await self.answer(head=method == "HEAD")

    async def answer(self, *, head: bool = False) -> Answer:
        """The next answer; ``head``: to a HEAD request, so without a body. Raises `EOFError` if there is none."""
        status, headers = await self.answer_head()
        body = b"" if head or status in (204, 304) else await self._body(dict(headers))
        return Answer(status, headers, body)

    async def answer_head(self) -> tuple[int, list[tuple[str, str]]]:
        """The next answer's status and headers; its body is left unread. Raises `EOFError`."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        version, _, rest = status_line.partition(" ")
        assert version == "HTTP/1.1", head
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return int(rest[:3]), headers

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
            return body
        return await self.reader.readexactly(int(headers["content-length"]))

    async def ended(self) -> bool:
        """Wait for the next byte or the end; True when the server closed (or reset) without another byte."""
        try:
            return not await self.reader.read(1)
        except OSError:
            return True


class EventDecoder:
    """Bytes of an event stream in, events out; ``last_id`` is where a client would resume. A cut event is none."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_ms: int | None = None
        self.comments = 0
        self._rest = b""
        self._name = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = (self._line(line.removesuffix(b"\r").decode()) for line in lines)
        return [event for event in found if event is not None]

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "":
                self.comments += 1
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
            case "retry":
                self.retry_ms = int(value)
            case _:
                raise AssertionError(f"an unknown field in the stream: {line!r}")
        return None

    def _dispatch(self) -> Event | None:
        self.last_id = self._id
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return Event(name, "\n".join(data), self.last_id) if data else None


class Stream:
    """One connection to a video's stream, read event by event.

    ``raw`` is every byte of the body so far, without chunk framing. ``ended`` is True once the server has ended the
    body properly; a connection that breaks off leaves it False.
    """

    def __init__(self, connection: Connection, status: int, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.headers = dict(headers)
        self.raw = bytearray()
        self.ended = False
        self.decoder = EventDecoder()
        self._connection = connection
        self._waiting: list[Event] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        url: str,
        video_id: str,
        query: str = "",
        *,
        last_event_id: str | None = None,
        token: str | None = None,
    ) -> AsyncIterator[Self]:
        """Connect and ask; ``query`` such as ``batch=1``. Any status is fine here. Raises `OSError`, `EOFError`."""
        headers = [("Accept", "text/event-stream")]
        if last_event_id is not None:
            headers.append(("Last-Event-ID", last_event_id))
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        target = f"/v1/videos/{video_id}/comments/stream" + (f"?{query}" if query else "")
        async with await Connection.open(url) as connection:
            await connection.send(request_bytes("GET", target, host=connection.host, headers=headers))
            yield cls(connection, *await connection.answer_head())

    @property
    def last_id(self) -> str | None:
        """Where to resume, None before anything came that says so."""
        return self.decoder.last_id or None

    async def next(self) -> Event | None:
        """The next event; None at the end, be it proper or a cut."""
        while not self._waiting:
            part = await self._part()
            if not part:
                return None
            self.raw += part
            self._waiting = self.decoder.feed(part)
        return self._waiting.pop(0)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Every event until the end."""
        while (event := await self.next()) is not None:
            yield event

    def break_off(self) -> None:
        """End the connection by a reset; whoever reads finds the end."""
        self._connection.writer.transport.abort()

    async def until(self, name: str) -> list[Event]:
        """The events up to and with the first one called ``name``. Raises `EOFError` when the stream ends before it."""
        seen: list[Event] = []
        async for event in self:
            seen.append(event)
            if event.name == name:
                return seen
        raise EOFError(f"the stream ended without {name}: {[event.name for event in seen]}")

    async def _part(self) -> bytes:
        """The next chunk of the body, or all of one that comes whole, as a proxy's own; b"" at the end."""
        if self.ended:
            return b""
        reader = self._connection.reader
        try:
            if (length := self.headers.get("content-length")) is not None:
                data = await reader.readexactly(int(length))
                self.ended = True
                return data
            size = int(await reader.readuntil(b"\r\n"), 16)
            data = (await reader.readexactly(size + 2))[:-2]
        except (OSError, EOFError):
            return b""
        if not size:
            self.ended = True
        return data


def comments_in(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The comments that events bring, one by one: of ``comment`` and ``comment_batch``."""
    found: list[dict[str, Any]] = []
    for event in events:
        if event.name == "comment":
            found.append(event.json())
        elif event.name == "comment_batch":
            found.extend(event.json())
    return found
