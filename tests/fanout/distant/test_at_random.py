"""Whatever happens to the broker, in whatever order: every viewer ends with what was accepted, and nothing twice."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.fanout.conftest import Watcher
from tests.fanout.distant.world import Gateway, World, take_time

from hubbub.errors import HubbubError
from hubbub.fanout.seams import LATE_MS
from hubbub.model import Comment, Kind, Status
from hubbub.testing.clock import FakeClock

OPERATIONS = {
    "say": 8,
    "die before publishing": 1,
    "retract": 2,
    "restore": 1,
    "pin": 1,
    "lose pushes": 2,
    "take pushes": 2,
    "gateway cut off": 2,
    "gateway back": 2,
    "api cut off": 2,
    "api back": 2,
    "all back": 1,
    "new epoch": 2,
    "store away": 1,
    "store back": 1,
    "sweep": 3,
    "look": 2,
    "time": 3,
    "gateway replaced": 1,
    "join": 2,
    "return": 3,
}
"""What may happen, and how often beside the others."""


class Step(NamedTuple):
    """An operation, and a number that picks whom it meets."""

    name: str
    pick: int


STEPS = st.lists(
    st.builds(
        Step, st.sampled_from([name for name, weight in OPERATIONS.items() for _ in range(weight)]), st.integers(0, 11)
    ),
    min_size=15,
    max_size=60,
)


class Seat(NamedTuple):
    """A viewer, the gateway where it watches, and whether it may be given something twice: it has returned, or came
    where there was no log, and what it was shown may get into the log later.
    """

    watcher: Watcher
    gateway: Gateway
    doubles: bool


class Play:
    """Carries steps out, and tells what viewers saw."""

    def __init__(self, world: World, ring_entries: int) -> None:
        self.world = world
        self._ring_entries = ring_entries
        self._api_left = world.clock.ms()
        self.seats: list[Seat] = []

    async def step(self, name: str, pick: int) -> None:
        world, gateway = self.world, self.world.gateways[pick % 2]
        match name:
            case "say":
                for _ in range(1 + pick % 3):
                    await world.say()
            case "die before publishing":
                await world.keep()
            case "retract" | "restore" | "pin" if world.said:
                await self._moderate(name, world.said[-1 - pick % len(world.said)], pick)
            case "lose pushes":
                gateway.broker.deaf.add("v")
            case "take pushes":
                gateway.broker.deaf.clear()
            case "gateway cut off":
                gateway.broker.leave()
            case "gateway back":
                gateway.broker.come_back()
            case "api cut off":
                if world.api.trouble is None:
                    self._api_left = world.clock.ms()
                world.api.leave()
            case "api back":
                world.api.come_back()
            case "all back":
                for broker in (world.api, *(one.broker for one in world.gateways)):
                    broker.come_back()
            case "new epoch":
                world.logs.lose_all()
            case "store away":
                world.store.away = True
            case "store back":
                world.store.away = False
            case "sweep":
                with suppress(HubbubError):
                    await world.publisher.sweep()
            case "look":
                await world.look()
            case "time":
                if world.clock.ms() - self._api_left > LATE_MS - 12_000:  # later than that is not promised
                    world.api.come_back()
                await world.let_pass((1, 2, 3, 12)[pick % 4])
            case "gateway replaced" if not world.store.away:
                await self._replace(gateway, cut_off=pick % 3 == 0)
            case "join" if not world.store.away:
                without_log = gateway.broker.trouble is not None
                self.seats.append(Seat(await gateway.watch(), gateway, without_log))
            case "return" if self.seats and not world.store.away:
                await self._return(self.seats[pick % len(self.seats)].watcher, gateway)
        # In a real world somebody looks at least every three seconds; so little happens between two looks.
        for one in world.gateways:
            await one.settle()

    async def _moderate(self, name: str, comment: Comment, pick: int) -> None:
        stands = await self.world.store.get("v", comment.id)
        assert stands is not None
        match name, stands.status:
            case "retract", Status.VISIBLE:
                await self.world.change((Kind.HIDDEN, Kind.DELETED)[pick % 2], comment)
            case "restore", Status.HIDDEN:
                await self.world.change(Kind.RESTORED, comment)
            case "pin", Status.VISIBLE:
                await self.world.change(Kind.UNPINNED if stands.pinned else Kind.PINNED, comment)

    async def _replace(self, old: Gateway, *, cut_off: bool) -> None:
        """Another process in a gateway's place; whoever was there goes on with what they had."""
        new = await self.world.gateway(ring_entries=self._ring_entries)
        self.world.gateways.remove(new)
        self.world.gateways[self.world.gateways.index(old)] = new
        if cut_off:
            new.broker.leave()
        await old.hub.close()
        for seat in [seat for seat in self.seats if seat.gateway is old]:
            if seat.watcher.last_id() is None:
                self.seats.remove(seat)
            await self._return(seat.watcher, new)

    async def _return(self, before: Watcher, gateway: Gateway) -> None:
        """Cut somebody off wherever it is, and let it go on with what it had."""
        if before.last_id() is None:
            return
        after = await gateway.watch(before.last_id())
        after.received = before.received + after.received
        before.lost()
        self.seats = [seat for seat in self.seats if seat.watcher is not before]
        self.seats.append(Seat(after, gateway, True))

    async def check(self) -> None:
        """Everybody shows what the store does; who has stayed with a log got nothing twice."""
        shown, pins = await self.world.picture()
        for number, (watcher, _, doubles) in enumerate(self.seats):
            names = [name for name, _, _ in watcher.events()]
            note(f"viewer {number}, {'may have doubles' if doubles else 'stayed'}: {names} {watcher.texts()}")
            assert watcher.picture()[0] == shown
            assert set(watcher.picture()[1]) == set(pins)
            if not doubles and "reset" not in names:
                ids = [data["id"] for name, data, _ in watcher.events() if name == "comment"]
                assert len(ids) == len(set(ids))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.sampled_from([8, 30, 2000]))
def test_every_viewer_ends_with_exactly_what_was_accepted(steps: list[Step], ring_entries: int) -> None:
    """Pushes lost, parts cut off, new logs, polls, retractions, returns: the picture is the store's, at the end."""

    note(", ".join(f"{name} {pick}" for name, pick in steps))

    async def play(path: Path) -> None:
        clock = FakeClock()
        with pytest.MonkeyPatch.context() as patching:
            take_time(patching, clock)
            world = World(path, clock)
            await world.open()
            try:
                for _ in range(2):
                    await world.gateway(ring_entries=ring_entries)
                play = Play(world, ring_entries)
                for gateway in world.gateways:
                    play.seats.append(Seat(await gateway.watch(), gateway, False))
                for step in steps:
                    await play.step(*step)
                await world.heal()
                await play.check()
            finally:
                await world.close()

    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(play(Path(folder) / "hubbub.db"))
