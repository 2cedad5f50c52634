"""Frames, each built once and shared by every viewer who needs it.

The ring is cut into stretches: a tick is one, and what was read from the log is cut into stretches of a hundred. A
frame is a stretch in one format. Ticks, catching up and resuming all ask here, so ten thousand viewers who return to
the same place cost one encoding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict

from hubbub.fanout.ring import Ring
from hubbub.fanout.viewer import Format
from hubbub.wire.chunks import chunk
from hubbub.wire.forms import form_items
from hubbub.wire.sse import MAX_BATCH


class Frames:
    """A ring's stretches and a cache of their frames.

    The cache is bounded in bytes: at the bound the frame unused for longest goes and is built anew if asked for.
    """

    def __init__(self, ring: Ring, *, max_bytes: int) -> None:
        self._ring = ring
        self._max_bytes = max_bytes
        self._ends: list[int] = []  # where stretches end, rising; the last is as far as viewers have been sent
        self._cache: OrderedDict[tuple[Format, int, int], bytes] = OrderedDict()
        self.bytes = 0

    def cut(self, stop: int) -> None:
        """End a stretch at the sequence ``stop``."""
        self._ends.append(stop)
        gone = bisect_right(self._ends, self._ring.first)
        if gone > 64:  # those before the ring's first entry, in bulk
            del self._ends[:gone]

    def cut_read(self, start: int, stop: int) -> None:
        """Cut entries that were read from the log, which all other stretches follow."""
        del self._ends[: bisect_right(self._ends, stop)]  # of entries that were here before, and are cut anew
        self._ends[:0] = [*range(start + MAX_BATCH, stop, MAX_BATCH), stop]

    def stretch_end(self, cursor: int) -> int | None:
        """Where the stretch ends that a viewer at ``cursor`` is sent next; None when it stands off the ring."""
        if cursor < self._ring.first:
            return None
        index = bisect_right(self._ends, cursor)
        return self._ends[index] if index < len(self._ends) else None

    def frame(self, format: Format, start: int, stop: int) -> bytes:
        """The entries ``start`` ≤ sequence < ``stop`` as bytes; ``b""`` when they show nothing."""
        key = (format, start, stop)
        frame = self._cache.get(key)
        if frame is not None:
            self._cache.move_to_end(key)
            return frame
        frame = framed(form_items(self._ring.items(start, stop), format.form), format)
        self._cache[key] = frame
        self.bytes += len(frame)
        while self.bytes > self._max_bytes and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self.bytes -= len(oldest)
        return frame

    def forget(self) -> None:
        """Drop every built frame: something they carry was retracted."""
        self._cache.clear()
        self.bytes = 0

    def restart(self) -> None:
        """The ring began anew."""
        self.forget()
        self._ends.clear()


def framed(data: bytes, format: Format) -> bytes:
    """Stream bytes as ``format`` writes them."""
    return chunk(data) if format.chunked else data
