"""Watching a video: one stream of events made of as many connections as it takes.

What a watcher may rely on
- Connections that are cut, refused for the moment or silent for too long are made anew, from the place where the
  last one ended; the server sends what was missed. Waits grow and are spread (`backoff`).
- Every comment comes once. The server repeats some where it can't tell exactly what a viewer has; they are dropped
  here by id.
- Where continuity can't be proven there is a ``reset`` event: forget what was shown and draw again from the newest
  comments, which follow. Ids known from before are forgotten too, so those comments do come again.
- It ends only by the watcher's own will, or with `ApiError` for what trying again can't mend (a bad token, an odd video
  id).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Literal, NamedTuple

import httpx
from httpx_sse import EventSource, ServerSentEvent

from hubbub.client.backoff import Backoff
from hubbub.client.errors import WORTH_REPEATING, ApiError, describe, error_from
from hubbub.client.reading import TooLong, blocks

log = logging.getLogger(__name__)

State = Literal["connecting", "live", "waiting"]
OnState = Callable[[State, str], None]
"""Called at each change of a connection's state, with a few words for people (empty where there is nothing to add)."""

Connect = Callable[[str | None], AbstractAsyncContextManager[httpx.Response]]
"""Opens the stream at a place (None: as a newcomer)."""

REMEMBERED = 5_000
"""Comment ids kept to know doubles by. The server repeats at most the newest 1,000; the oldest go first."""


_LONGEST_RETRY = 10**9
"""Milliseconds that are looked at of a ``retry:``; a float does not hold any number of digits."""


class WatchEvent(NamedTuple):
    """Something that happened on the video.

    ``name`` is the event's name in ``/docs`` (``comment``, ``comment_deleted``, ``reset`` …) and ``data`` its
    decoded JSON. ``id`` is the place to resume from for somebody who has handled everything up to this event: keep
    it, and give it to `watch` as ``last_event_id`` after a restart. None while there is no such place yet.
    """

    name: str
    data: Any
    id: str | None


