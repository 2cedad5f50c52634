"""A stream where the network lets one through, else long poll. What both promise stands in `hubbub.client.watching`.

A proxy that holds a stream back (to scan it, or to send it on whole) lets its head through, or nothing, and never the
events. So a stream that brings none for a while, though `welcome` is sent at once, is given up for polls: for a minute,
then for two, and so on up to an hour, since networks change. Where polls don't get through either, the server is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from hubbub.client.backoff import Backoff
from hubbub.client.polling import Ask, PollWatcher
from hubbub.client.watching import Connect, OnState, WatchEvent

FIRST_POLLING = 60.0
"""Seconds of polling after which the stream is tried again; doubled each time that it is held back."""

LONGEST_POLLING = 3_600.0


class ChoosingWatcher(PollWatcher):
    """A watcher who streams with ``connect``, or polls with ``ask`` while streams are held back.

    ``patience``: seconds for which it waits for a stream's first event.
    """

    def __init__(
        self,
        connect: Connect,
        ask: Ask,
        *,
        patience: float,
        backoff: Backoff,
        last_event_id: str | None = None,
        on_state: OnState | None = None,
    ) -> None:
        super().__init__(ask, backoff=backoff, last_event_id=last_event_id, on_state=on_state)
        self._stream = connect
        self._patience = patience
        self._polling = 0.0
        self._poll_until = 0.0

    async def _connection(self) -> AsyncGenerator[WatchEvent, None]:
        while True:
            if self._enough():
                async with aclosing(self._by_stream()) as events:
                    async for event in events:
                        yield event
                if self._enough():  # it was not held back, and has ended
                    return
                self._tell("connecting", "streams are held back, so by polls")
            async with aclosing(super()._connection()) as events:
                try:
                    async for event in events:
                        yield event
                finally:
                    if not self._answered:
                        self._poll_until = 0.0

    def _enough(self) -> bool:
        return asyncio.get_running_loop().time() >= self._poll_until

    async def _by_stream(self) -> AsyncGenerator[WatchEvent, None]:
        """What a stream brings; nothing when it is held back, and then polls are due."""
        async with aclosing(self._streamed(self._stream)) as events:
            try:
                async with asyncio.timeout(self._patience):
                    first = await anext(events, None)
            except TimeoutError:
                self._polling = min(self._polling * 2 or FIRST_POLLING, LONGEST_POLLING)
                self._poll_until = asyncio.get_running_loop().time() + self._polling
                return
            self._polling = 0.0
            if first is not None:
                yield first
            async for event in events:
                yield event
