"""The level viewers of one format when all stand at one place: then the place is kept once, for all of them.

With nobody coming, going or falling behind, a tick reads and writes no viewer's state at all, only sockets. That is
worth a twentieth of what a frame costs, nearly all of which is the system call. The first who moves disbands the crowd:
everybody's cursor is their own again, until the next sweep finds them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hubbub.fanout.viewer import Format, Viewer

SLICE = 250
"""Writes between two turns of the event loop: about a millisecond of sending."""


class Crowd:
    """``place`` is the ring sequence where all stand, None when they do not stand together. ``sockets`` are theirs, in
    the same order; none for a format that is not written to sockets.
    """

    __slots__ = ("_moved", "_moved_to", "place", "sockets", "viewers")

    def __init__(self, format: Format, viewers: Iterable[Viewer]) -> None:
        self.viewers = list(viewers)
        self.sockets = [viewer.socket for viewer in self.viewers] if format.chunked else []
        places = {viewer.cursor for viewer in self.viewers}
        self.place = places.pop() if len(places) == 1 else None
        self._moved: list[tuple[int, int]] = []
        self._moved_to = 0

    def slices(self, rotation: int) -> Iterator[tuple[int, int]]:
        """Index ranges that cover everybody, `SLICE` at a time, from another one on for each ``rotation``."""
        size = len(self.viewers)
        pivot = rotation % size if size else 0
        for begin, end in ((pivot, size), (0, pivot)):
            for first in range(begin, end, SLICE):
                yield first, min(first + SLICE, end)

    def stands_at(self, place: int, then: int) -> bool:
        """Whether all stand at ``place``, but for those who have moved on to ``then``."""
        return self.place == place and (not self._moved or self._moved_to == then)

    def move(self, first: int, last: int, place: int) -> None:
        """Those of one slice go to ``place``. With the last slice, that is where all stand."""
        self._moved.append((first, last))
        self._moved_to = place
        if sum(end - begin for begin, end in self._moved) == len(self.viewers):
            self.place = place
            self._moved.clear()

    def disband(self) -> None:
        """Give everybody their own cursor back."""
        if self.place is None:
            return
        for viewer in self.viewers:
            viewer.cursor = self.place
        for first, last in self._moved:
            for viewer in self.viewers[first:last]:
                viewer.cursor = self._moved_to
