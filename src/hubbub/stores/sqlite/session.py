"""The writer's connection, and what is true between its BEGIN and COMMIT.

Several processes may share the file, so what a commit depends on is read within it, never kept from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec

from hubbub.errors import StoreUnavailable
from hubbub.model import Comment, Position, Status
from hubbub.stores.sqlite.failures import RETRY_AFTER, note_system_error
from hubbub.stores.sqlite.rows import decode_comments, select_comments
from hubbub.stores.sqlite.waiting import LockWait

_CLOSE_WAIT_MS = 100

_HEADS = """
    SELECT json_group_object(value, coalesce((SELECT max(position) FROM log WHERE video_id = value), 0))
    FROM json_each(?)"""
_COMMENT = select_comments("SELECT * FROM comments WHERE video_id = ? AND id = ? AND position IS NOT NULL LIMIT 1")
_STATE = "SELECT position, status, pin FROM comments WHERE video_id = ? AND id = ?"


class Place:
    """Which file a path led to when the store was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _identity(path)

    def check(self) -> None:
        """Raise `StoreUnavailable` when the path leads elsewhere by now."""
        if self._file is None or _identity(self._path) != self._file:
            raise StoreUnavailable(
                "The database file was moved, deleted or replaced while in use. Start the service anew.",
                retry_after=RETRY_AFTER,
            )


class WriteSession:
    """A connection that writes, one transaction after the other. Belongs to one thread."""

    def __init__(self, connection: apsw.Connection, epoch: str, place: Place, wait: LockWait) -> None:
        self._connection = connection
        self._wait = wait
        self._place = place
        self.epoch = epoch
        self.heads: dict[str, int] = {}
        self.keys_since_expiry = 0
        self.cursor = connection.cursor()

    def begin(self) -> None:
        """Take the file's write lock. Raises `apsw.BusyError` when another program keeps it too long."""
        self.heads.clear()
        self._wait.let_others_in()
        self.cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable: when this returns, it is on disk. Raises `StoreUnavailable`, with nothing made durable, when
        the path no longer leads to the open file: what is written there would be lost.
        """
        # Here rather than before BEGIN, which may wait long for a lock while somebody moves the file.
        self._place.check()
        self.cursor.execute("COMMIT")

    def rollback(self) -> None:
        """Undo what the transaction has written; fine when SQLite has done so itself."""
        if self._connection.in_transaction:
            self.cursor.execute("ROLLBACK")

    def note_cause(self, error: BaseException) -> None:
        """Keep with an error of this connection what the system said, before anything else is asked of it."""
        note_system_error(error, self._connection.system_errno)

    def close(self, *, checkpoint: bool) -> None:
        """Let go of the file; ``checkpoint``: after folding the write-ahead log into it."""
        if checkpoint:
            # Not for long: other processes may be reading, and who writes would wait as well.
            self._connection.set_busy_timeout(_CLOSE_WAIT_MS)
            with suppress(apsw.Error):  # what stays in the write-ahead log is read from there at the next opening
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        with suppress(apsw.Error):
            self._connection.close()

    def total_changes(self) -> int:
        """Rows that this connection has changed so far."""
        return self._connection.total_changes()

    def value(self, statement: str, bindings: Sequence[Any] = ()) -> Any:
        """The first column of a query's first row, None without one."""
        row = self.cursor.execute(statement, bindings).fetchone()
        return None if row is None else row[0]

    def read_heads(self, video_ids: Iterable[str]) -> None:
        """Look up, at once, the last offsets of videos that this transaction has not met yet."""
        missing = [video_id for video_id in video_ids if video_id not in self.heads]
        if missing:
            answer = self.value(_HEADS, (msgspec.json.encode(missing).decode(),))
            self.heads.update(msgspec.json.decode(answer, type=dict[str, int]))

    def next_position(self, video_id: str) -> Position:
        """The place after the video's last, taken."""
        self.read_heads((video_id,))
        self.heads[video_id] = offset = self.heads[video_id] + 1
        return Position(self.epoch, offset)

    def state(self, video_id: str, comment_id: str) -> tuple[int | None, Status, int | None] | None:
        """Offset of birth, status and pin of a comment (no offset: a tombstone); None when it is unknown."""
        row = self.cursor.execute(_STATE, (video_id, comment_id)).fetchone()
        return None if row is None else (row[0], Status(row[1]), row[2])

    def comment(self, video_id: str, comment_id: str) -> Comment | None:
        """A comment of any status, as this transaction sees it."""
        found = decode_comments(self.value(_COMMENT, (video_id, comment_id)))
        return found[0] if found else None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
