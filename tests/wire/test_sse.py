"""Frames as bytes, read back by another's parser."""

from __future__ import annotations

import json

from httpx_sse import ServerSentEvent
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from hypothesis import given
from hypothesis import strategies as st

from hubbub.model import Event, Kind
from hubbub.wire.chunks import LAST_CHUNK, chunk
from hubbub.wire.sse import HEARTBEAT, Item, items_frame, sse_event


def parse(frame: bytes) -> list[ServerSentEvent]:
    lines, decoder = SSELineDecoder(), SSEDecoder()
    events = [decoder.decode(line) for line in lines.decode(frame.decode()) + lines.flush()]
    return [event for event in events if event is not None]


def item(number: int, kind: Kind = Kind.COMMENT, body: bytes | None = None) -> Item:
    body = b'{"id":"%d"}' % number if body is None else body
    return Item(f"e.{number}.0", Event(str(number), "v", kind, str(number), 0, body))


ITEMS = st.lists(
    st.builds(
        item,
        st.integers(1, 99),
        st.sampled_from([Kind.COMMENT, Kind.COMMENT, Kind.DELETED, Kind.PINNED]),
        st.sampled_from([None, None, b""]),
    )
)


@given(ITEMS, st.booleans())
def test_a_frame_shows_every_item_that_is_not_blank_in_order(items: list[Item], batch: bool) -> None:
    """Plain or batched, a client sees the same things in the same order, and blank ones not at all."""
    seen: list[tuple[str, object]] = []
    for event in parse(items_frame(items, batch=batch)):
        if event.event == "comment_batch":
            assert batch
            seen += [("comment", value) for value in event.json()]
        else:
            seen.append((event.event, event.json()))
    assert seen == [(i.event.kind.value, json.loads(i.event.body)) for i in items if i.event.body]


@given(ITEMS, st.booleans())
def test_the_last_id_of_a_frame_is_its_last_shown_items(items: list[Item], batch: bool) -> None:
    """Whoever resumes from a frame's last id has all of that frame."""
    shown = [i for i in items if i.event.body]
    events = parse(items_frame(items, batch=batch))
    assert (events[-1].id if events else None) == (shown[-1].token if shown else None)


def test_a_long_catch_up_comes_in_several_batches() -> None:
    """Each with a place of its own, so that a stream that is cut now and then still gets on."""
    events = parse(items_frame([item(n) for n in range(250)], batch=True))
    assert [(len(event.json()), event.id) for event in events] == [
        (100, "e.99.0"),
        (100, "e.199.0"),
        (50, "e.249.0"),
    ]


def test_an_item_without_a_place_has_no_id() -> None:
    """No ``id:`` line: the client keeps the last one it had."""
    assert b"id:" not in items_frame([Item(None, item(1).event)], batch=False)


def test_retry_rides_in_an_event_with_data() -> None:
    """``retry:`` never stands alone."""
    (event,) = parse(sse_event("welcome", b"{}", retry_ms=1500))
    assert (event.event, event.data, event.retry) == ("welcome", "{}", 1500)


def test_a_heartbeat_is_no_event() -> None:
    """Clients see nothing of it."""
    assert parse(HEARTBEAT) == []


def test_chunks() -> None:
    """A chunk's size is in hexadecimal; nothing is written for nothing, since an empty chunk ends the body."""
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert chunk(b"") == b""
    assert LAST_CHUNK == b"0\r\n\r\n"
