"""What every `hubbub.presence.base.Presence` has to do, as tests.

    class TestMyPresence(SharedPresenceContract):
        @pytest.fixture
        async def join(self) -> AsyncIterator[Join]: ...

An adapter for one process only is held to `PresenceContract`, whose ``join`` is called once. The others let some real
seconds go by.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from hubbub.presence.base import FRESH, Presence

Join = Callable[[], Awaitable[Presence]]
"""Makes one more process's view of the same counts, opened; whoever gave it closes it."""

SLACK = 5.0
"""Seconds more than `FRESH` that a busy machine may take."""


async def becomes(presence: Presence, video_id: str, count: int) -> float:
    """Wait until so many watch; how long it took."""
    began = time.monotonic()
    seen = -1
    while time.monotonic() - began < FRESH + SLACK:
        if (seen := await presence.watching(video_id)) == count:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError(f"{seen} watch {video_id} after {FRESH + SLACK:g} s, not {count}")


class PresenceContract:
    """Subclass it, and give the fixture ``join``."""

    @pytest.fixture
    def join(self) -> Join:
        """How to become one more process."""
        raise NotImplementedError("give a fixture `join` in the subclass")

    async def test_knows_its_own_count_at_once(self, join: Join) -> None:
        """What was reported here is in the sum by the next question; 0 takes it back."""
        presence = await join()
        assert await presence.watching("v") == 0
        presence.report("v", 3)
        assert await presence.watching("v") == 3
        presence.report("v", 2)
        presence.report("w", 1)
        assert [await presence.watching(video_id) for video_id in ("v", "w", "x")] == [2, 1, 0]
        assert await presence.watching_each(["x", "v", "w", "v"]) == [0, 2, 1, 2]
        assert await presence.watching_each([]) == []
        presence.report("v", 0)
        presence.report("x", 0)
        assert [await presence.watching(video_id) for video_id in ("v", "w", "x")] == [0, 1, 0]
        assert presence.others("v") == presence.others("w") == 0

    async def test_closing_twice_is_fine(self, join: Join) -> None:
        """And nothing is left of it."""
        presence = await join()
        presence.report("v", 3)
        await presence.close()
        await presence.close()
        assert await presence.watching("v") == 0


class SharedPresenceContract(PresenceContract):
    """The same, for adapters between several processes."""

    async def test_sums_over_processes(self, join: Join) -> None:
        """Who watches, and who doesn't, sees the sum; each video by itself."""
        first, second, onlooker = await join(), await join(), await join()
        first.report("v", 3)
        second.report("v", 4)
        second.report("w", 1)
        for presence in (first, second, onlooker):
            assert await becomes(presence, "v", 7) < FRESH + SLACK
            await becomes(presence, "w", 1)
        while (first.others("v"), second.others("v"), second.others("w")) != (4, 3, 0):
            await asyncio.sleep(0.05)

    async def test_follows_changes(self, join: Join) -> None:
        """A count that rises, falls and ends is followed by the others."""
        first, second = await join(), await join()
        second.report("v", 1)
        for count in (1, 5, 2, 0):
            first.report("v", count)
            await becomes(second, "v", count + 1)

    async def test_a_process_that_leaves_takes_its_viewers_along(self, join: Join) -> None:
        """Its last counts are in no sum any more."""
        first, second = await join(), await join()
        first.report("v", 3)
        second.report("v", 4)
        await becomes(second, "v", 7)
        await first.close()
        await becomes(second, "v", 4)

    async def test_video_ids_that_look_alike_are_apart(self, join: Join) -> None:
        """Also where they have what an engine may take for something of its own."""
        first, onlooker = await join(), await join()
        names = ["a", "A", "a.b", "a-b", "a_b", "0", "-1", "." * 128]
        for number, name in enumerate(names, 1):
            first.report(name, number)
        await becomes(onlooker, names[-1], len(names))
        assert [await onlooker.watching(name) for name in names] == list(range(1, len(names) + 1))
        assert await onlooker.watching_each(names) == list(range(1, len(names) + 1))

    async def test_many_videos_are_told_at_once(self, join: Join) -> None:
        """Thousands that are opened in one moment are in the others' sums like one."""
        first, second = await join(), await join()
        for number in range(3_000):
            first.report(f"v{number}", 1)
        second.report("v2999", 1)
        await becomes(second, "v2999", 2)
        assert await second.watching("v0") == 1
        assert await second.watching_each([f"v{number}" for number in range(2_500, 3_001)]) == [1] * 499 + [2, 0]
