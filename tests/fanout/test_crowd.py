"""Viewers who stand together: who comes, goes or falls behind in mid-sweep takes nothing from the others."""

from __future__ import annotations

import random

import pytest
from tests.fanout.conftest import Stage, Watcher, until

from hubbub.fanout import crowd
from hubbub.fanout.crowd import Crowd
from hubbub.fanout.viewer import Format, Viewer

PLAIN = Format(batch=False, chunked=False)


def standing(*cursors: int) -> list[Viewer]:
    found: list[Viewer] = []
    for cursor in cursors:
        found.append(Watcher())
        found[-1].cursor = cursor
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 5, 249, 250, 251, 1000])
@pytest.mark.parametrize("rotation", [0, 1, 3, 999])
def test_slices_hold_everybody_once_and_begin_elsewhere(size: int, rotation: int) -> None:
    """Whatever the rotation, each viewer is in one slice, none is too large, and the first one moves on."""
    viewers = standing(*[7] * size)
    slices = Crowd(PLAIN, viewers).slices(rotation)
    assert sorted(id(viewer) for some in slices for viewer in some.viewers) == sorted(map(id, viewers))
    assert all(len(some.viewers) <= crowd.SLICE for some in slices)
    if size:
        assert slices[0].viewers[0] is viewers[rotation % len(slices) * crowd.SLICE]


def test_those_who_do_not_stand_together_have_no_place() -> None:
    """The place of all is known only where it is one."""
    assert Crowd(PLAIN, standing(3, 3)).place == 3
    assert Crowd(PLAIN, standing(3, 4)).place is None
    assert Crowd(PLAIN, []).place is None


def test_disbanding_in_the_midst_of_a_sweep_gives_each_the_cursor_it_has_come_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who was reached stands behind the frame, the others before it."""
    monkeypatch.setattr(crowd, "SLICE", 2)
    viewers = standing(*[3] * 6)
    found = Crowd(PLAIN, viewers)
    found.move(found.slices(1)[0], 9)
    assert found.stands_at(3, 9)
    assert not found.stands_at(3, 8)
    found.disband()
    assert [viewer.cursor for viewer in viewers] == [3, 3, 9, 9, 3, 3]


def test_after_the_last_slice_all_stand_at_the_new_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that nobody disturbed needs no viewer's own cursor."""
    monkeypatch.setattr(crowd, "SLICE", 4)
    found = Crowd(PLAIN, standing(*[3] * 6))
    for some in found.slices(1):
        found.move(some, 9)
    assert found.place == 9
    assert found.stands_at(9, 12)


async def test_coming_going_and_lagging_between_slices_cost_nobody_a_comment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred viewers in slices of seven, a third of whom leave, come or stop reading while a frame is under way: all
    who stay get every comment once and in order."""
    monkeypatch.setattr(crowd, "SLICE", 7)
    chance = random.Random(5)
    watchers = [await stage.watch(batch=number % 3 == 0, backlog=0) for number in range(100)]
    channel = stage.hub._channels["v"]
    await stage.hub._ticker.stop()  # sweeps are made by hand here
    said: list[str] = []
    came: dict[Watcher, int] = dict.fromkeys(watchers, 0)
    gone: set[Watcher] = set()
    for _ in range(60):
        for _ in range(chance.randrange(3)):
            said.append((await stage.say()).text)  # noqa: PERF401 # it awaits
        for _ in channel.sweep():
            stayed = [watcher for watcher in came if watcher not in gone]
            one = chance.choice(stayed)
            match chance.randrange(5):
                case 0 if len(stayed) > 40:
                    gone.add(one)
                    channel.leave(one)
                case 1:
                    one.blocked = True
                case 2 if one.blocked:
                    one.unblock()
                case 3:
                    newcomer = await stage.watch(batch=chance.random() < 0.5, backlog=0)
                    came[newcomer] = channel.greeting.position.offset
    for watcher in came:
        watcher.unblock()
    for _ in channel.sweep():
        pass
    assert len(said) > 30
    assert len(came) > 150
    for watcher, first in came.items():
        seen = watcher.texts()
        assert seen == said[first : first + len(seen)]
        assert watcher in gone or len(seen) == len(said) - first


async def test_who_was_together_is_found_together_again(stage: Stage) -> None:
    """After a lagging viewer has caught up, a sweep needs nobody's own cursor again."""
    watchers = [await stage.watch() for _ in range(5)]
    watchers[2].blocked = True
    for _ in range(3):
        await stage.say()
    await until(lambda: watchers[0].texts() == ["1", "2", "3"])
    watchers[2].unblock()
    await stage.say()
    await until(lambda: all(watcher.texts() == ["1", "2", "3", "4"] for watcher in watchers))
    channel = stage.hub._channels["v"]
    await until(lambda: not channel.dirty)
    assert [found.place for found in channel._crowds.values()] == [channel.framed]
