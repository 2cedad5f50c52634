"""Watching by long poll, for networks that hold streams back. What it promises stands in `hubbub.client.watching`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import httpx

from hubbub.client.backoff import Backoff
from hubbub.client.errors import error_from
from hubbub.client.reading import MAX_ANSWER, body
from hubbub.client.watching import OnState, Unreadable, Watcher, WatchEvent

_BREATH = 1.0
"""Seconds between two polls that the server answers empty at once: it would not have us ask without end."""


_MOST = 500
"""Events that are asked for at once."""

Ask = Callable[[str | None, int], AbstractAsyncContextManager[httpx.Response]]
"""Makes one poll at a place, for so many events."""


class PollWatcher(Watcher):
    """A watcher who polls with ``ask``. Where answers don't come through whole, it asks for fewer events at a time."""

    def __init__(
        self, ask: Ask, *, backoff: Backoff, last_event_id: str | None = None, on_state: OnState | None = None
    ) -> None:
        super().__init__(self._poll, backoff=backoff, last_event_id=last_event_id, on_state=on_state)
        self._ask = ask
        self._limit = _MOST
        self._answered = False  # since this connection began

    def _enough(self) -> bool:
        """Whether to stop polling for now."""
        return False

    def _poll(self, place: str | None) -> AbstractAsyncContextManager[httpx.Response]:
        return self._ask(place, self._limit)

    async def _connection(self) -> AsyncGenerator[WatchEvent, None]:
        loop = asyncio.get_running_loop()
        self._answered = False
        while not self._enough():
            asked = loop.time()
            try:
                async with self._connect(self._place) as response:
                    if not response.is_success:
                        raise await error_from(response)
                    answer = await body(response, MAX_ANSWER)
            except httpx.RequestError:
                self._limit = max(self._limit // 4, 1)
                raise
            self._limit = min(self._limit * 2, _MOST)
            events, position = _read(answer)
            if not self._answered:
                self._answered = True
                self._backoff.succeeded()
                self._tell("live", "")
            for event in self._take_answer(events, position):
                yield event
            if not events and loop.time() - asked < _BREATH:
                await asyncio.sleep(_BREATH)

    def _take_answer(self, events: list[tuple[str, str | None, object]], position: str) -> Iterator[WatchEvent]:
        """One answer's events; who has handled the last one stands at ``position``."""
        for number, (name, id, data) in enumerate(events, 1):
            reached = position if number == len(events) else id or self._place
            yield from self._take_event(name, data, reached)
            self._place = reached
        self._place = position


def _read(answer: bytes) -> tuple[list[tuple[str, str | None, object]], str]:
    """Name, id and data of each event, and the position. Raises `Unreadable`."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        raise Unreadable("the poll's answer is not JSON") from None
    match found:
        case {"events": [*events], "position": str(position)}:
            return [_event(event) for event in events], position
        case _:
            raise Unreadable("the poll's answer is none of Hubbub's")


def _event(event: object) -> tuple[str, str | None, object]:
    match event:
        case {"event": str(name), "id": str() | None as id, "data": data}:
            return name, id, data
        case _:
            raise Unreadable("the poll's answer carried something that is not an event")
