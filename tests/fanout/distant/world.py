"""Gateways and API processes around a broker that can fail, under a clock that the test moves."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path

import pytest
from tests.comments.distant_broker import DistantBroker, Logs
from tests.fanout.conftest import Watcher

from hubbub.comments import publishing
from hubbub.comments.publishing import Publisher
from hubbub.errors import HubbubError, StoreUnavailable
from hubbub.fanout import channel, far, greeting, lookout, opening, resume
from hubbub.fanout.channel import Bounds
from hubbub.fanout.far import FarIntake
from hubbub.fanout.hub import Hub, Timing
from hubbub.ids import IdSource
from hubbub.metrics import Metrics
from hubbub.model import Change, Comment, Event, Kind, Status, User
from hubbub.presence.local import LocalPresence
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.clock import FakeClock
from hubbub.wire.events import change_event, comment_event

SKEW_MS = 10_000


class Away(SqliteStore):
    """The real store, which can be away for readers. ``polls`` counts what is asked in place of a log."""

    away = False
    polls = 0

    async def changes_since(self, video_id: str, since: int, limit: int) -> list[Event]:
        self.polls += 1
        if self.away:
            raise StoreUnavailable("The store is away.")
        return await super().changes_since(video_id, since, limit)


class Gateway:
    """A hub with its own connection to the logs. Its lookout looks when the test says so."""

    def __init__(self, store: Away, logs: Logs, *, ring_entries: int = 2000) -> None:
        self.broker = DistantBroker(logs)
        self._store = store
        self.metrics = Metrics()
        self.hub = Hub(
            self.broker,
            store,
            bounds=Bounds(ring_entries, 1 << 22, SKEW_MS),
            timing=Timing(tick_min=0.001, tick_max=0.01, retry_min=1, retry_max=1),
            metrics=self.metrics,
            presence=LocalPresence(),
            max_viewers=1000,
        )
        assert self.hub.lookout is not None
        self.lookout = self.hub.lookout

    async def watch(self, last_event_id: str | None = None, *, video_id: str = "v", backlog: int = 200) -> Watcher:
        """A viewer who comes in."""
        watcher = Watcher(backlog=backlog)
        await self.hub.admit(watcher, video_id, last_event_id=last_event_id)
        return watcher

    async def settle(self) -> None:
        """Until nothing is being fetched, unless what it takes is away; and all that gathered was sent."""
        async with asyncio.timeout(20):
            while not all(self._is_settled(one) for one in self.hub._channels.values()):
                await asyncio.sleep(0.001)

    def _is_settled(self, one: channel.Channel) -> bool:
        assert isinstance(one.intake, FarIntake)
        is_level = one.intake.head is not None or self.broker.trouble is not None or self._store.away
        return is_level and one not in self.hub._ticker._scheduled and one.framed == one.ring.next

    def count(self, metric: str, **labels: str) -> float:
        """The present value of a metric."""
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


class World:
    """A store, logs, an API process ``api`` (publisher and connection), and gateways."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.store = Away(path, readers=1)
        self.logs = Logs()
        self.api = DistantBroker(self.logs)
        self.publisher = Publisher(self.api, self.store, Metrics())
        self.ids = IdSource(clock.ms)
        self.gateways: list[Gateway] = []
        self.said: list[Comment] = []
        self._numbers = itertools.count(1)

    async def open(self) -> None:
        await self.store.open()
        self.api.on_reachable(self.publisher._told)  # which starting it would do, with sweeps at their own times

    async def close(self) -> None:
        for gateway in self.gateways:
            await gateway.hub.close()
        await self.store.close()

    async def gateway(self, *, ring_entries: int = 2000) -> Gateway:
        """Another gateway."""
        gateway = Gateway(self.store, self.logs, ring_entries=ring_entries)
        gateway.hub._ticker.start()
        self.gateways.append(gateway)
        return gateway

    async def keep(self, text: str | None = None, video_id: str = "v") -> tuple[Comment, int | None]:
        """Store a comment; and then this process dies, if nothing else is done."""
        comment_id, at = self.ids.next()
        text = text or str(next(self._numbers))
        comment = Comment(video_id, comment_id, User("ada", "Ada"), text, at, None, Status.VISIBLE)
        due = self.publisher.due()
        await self.store.append(comment, due=due)
        self.said.append(comment)
        return comment, due

    async def say(self, text: str | None = None, video_id: str = "v") -> Comment:
        """Post a comment."""
        comment, due = await self.keep(text, video_id)
        await self.publisher.publish(comment_event(comment), None, due=due)
        return comment

    async def change(self, kind: Kind, comment: Comment) -> None:
        """Delete, hide, restore, pin or unpin one."""
        change_id, at = self.ids.next()
        change = Change(change_id, comment.video_id, kind, comment.id, at, "mod")
        due = self.publisher.due()
        applied = await self.store.apply(change, due=due)
        if applied.changed:
            await self.publisher.publish(change_event(change, applied.comment), None, due=due)

    async def look(self) -> None:
        """Every gateway looks once, and the sweeper sweeps."""
        with suppress(HubbubError):
            await self.publisher.sweep()
        for gateway in self.gateways:
            await gateway.lookout.look()
            await gateway.settle()

    async def let_pass(self, seconds: float) -> None:
        """Time passes, in which everybody looks as often as they do: once a second, at least every three."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            await self.look()

    async def heal(self) -> None:
        """Nothing is wrong any more, and everybody has had the time to notice."""
        self.store.away = False
        for broker in [self.api, *(gateway.broker for gateway in self.gateways)]:
            broker.deaf.clear()
            broker.come_back()
        await self.let_pass(8)
        assert await self.store.count_unpublished() == 0

    async def picture(self, video_id: str = "v") -> tuple[dict[str, str], list[str]]:
        """What every viewer should show by now."""
        shown = {comment.id: comment.text for comment in await self.store.newest(video_id, 10_000)}
        return shown, [pin.id for pin in await self.store.pins(video_id)]


def take_time(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    """Have everything that such a world is made of go by ``clock``, and wait for nothing."""
    for module in (channel, far, greeting, opening, resume, publishing):
        monkeypatch.setattr(module, "now_ms", clock.ms)
    monkeypatch.setattr(far, "RETRY", 0.002)
    monkeypatch.setattr(far, "GRACE", 0.0)
    monkeypatch.setattr(lookout, "GRACE", 0.0)
    monkeypatch.setattr(lookout, "POLL_EVERY", 0.0)
    monkeypatch.setattr(resume, "_AHEAD", 0.01)
