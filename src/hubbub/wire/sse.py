"""Server-sent events as bytes (WHATWG HTML, section 9.2).

A frame is what one tick writes to a viewer: the events of that tick, back to back. Bodies are JSON without raw line
breaks (`hubbub.wire.events`), so each event needs one ``data:`` line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

from hubbub.model import Event, Kind
from hubbub.wire.events import json_array

HEARTBEAT = b":\n\n"
"""A comment line: keeps proxies from taking silence for death, invisible to clients."""

MAX_BATCH = 100
"""Comments in one ``comment_batch``. A client stands where the last whole event has put it, so a long catch-up in one
event would be begun anew after every cut.
"""


def sse_event(name: str, data: bytes, *, id: str | None = None, retry_ms: int | None = None) -> bytes:
    """One event. ``retry_ms`` rides in an event with data because some clients deliver an empty event otherwise."""
    head = f"event: {name}\n"
    if id is not None:
        head += f"id: {id}\n"
    if retry_ms is not None:
        head += f"retry: {retry_ms}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


class Item(NamedTuple):
    """An event as a stream carries it. ``token`` is where a viewer stands once it has this item (None: no place of its
    own).
    """

    token: str | None
    event: Event


def items_frame(items: Iterable[Item], *, batch: bool) -> bytes:
    """The frame of some items, in order. Blank events show nothing; a frame of only those is ``b""``.

    ``batch``: runs of comments become ``comment_batch`` events whose data is an array and whose id is the last one's.
    """
    shown = (item for item in items if item.event.body)
    return b"".join(_batched(shown) if batch else map(_single, shown))


def _single(item: Item) -> bytes:
    return sse_event(item.event.kind.value, item.event.body, id=item.token)


def _batched(items: Iterable[Item]) -> Iterator[bytes]:
    for is_comment, run in groupby(items, key=lambda item: item.event.kind is Kind.COMMENT):
        if not is_comment:
            yield from map(_single, run)
            continue
        while comments := list(islice(run, MAX_BATCH)):
            yield sse_event("comment_batch", json_array(item.event.body for item in comments), id=comments[-1].token)
