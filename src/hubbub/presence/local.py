"""Counts of the one process there is."""

from __future__ import annotations

from collections.abc import Sequence


class LocalPresence:
    """`hubbub.presence.base.Presence` for one process: what is reported is the sum."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        self._counts.clear()

    def report(self, video_id: str, count: int) -> None:
        if count:
            self._counts[video_id] = count
        else:
            self._counts.pop(video_id, None)

    def others(self, video_id: str) -> int:
        return 0

    async def watching(self, video_id: str) -> int:
        return self._counts.get(video_id, 0)

    async def watching_each(self, video_ids: Sequence[str]) -> list[int]:
        return [self._counts.get(video_id, 0) for video_id in video_ids]