class Watcher:
    """The state that outlives connections: the place reached, the ids known, the patience left."""

    def __init__(
        self, connect: Connect, *, backoff: Backoff, last_event_id: str | None = None, on_state: OnState | None = None
    ) -> None:
        self._connect = connect
        self._backoff = backoff
        self._place = last_event_id
        self._on_state = on_state
        self._known = _RecentIds(REMEMBERED)
        self._farewell = ""

    async def events(self) -> AsyncGenerator[WatchEvent, None]:
        """Every event, for as long as somebody asks. Raises `ApiError` (see above)."""
        while True:
            self._tell("connecting", "")
            asked: float | None = None
            failures = self._backoff.failures
            self._farewell = ""
            try:
                async with aclosing(self._connection()) as events:
                    async for event in events:
                        yield event
                reason = self._farewell or "the connection ended"
            except (Unreadable, TooLong) as error:
                reason = str(error)
                self._backoff.failures = failures  # a stream that turns out to be garbage was no success
            except ApiError as error:
                if error.status < 500 and error.status not in WORTH_REPEATING:
                    raise
                reason, asked = str(error), error.retry_after
            except httpx.RequestError as error:
                reason = describe(error)
            wait = self._backoff.next(asked)
            log.debug("watching again in %.2f s: %s", wait, reason)
            self._tell("waiting", f"{reason}; trying again in {wait:.1f} s")
            await asyncio.sleep(wait)

    def _tell(self, state: State, detail: str) -> None:
        if self._on_state is not None:
            self._on_state(state, detail)

    async def _connection(self) -> AsyncGenerator[WatchEvent, None]:
        """The events until something goes wrong or the server says goodbye."""
        async with aclosing(self._streamed(self._connect)) as events:
            async for event in events:
                yield event

    async def _streamed(self, connect: Connect) -> AsyncGenerator[WatchEvent, None]:
        async with connect(self._place) as response, aclosing(self._read(response)) as events:
            async for event in events:
                yield event

    async def _read(self, response: httpx.Response) -> AsyncGenerator[WatchEvent, None]:
        """The events of one connection; returns when it ends."""
        if not response.is_success:
            raise await error_from(response)
        kind = response.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "text/event-stream":
            raise Unreadable(f"the answer is not an event stream but {kind or 'of no type'}")
        async with aclosing(blocks(response)) as content, aclosing(_decoder(content).aiter_sse()) as stream:
            async for sse in stream:
                if sse.retry is not None:
                    self._backoff.begin_at(min(max(sse.retry, 0), _LONGEST_RETRY) / 1000)
                for event in self._take(sse):
                    yield event
                if self._farewell:
                    return

    def _take(self, sse: ServerSentEvent) -> Iterator[WatchEvent]:
        """What the watcher is given for one event of the stream."""
        reached = sse.id or self._place
        if not sse.data:  # no event at all: heartbeats look so to the decoder
            self._place = reached
            return
        yield from self._take_event(sse.event, _decoded(sse), reached)
        self._place = reached

    def _take_event(self, name: str, data: Any, reached: str | None) -> Iterator[WatchEvent]:
        match name:
            case "reconnect":  # sorry, not now: the server is full, or shutting down, or the token has run out
                reason = data.get("reason") if isinstance(data, dict) else None
                self._farewell = f"asked to come back later ({reason or 'no reason given'})"
            case "welcome":
                yield from self._welcome(data, reached)
            case "comment":
                yield from self._comments([data], reached)
            case "comment_batch":
                yield from self._comments(data, reached)
            case "reset":
                self._known.clear()
                yield WatchEvent("reset", data, reached)
            case _:
                yield WatchEvent(name, data, reached)

    def _welcome(self, data: Any, reached: str | None) -> Iterator[WatchEvent]:
        self._backoff.succeeded()
        self._tell("live", "")
        yield WatchEvent("welcome", data, reached)
        if self._known and self._place is None:
            # Cut before the server could name a place: whether anything was missed can't be told, so we say so.
            self._known.clear()
            pins = data.get("pins", []) if isinstance(data, dict) else []
            yield WatchEvent("reset", {"reason": "no_position", "pins": pins}, reached)

    def _comments(self, comments: Any, reached: str | None) -> Iterator[WatchEvent]:
        """One event a comment; only with the last of a batch has a watcher reached the batch's place."""
        if not isinstance(comments, list) or not all(map(is_comment, comments)):
            raise Unreadable("the stream carried something that is not a comment")
        fresh = [comment for comment in comments if self._known.add(comment["id"])]
        for comment in fresh[:-1]:
            yield WatchEvent("comment", comment, self._place)
        for comment in fresh[-1:]:
            yield WatchEvent("comment", comment, reached)


class Unreadable(Exception):
    """The connection carries something else than our events."""


def _decoder(content: AsyncGenerator[bytes, None]) -> EventSource:
    """httpx-sse's, fed with what has been bounded: it reads a response and holds what has no end yet."""
    # UTF-8 whatever the server's header says, and a byte order mark is passed over: WHATWG HTML, sections 9.2.2, 9.2.6.
    return EventSource(
        httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8-sig"}, content=content)
    )


def _decoded(sse: ServerSentEvent) -> Any:
    try:
        return json.loads(sse.data, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable(f"the stream carried a {sse.event or 'message'} event that is not JSON") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is Python's and not JSON")


def is_comment(value: Any) -> bool:
    """Whether ``value`` has what this client itself needs of a comment; the rest is between server and watcher."""
    return isinstance(value, dict) and isinstance(value.get("id"), str)


class _RecentIds:
    """The last ``limit`` ids; beyond it the oldest is forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._ids)

    def add(self, id: str) -> bool:
        """True when ``id`` is new."""
        if id in self._ids:
            return False
        self._ids[id] = None
        if len(self._ids) > self._limit:
            del self._ids[next(iter(self._ids))]
        return True

    def clear(self) -> None:
        """Forget all."""
        self._ids.clear()
