"""What the tests of the Redis broker have in common: a broker on a server, and events to publish."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from hubbub.brokers.redis import RedisBroker
from hubbub.errors import BrokerUnavailable
from hubbub.ids import IdSource
from hubbub.model import Change, Comment, Event, Kind, Position, Status, User
from hubbub.wire.events import change_event, comment_event

_ids = IdSource()


def comment(video_id: str = "v", text: str = "hi") -> Comment:
    """A new comment."""
    id, at = _ids.next()
    return Comment(video_id, id, User("u", "U"), text, at, None, Status.VISIBLE)


def said(video_id: str = "v", text: str = "hi") -> Event:
    """A new comment's event."""
    return comment_event(comment(video_id, text))


def changed(what: Comment, kind: Kind) -> Event:
    """The event of a change to a comment."""
    id, at = _ids.next()
    return change_event(Change(id, what.video_id, kind, what.id, at, "mod"), what)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[RedisBroker]:
    """An opened broker."""
    broker = RedisBroker.from_url(url, **options)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


async def until(condition: Callable[[], bool], within: float = 30) -> float:
    """Wait for something to become so; how many seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def published(broker: RedisBroker, event: Event, within: float = 30) -> Position:
    """Publish as the sweeper does, again and again until it is confirmed."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await broker.publish(event)
            except BrokerUnavailable:
                await asyncio.sleep(0.05)


class Cable:
    """A TCP way to ``port`` that can be pulled: then nothing passes, and nobody is told."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    def pull(self) -> None:
        """Let nothing pass any more."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything pass again, what was held back first."""
        self._whole.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(reader, forth))
                both.create_task(self._copy(back, writer))
        finally:
            forth.close()
            writer.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self._whole.wait()
                target.write(data)
                await target.drain()
        target.close()
