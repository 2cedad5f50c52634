"""Resume tokens: where in a video's log a viewer stands, as the ``id:`` of an SSE event.

Opaque to clients. Ours to read: ``epoch.offset.low_water``, where ``low_water`` (ms) is a time before which this viewer
has surely seen everything: the entry's own time less the clocks' allowed skew. The first two are exact while the log
lives; the last serves when it does not and only the store can tell what was missed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hubbub.model import Position

_TOKEN = re.compile(r"([0-9a-z]{1,32})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,15})", re.ASCII)


class ResumeToken(NamedTuple):
    """A viewer's place: the log position, and the low-water time in ms."""

    position: Position
    low_water: int


def encode_token(position: Position, low_water: int) -> str:
    """The token's text: short, ASCII, safe in headers, URLs and ``id:`` lines."""
    return f"{position.epoch}.{position.offset}.{max(low_water, 0)}"


def decode_token(text: str) -> ResumeToken | None:
    """The token, or None for anything we did not write (which is answered by `reset`, never by an error)."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    epoch, offset, low_water = match.groups()
    return ResumeToken(Position(epoch, int(offset)), int(low_water))
