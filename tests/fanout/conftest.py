"""A channel over the real store and broker, and watchers that can be held up."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hubbub.brokers.local import LocalBroker
from hubbub.fanout.channel import Bounds
from hubbub.fanout.hub import Hub, Timing
from hubbub.fanout.viewer import Format, Viewer
from hubbub.ids import IdSource
from hubbub.metrics import Metrics
from hubbub.model import Change, Comment, Kind, Status, User
from hubbub.presence.local import LocalPresence
from hubbub.stores.sqlite import SqliteStore
from hubbub.wire.events import change_event, comment_event


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


class Watcher(Viewer):
    """A viewer whose client keeps everything it is sent. ``blocked``: its client takes nothing at the moment."""

    def __init__(self, *, batch: bool = False, backlog: int = 200) -> None:
        super().__init__(Format(batch=batch, chunked=False), backlog)
        self.received = b""
        self.waiting = b""
        self.blocked = False
        self.ended = False
        self.aborted = False

    def write(self, data: bytes) -> None:
        if self.blocked:
            self.waiting += data
            self.paused()
        else:
            self.received += data

    def unblock(self) -> None:
        self.blocked = False
        self.received += self.waiting
        self.waiting = b""
        if not self.level:
            self.resumed()

    def unsent(self) -> int:
        return len(self.waiting)

    def end(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.aborted = True

    def events(self) -> list[tuple[str, Any, str | None]]:
        """What its client saw: (event, data, id), batches taken apart."""
        seen: list[tuple[str, Any, str | None]] = []
        for block in self.received.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if line != ":")
            if not fields:
                continue
            name, data, id = fields["event"], json.loads(fields["data"]), fields.get("id")
            if name == "comment_batch":
                seen += [("comment", one, None) for one in data[:-1]] + [("comment", data[-1], id)]
            else:
                seen.append((name, data, id))
        return seen

    def texts(self) -> list[str]:
        """The texts of the comments it saw, in order."""
        return [data["text"] for name, data, _ in self.events() if name == "comment"]

    def last_id(self) -> str | None:
        """What it would resume from."""
        return next((id for _, _, id in reversed(self.events()) if id), None)

    def picture(self) -> tuple[dict[str, str], list[str]]:
        """What a client that follows the protocol shows: text by comment id, and the pins."""
        shown: dict[str, str] = {}
        pins: dict[str, None] = {}
        for name, data, _ in self.events():
            match name:
                case "welcome":
                    pins = {pin["id"]: None for pin in data["pins"]}
                case "reset":
                    shown.clear()
                    pins = {pin["id"]: None for pin in data["pins"]}
                case "comment" | "comment_restored":
                    shown[data["id"]] = data["text"]
                case "comment_deleted" | "comment_hidden":
                    shown.pop(data["id"], None)
                    pins.pop(data["id"], None)
                case "comment_pinned":
                    pins.pop(data["id"], None)
                    pins[data["id"]] = None
                case "comment_unpinned":
                    pins.pop(data["id"], None)
        return dict(sorted(shown.items())), list(pins)


class Stage:
    """A hub over a database, and an author who comments and moderates there."""

    def __init__(
        self, path: Path, bounds: Bounds, timing: Timing, store: type[SqliteStore], broker: type[LocalBroker]
    ) -> None:
        self.store = store(path)
        self.broker = broker(self.store, lock_path=None)
        self.metrics = Metrics()
        self.presence = LocalPresence()
        self.hub = Hub(
            self.broker,
            self.store,
            bounds=bounds,
            timing=timing,
            metrics=self.metrics,
            presence=self.presence,
            max_viewers=1000,
            idle_videos=3,
        )
        self.ids = IdSource()
        self._numbers = itertools.count(1)

    async def open(self) -> None:
        await self.broker.open()
        await self.store.open()
        self.hub.start()

    async def close(self) -> None:
        await self.hub.close()
        await self.broker.close()
        await self.store.close()

    async def keep(self, text: str | None = None, video_id: str = "v") -> Comment:
        """Store a comment without publishing it."""
        comment_id, at = self.ids.next()
        text = text if text is not None else str(next(self._numbers))
        comment = Comment(video_id, comment_id, User("ada", "Ada"), text, at, None, Status.VISIBLE)
        self.kept = await self.store.append(comment)
        return comment

    async def say(self, text: str | None = None, video_id: str = "v") -> Comment:
        """Post a comment."""
        comment = await self.keep(text, video_id)
        await self.broker.publish(comment_event(comment), self.kept.position)
        return comment

    async def change(self, kind: Kind, comment: Comment) -> None:
        """Delete, hide, restore, pin or unpin one."""
        change_id, at = self.ids.next()
        change = Change(change_id, comment.video_id, kind, comment.id, at, "mod")
        applied = await self.store.apply(change)
        if applied.changed:
            await self.broker.publish(change_event(change, applied.comment), applied.position)

    async def watch(
        self, *, last_event_id: str | None = None, video_id: str = "v", batch: bool = False, backlog: int = 200
    ) -> Watcher:
        """A viewer who comes in."""
        watcher = Watcher(batch=batch, backlog=backlog)
        await self.hub.admit(watcher, video_id, last_event_id=last_event_id)
        return watcher

    def count(self, metric: str, **labels: str) -> float:
        """The present value of a metric."""
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


NewStage = Callable[..., Awaitable[Stage]]
QUICK = Timing(tick_min=0.001, tick_max=0.05, heartbeat=15.0, stall_timeout=30.0, linger=30.0)


@pytest.fixture
async def new_stage(tmp_path: Path) -> AsyncIterator[NewStage]:
    """Makes stages over one database file; each is closed at the end."""
    stages: list[Stage] = []

    async def make(
        *,
        ring_entries: int = 2000,
        ring_bytes: int = 1 << 22,
        timing: Timing = QUICK,
        store: type[SqliteStore] = SqliteStore,
        broker: type[LocalBroker] = LocalBroker,
    ) -> Stage:
        stage = Stage(tmp_path / "hubbub.db", Bounds(ring_entries, ring_bytes, 10_000), timing, store, broker)
        await stage.open()
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        await stage.close()


@pytest.fixture
async def stage(new_stage: NewStage) -> Stage:
    """A stage with ordinary bounds and quick ticks."""
    return await new_stage()
