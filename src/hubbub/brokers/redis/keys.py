"""Names in Redis. What belongs together stands in one hash slot: what stands in braces decides which."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32


class Bounds(NamedTuple):
    """Of a video's history: entries, and milliseconds."""

    entries: int = 1_000
    age_ms: int = 3_600_000


class Keys(NamedTuple):
    """``prefix`` tells deployments on one Redis apart. ``channels`` None: a channel for each video; else so many for
    all together, and logs stand beside their channel, since a script may push only where it runs.

    Neither a prefix nor a video id has braces in it, so nobody can choose a slot.
    """

    prefix: str
    channels: int | None

    def log(self, video_id: str) -> bytes:
        """The key of a video's log."""
        return f"{self.prefix}:{{{self._tag(video_id)}}}:log:{video_id}".encode()

    def channel(self, video_id: str) -> bytes:
        """The sharded channel on which a video's entries are pushed."""
        return f"{self.prefix}:{{{self._tag(video_id)}}}:live".encode()

    def _tag(self, video_id: str) -> str:
        return video_id if self.channels is None else str(crc32(video_id.encode()) % self.channels)
