"""Frames, each built once and shared by every viewer who needs it.

A frame is a stretch of the ring in one format. Ticks, catching up and resuming all ask here, so ten thousand viewers
who return to the same place cost one encoding.
"""

from __future__ import annotations

from collections import OrderedDict

from hubbub.fanout.ring import Ring
from hubbub.fanout.viewer import Format
from hubbub.wire.chunks import chunk
from hubbub.wire.sse import items_frame


class Frames:
    """A cache over a ring, bounded in bytes: at the bound the frame unused for longest goes and is built anew if asked
    for.
    """

    def __init__(self, ring: Ring, *, max_bytes: int) -> None:
        self._ring = ring
        self._max_bytes = max_bytes
        self._cache: OrderedDict[tuple[Format, int, int], bytes] = OrderedDict()
        self.bytes = 0

    def frame(self, format: Format, start: int, stop: int) -> bytes:
        """The entries ``start`` ≤ sequence < ``stop`` as bytes; ``b""`` when they show nothing."""
        key = (format, start, stop)
        frame = self._cache.get(key)
        if frame is not None:
            self._cache.move_to_end(key)
            return frame
        frame = framed(items_frame(self._ring.items(start, stop), batch=format.batch), format)
        self._cache[key] = frame
        self.bytes += len(frame)
        while self.bytes > self._max_bytes and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self.bytes -= len(oldest)
        return frame

    def forget(self) -> None:
        """Drop every frame: something they carry was retracted, or the ring began anew."""
        self._cache.clear()
        self.bytes = 0


def framed(data: bytes, format: Format) -> bytes:
    """Stream bytes as ``format`` writes them."""
    return chunk(data) if format.chunked else data
