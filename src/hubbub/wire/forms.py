"""The forms in which events go out: what each is made of, so that nobody above needs to know."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from hubbub.wire.polls import poll_event, poll_events
from hubbub.wire.sse import Item, items_frame, sse_event


class Form(Enum):
    """``PLAIN``: server-sent events, one a comment. ``BATCH``: likewise, the comments of a tick as one. ``POLL``:
    members of a long poll's array, with commas between.
    """

    PLAIN = "plain"
    BATCH = "batch"
    POLL = "poll"


def form_items(items: Iterable[Item], form: Form) -> bytes:
    """Some items, in order. Blank events show nothing; only those is ``b""``."""
    return poll_events(items) if form is Form.POLL else items_frame(items, batch=form is Form.BATCH)


def form_event(name: str, data: bytes, form: Form, *, id: str | None = None, retry_ms: int | None = None) -> bytes:
    """One event. A poll's answer has its place beside the events, and its client waits as it likes."""
    return poll_event(name, data) if form is Form.POLL else sse_event(name, data, id=id, retry_ms=retry_ms)


def form_join(parts: Iterable[bytes], form: Form) -> bytes:
    """Parts of one form, one after the other."""
    return (b"," if form is Form.POLL else b"").join(part for part in parts if part)
