"""The answers of a long poll: the stream's events as one JSON object, spliced from bytes that exist already."""

from __future__ import annotations

from collections.abc import Iterable

from hubbub.wire.sse import Item


def poll_event(name: str, data: bytes, *, id: str | None = None) -> bytes:
    """One event; ``data`` is JSON. Ids and names need no escaping."""
    return b'{"event":"%b","id":%b,"data":%b}' % (name.encode(), _text(id), data)


def poll_events(items: Iterable[Item]) -> bytes:
    """The events of some items with commas between, ``b""`` when they show nothing."""
    return b",".join(
        poll_event(item.event.kind.value, item.event.body, id=item.token) for item in items if item.event.body
    )


def poll_answer(parts: Iterable[bytes], position: str) -> bytes:
    """The whole answer; ``parts`` are events with commas between, some of them empty."""
    return b'{"events":[%b],"position":%b}' % (b",".join(part for part in parts if part), _text(position))


def _text(text: str | None) -> bytes:
    return b"null" if text is None else b'"%b"' % text.encode()
