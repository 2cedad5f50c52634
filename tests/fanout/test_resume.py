"""The resume ladder: wherever a viewer was cut off, whatever happened since, it ends with the right picture."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fanout.conftest import QUICK, Stage, Watcher, until

from hubbub.brokers.local import LocalBroker
from hubbub.fanout import opening
from hubbub.fanout.channel import Bounds
from hubbub.model import Comment, Kind, Status
from hubbub.stores.sqlite import SqliteStore

ADMITTED = {
    Status.VISIBLE: (Kind.DELETED, Kind.HIDDEN, Kind.PINNED, Kind.UNPINNED),
    Status.HIDDEN: (Kind.DELETED, Kind.RESTORED),
    Status.DELETED: (),
}


class Act(NamedTuple):
    """A comment (``target`` None), or a change to one of those said so far, both picked by number."""

    target: int | None
    choice: int


class World(NamedTuple):
    """What is different from one deployment and moment to the next."""

    ring_entries: int
    opening_tail: int
    restarted: bool
    while_away: int


ACTS = st.lists(
    st.builds(Act, st.one_of(st.none(), st.none(), st.integers(0, 30)), st.integers(0, 3)), min_size=1, max_size=40
)
WORLDS = st.builds(
    World, st.sampled_from([3, 10, 500]), st.sampled_from([1, 5, 1000]), st.booleans(), st.sampled_from([0, 1, 7, 30])
)


async def play(stage: Stage, acts: list[Act]) -> None:
    said: list[Comment] = []
    for target, choice in acts:
        if target is None or not said:
            said.append(await stage.say())
            continue
        comment = await stage.store.get("v", said[target % len(said)].id)
        assert comment is not None
        if kinds := ADMITTED[comment.status]:
            await stage.change(kinds[choice % len(kinds)], comment)
        if choice == 0:
            await asyncio.sleep(0.002)  # a tick


def picture_of(*parts: bytes) -> tuple[dict[str, str], list[str]]:
    """What a client shows after these streams, one after the other."""
    client = Watcher()
    client.received = b"".join(parts)
    return client.picture()


async def scenario(directory: Path, acts: list[Act], world: World, cut: float, batch: bool) -> None:
    def stage() -> Stage:
        bounds = Bounds(world.ring_entries, 1 << 20, 10_000)
        return Stage(directory / "hubbub.db", bounds, QUICK, SqliteStore, LocalBroker)

    first = stage()
    await first.open()
    watcher = await first.watch(batch=batch)
    await play(first, acts)
    await first.say("the end")
    await until(lambda: b'"the end"' in watcher.received)
    blocks = watcher.received.split(b"\n\n")[:-1]
    seen = b"\n\n".join(blocks[: 1 + int(cut * (len(blocks) - 1))]) + b"\n\n"
    before = Watcher()
    before.received = seen
    watcher.lost()

    second = first
    if world.restarted:
        await first.close()
        second = stage()
        await second.open()
    try:
        for _ in range(world.while_away):
            await second.say()
        returned = await second.watch(last_event_id=before.last_id(), batch=batch)
        await second.say("live again")
        await until(lambda: b'"live again"' in returned.received)
        visible = await second.store.newest("v", 200)
        pins = [comment.id for comment in await second.store.pins("v")]
        assert picture_of(seen, returned.received) == ({c.id: c.text for c in visible}, pins)
        names = [name for name, _, _ in returned.events()]
        if "reset" not in names and second.count("hubbub_joins_total", rung="store") == 0:
            had = {data["id"] for name, data, _ in before.events() if name == "comment"}
            comments = [data["id"] for name, data, _ in returned.events() if name == "comment"]
            assert len(comments) == len(set(comments) - had), "exactly once on the first two rungs"
    finally:
        await second.close()


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS, WORLDS, st.floats(0, 1), st.booleans())
def test_wherever_a_viewer_was_cut_off_it_ends_with_the_right_picture(
    acts: list[Act], world: World, cut: float, batch: bool
) -> None:
    """On every rung: small rings and large, short reads and long, after a restart or not, plain or batched."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "OPENING_TAIL", world.opening_tail)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(scenario(Path(directory), acts, world, cut, batch))
