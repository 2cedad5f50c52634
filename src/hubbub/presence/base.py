"""The port to presence: how many watch a video, summed over every process that has viewers.

`hubbub.testing.presence_contract` holds an adapter to every sentence here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

FRESH = 5.0
"""Seconds after which, at the latest, others know a count, and forget that of a process that is gone."""


class Presence(Protocol):
    """Counts of viewers.

    Guarantees
    - What `report` was told last is in every process's sum within `FRESH` seconds, and what a process reported that has
      died is in nobody's after that.
    - A count is for people to look at: no method raises or keeps its caller waiting for an engine that is away; then
      the sum is what this process knows, its own count at least.
    - What a process carries grows with the videos that it reports or was asked for lately, not with all there are.

    The caller owes a `report` at each change, the last one of 0.
    """

    async def open(self) -> None:
        """Begin. Raises `ConfigError` for settings that can't work."""

    async def close(self) -> None:
        """Take this process's counts back, and end. Idempotent."""

    def report(self, video_id: str, count: int) -> None:
        """So many watch here now. Never waits: it may be called for each viewer of a crowd."""

    def others(self, video_id: str) -> int:
        """How many watch in other processes, as last heard, of a video with a count of ours; 0 until that is known."""

    async def watching(self, video_id: str) -> int:
        """How many watch in all."""

    async def watching_each(self, video_ids: Sequence[str]) -> list[int]:
        """The same of several videos, at the price of about one."""
