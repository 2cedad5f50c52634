"""Who waits for a video to go on, in a request of their own."""

from __future__ import annotations

import asyncio


class Poller:
    """Somebody who waits at ``cursor`` for the channel to go on."""

    __slots__ = ("_woken", "cursor", "leaving")

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.leaving = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._woken.set()

    def leave(self) -> None:
        """Wait no longer."""
        self.leaving = True
        self._woken.set()

    async def wait(self, until: float) -> None:
        """Return when woken, or at the loop's time ``until``."""
        try:
            async with asyncio.timeout_at(until):
                await self._woken.wait()
        except TimeoutError:
            self.leaving = True
        self._woken.clear()
