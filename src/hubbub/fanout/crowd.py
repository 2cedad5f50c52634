"""The level viewers of one format when all stand at one place: then the place is kept once, for all of them.

With nobody coming, going or falling behind, a tick reads and writes no viewer's state at all, only sockets. That is
worth a twentieth of what a frame costs, nearly all of which is the system call. The first who moves disbands the crowd:
everybody's cursor is their own again, until the next sweep finds them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from socket import SocketType
from typing import NamedTuple

from hubbub.fanout.viewer import Format, Viewer

SLICE = 250
"""Writes between two turns of the event loop: about a millisecond of sending."""


class Slice(NamedTuple):
    """At most `SLICE` viewers, and their sockets in the same order; none for a format that is not sent by sockets."""

    viewers: list[Viewer]
    sockets: list[SocketType]


class Crowd:
    """``place`` is the ring sequence where all stand, None when they do not stand together."""

    __slots__ = ("_moved", "_moved_to", "_slices", "place")

    def __init__(self, format: Format, viewers: Iterable[Viewer]) -> None:
        everybody = list(viewers)
        parts = [everybody[first : first + SLICE] for first in range(0, len(everybody), SLICE)]
        # Cut once: to slice the lists anew for each tick would touch every viewer's memory.
        self._slices = [Slice(part, [viewer.socket for viewer in part] if format.chunked else []) for part in parts]
        places = {viewer.cursor for viewer in everybody}
        self.place = places.pop() if len(places) == 1 else None
        self._moved: list[Slice] = []
        self._moved_to = 0

    def slices(self, rotation: int) -> list[Slice]:
        """Everybody, from another slice on for each ``rotation``."""
        pivot = rotation % len(self._slices) if self._slices else 0
        return self._slices[pivot:] + self._slices[:pivot]

    def stands_at(self, place: int, then: int) -> bool:
        """Whether all stand at ``place``, but for those who have moved on to ``then``."""
        return self.place == place and (not self._moved or self._moved_to == then)

    def move(self, some: Slice, place: int) -> None:
        """Those of one slice go to ``place``. With the last slice, that is where all stand."""
        self._moved.append(some)
        self._moved_to = place
        if len(self._moved) == len(self._slices):
            self.place = place
            self._moved.clear()

    def disband(self) -> None:
        """Give everybody their own cursor back."""
        if self.place is None:
            return
        for viewers, _ in self._slices:
            for viewer in viewers:
                viewer.cursor = self.place
        for viewers, _ in self._moved:
            for viewer in viewers:
                viewer.cursor = self._moved_to
