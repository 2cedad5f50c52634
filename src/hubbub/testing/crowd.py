"""Posters and viewers that carry on through a server's death, as careful clients do, and remember what they were told.

Both treat a refused or broken connection as a reason to try again in a moment: at the next of their addresses, where
they have several.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any

from hubbub.testing.raw import Connection, Stream, comments_in

_MOMENT = 0.02
"""Seconds before another try."""

_PATIENCE = 10.0
"""Seconds without an answer to a post before it is tried elsewhere."""


class Poster:
    """Posts one comment after another, each under one idempotency key until it is answered ``201``.

    ``accepted`` maps each text to the id it was answered with. ``unanswered`` counts requests that were sent and got no
    answer; ``replayed`` counts answers that said an earlier attempt had been kept after all. ``refused`` counts the
    reasons given with ``503``; ``pause`` is the seconds between two posts; ``longest`` is the seconds that the slowest
    comment took from its first try to its ``201``, ``longest_refusal`` those of the slowest ``503``.
    """

    def __init__(self, url: str | Sequence[str], video_id: str, name: str, token: str, *, pause: float = 0.0) -> None:
        self.accepted: dict[str, str] = {}
        self.unanswered = 0
        self.replayed = 0
        self.refused: Counter[str] = Counter()
        self.longest = 0.0
        self.longest_refusal = 0.0
        self._urls = _round(url)
        self._target = f"/v1/videos/{video_id}/comments"
        self._name = name
        self._token = token
        self._pause = pause
        self._connection: Connection | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Post until ``stop`` is set; the comment under way is finished first."""
        number = 0
        try:
            while not stop.is_set():
                await self.post(f"{self._name} {number}")
                number += 1
                if self._pause:
                    await asyncio.sleep(self._pause)
        finally:
            await self.hang_up()

    async def post(self, text: str) -> None:
        """One comment, until it is accepted. Any other answer than ``201``, or a ``503`` that says why and when to come
        back, is an `AssertionError`.
        """
        body = json.dumps({"text": text}).encode()
        began = time.monotonic()
        while True:
            try:
                if self._connection is None:
                    self._connection = await Connection.open(next(self._urls))
            except OSError:
                await asyncio.sleep(_MOMENT)
                continue
            asked = time.monotonic()
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await self._connection.request(
                        "POST", self._target, token=self._token, headers=[("Idempotency-Key", text)], body=body
                    )
            except (OSError, EOFError):  # a TimeoutError is an OSError
                self.unanswered += 1
                await self.hang_up()
                await asyncio.sleep(_MOMENT)
                continue
            if answer.status == 201:
                break
            assert answer.status == 503, answer
            assert answer.header("content-type") == "application/problem+json", answer
            assert int(answer.header("retry-after") or 0) >= 1, answer
            self.refused[answer.json()["detail"]] += 1
            self.longest_refusal = max(self.longest_refusal, time.monotonic() - asked)
            await asyncio.sleep(_MOMENT)
        self.longest = max(self.longest, time.monotonic() - began)
        self.replayed += answer.header("idempotency-replayed") == "true"
        self.accepted[text] = answer.json()["id"]

    async def hang_up(self) -> None:
        """Close the connection; the next post opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class Follower:
    """Watches a video and resumes with ``Last-Event-ID`` whenever the stream breaks off.

    ``seen`` is the ids of the comments it got, in order, repeats included, and ``retracted`` those that it was told to
    take away; ``names`` counts every event's name;
    ``longest_wait`` is the longest time in seconds between two events.

    ``shard`` is told to proxies. ``patient``: it comes back after the time that the stream's ``retry:`` says, as
    browsers do, and not at once.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        video_id: str,
        *,
        batch: bool,
        shard: int | None = None,
        patient: bool = False,
    ) -> None:
        self.seen: list[str] = []
        self.retracted: set[str] = set()
        self.names: dict[str, int] = {}
        self.last_id: str | None = None
        self.longest_wait = 0.0
        self._urls = _round(url)
        self._video_id = video_id
        query = ["batch=1"] * batch + ([] if shard is None else [f"shard={shard}"])
        self._query = "&".join(query)
        self._patient = patient
        self._stream: Stream | None = None

    @property
    def connections(self) -> int:
        """How often it was let in."""
        return self.names.get("welcome", 0)

    async def run(self) -> None:
        """Watch until cancelled."""
        heard = time.monotonic()
        while True:
            pause = 0.0
            with contextlib.suppress(OSError, EOFError):
                url = next(self._urls)
                async with Stream.open(url, self._video_id, self._query, last_event_id=self.last_id) as stream:
                    assert stream.status == 200, stream.status
                    self._stream = stream
                    async for event in stream:
                        self.longest_wait = max(self.longest_wait, time.monotonic() - heard)
                        heard = time.monotonic()
                        self.names[event.name] = self.names.get(event.name, 0) + 1
                        self.seen += [comment["id"] for comment in comments_in([event])]
                        if event.name in ("comment_deleted", "comment_hidden"):
                            self.retracted.add(event.json()["id"])
                        self.last_id = event.id or self.last_id
                    if self._patient:
                        pause = (stream.decoder.retry_ms or 0) / 1_000
            await asyncio.sleep(max(pause, _MOMENT))

    def move_on(self) -> None:
        """Break the stream off, so as to resume at the next of its addresses."""
        if self._stream is not None:
            self._stream.break_off()


def _round(url: str | Sequence[str]) -> Iterator[str]:
    return cycle([url] if isinstance(url, str) else url)


@contextlib.asynccontextmanager
async def running(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run coroutines as tasks within the block; its end cancels them and raises an error that one died of."""
    tasks = [asyncio.get_running_loop().create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


async def eventually(condition: Callable[[], bool], tasks: Iterable[asyncio.Task[None]] = ()) -> None:
    """Wait until ``condition`` holds; bound it with `asyncio.timeout`. A task that died ends it with its error."""
    tasks = list(tasks)
    while not condition():
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.01)


async def whole_history(url: str, video_id: str) -> list[dict[str, Any]]:
    """Every comment of a video, oldest first, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    async with await Connection.open(url) as connection:
        while True:
            target = f"/v1/videos/{video_id}/comments?sort=asc&limit=200{cursor}"
            answer = await connection.request("GET", target)
            assert answer.status == 200, answer
            page = answer.json()
            found += page["comments"]
            if not page["has_more"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"
