"""Comments and events between Python and SQL: rows going in, JSON coming out.

A query's answer is one JSON text made by SQLite and decoded by msgspec straight into the model's types: one step of a
statement, however many rows (the package's docstring says why that matters).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import apsw
import msgspec

from hubbub.model import Change, Comment, Event, Kind
from hubbub.stores.base import IdempotencyKey
from hubbub.wire.events import SHOWS_COMMENT, change_event, comment_event

_encode = msgspec.json.Encoder().encode
_comments = msgspec.json.Decoder(list[Comment])

# 17 digits bring every float back as it was; left alone, SQLite before 3.54 writes 15 into JSON.
_SECONDS = "iif(c.seconds IS NULL, NULL, json(printf('%!.17g', c.seconds)))"

VISIBLE = "status = 'visible' AND position IS NOT NULL"
"""Which rows of ``comments`` lists show."""


def comment_json(pinned: str = "c.pin IS NOT NULL") -> str:
    """The SQL expression for a row ``c`` of ``comments`` as a `Comment` in JSON."""
    return f"""json_object(
        'video_id', c.video_id, 'id', c.id,
        'user', json_object(
            'id', c.user_id, 'name', c.user_name, 'roles', json(coalesce(c.roles, '[]')), 'avatar', c.avatar),
        'text', c.text, 'created_at', c.created_at, 'offset', {_SECONDS}, 'status', c.status,
        'pinned', json(iif({pinned}, 'true', 'false')), 'nonce', c.nonce, 'meta', json(c.meta))"""


def select_comments(chosen: str) -> str:
    """A query for `decode_comments`; ``chosen`` selects whole rows of ``comments`` in order, with a limit."""
    return f"SELECT json_group_array({comment_json()}) FROM ({chosen}) AS c"


def decode_comments(answer: str) -> list[Comment]:
    """The comments of a `select_comments`."""
    return _comments.decode(answer)


class _EventRow(NamedTuple):
    position: int
    video_id: str
    id: str
    kind: Kind
    subject: str
    at: int
    body: str | None
    comment: Comment | None


_event_rows = msgspec.json.Decoder(list[_EventRow])
_SHOWING = ", ".join(f"'{kind.value}'" for kind in sorted(SHOWS_COMMENT))


def select_events(chosen: str) -> str:
    """A query for `decode_events`; ``chosen`` selects position, video_id, id, kind, subject, at (null: as its
    comment's), body in order, with a limit.

    A comment travels along only where its event shows one and may be shown now. ``pinned`` is as the event left it, not
    as of now, so that an entry of the log reads for ever as it was first published.
    """
    shown = f"c.status = 'visible' AND c.position IS NOT NULL AND e.kind IN ({_SHOWING})"
    comment = comment_json(pinned=f"e.kind = '{Kind.PINNED.value}'")
    return f"""
        SELECT json_group_array(json_array(
            e.position, e.video_id, e.id, e.kind, e.subject, coalesce(e.at, c.created_at), e.body,
            CASE WHEN {shown} THEN {comment} END))
        FROM ({chosen}) AS e LEFT JOIN comments AS c ON c.video_id = e.video_id AND c.id = e.subject"""


def decode_events(answer: str) -> list[tuple[int, Event]]:
    """The events of a `select_events`, each with its position."""
    return [(row.position, _event(row)) for row in _event_rows.decode(answer)]


def _event(row: _EventRow) -> Event:
    if row.body is not None:
        return Event(row.id, row.video_id, row.kind, row.subject, row.at, row.body.encode())
    if row.kind is Kind.COMMENT:
        if row.comment is not None:
            return comment_event(row.comment)
        return Event(row.id, row.video_id, row.kind, row.subject, row.at, b"")
    return change_event(Change(row.id, row.video_id, row.kind, row.subject, row.at, actor=""), row.comment)


class Append(NamedTuple):
    """A comment on its way to the writer. ``row`` is made by the caller, so that what can't be encoded fails there.
    ``due`` as in `Store.append`.
    """

    comment: Comment
    row: tuple[Any, ...]
    key: IdempotencyKey | None
    due: int | None = None


COMMENT_COLUMNS = (
    "video_id", "id", "status", "created_at", "user_id", "user_name",
    "roles", "avatar", "text", "seconds", "nonce", "meta",
)  # fmt: skip


def comment_row(comment: Comment) -> tuple[Any, ...]:
    """The values of `COMMENT_COLUMNS`."""
    user = comment.user
    return (
        comment.video_id,
        comment.id,
        comment.status,
        comment.created_at,
        user.id,
        user.name,
        _encode(user.roles).decode() if user.roles else None,
        user.avatar,
        comment.text,
        comment.offset,
        comment.nonce,
        None if comment.meta is None else _encode(comment.meta).decode(),
    )


UNPUBLISHED_COLUMNS = ("event_id", "video_id", "kind", "subject", "event_at", "body", "marked_at", "leased_until")


def unpublished_row(event: Event, due: int) -> tuple[Any, ...]:
    """The values of `UNPUBLISHED_COLUMNS`, of an event that sweepers may have from ``due`` on. The text of a comment is
    not copied there.
    """
    body = None if event.kind in SHOWS_COMMENT else event.body.decode()
    return event.id, event.video_id, event.kind, event.subject, event.at, body, event.at, due


class BulkInsert:
    """``INSERT OR IGNORE`` of many rows in few statements.

    One prepared statement for each power of two; any number of rows is a sum of those. 256 keeps the longest under the
    16 KiB that apsw still caches.
    """

    _SIZES = (256, 128, 64, 32, 16, 8, 4, 2, 1)

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        head = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES "
        one = f"({','.join('?' * len(columns))})"
        self._width = len(columns)
        self._statements = [(size, head + ",".join([one] * size)) for size in self._SIZES]

    def __call__(self, cursor: apsw.Cursor, values: list[Any]) -> None:
        """Insert ``values``: rows end to end."""
        source = iter(values)
        left = len(values) // self._width
        for size, statement in self._statements:
            while left >= size:
                cursor.execute(statement, tuple(islice(source, size * self._width)))
                left -= size
