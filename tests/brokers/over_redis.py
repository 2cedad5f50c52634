"""What the tests of the Redis broker have in common: a broker on a server, and events to publish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

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
