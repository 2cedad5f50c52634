"""Folding the write-ahead log into the database, so that it does not grow for as long as anybody reads.

SQLite's own way is to fold what it can after a commit and to begin the log anew when nobody reads from it. Readers who
overlap all the time, as a crowd of strangers can make them, leave no such moment, and the log grows for as long as they
do (https://sqlite.org/wal.html, "avoiding excessively large WAL files"). So past a bound the writer makes the moment:
it lets nobody write until those who read now are done, which takes as long as a query. Only who reads one state for
long (a backup, another program) can then make it grow; that is said in the log.
"""

from __future__ import annotations

import logging
import time

import apsw

from hubbub.stores.sqlite.waiting import LockWait

_log = logging.getLogger(__name__)

PAGES = 4_000
"""Fold the log once it has this many pages (of 4 KiB): less often, and a page changed by many commits is written back
once."""

FORCED_PAGES = 16_000
"""Make readers wait for it from here on, and after a failure once for each further `PAGES`."""

WAIT = 0.25
"""How long posts wait for readers to be done, in seconds: many times the longest query of ours."""

_TRY = 0.025
"""Seconds that one attempt waits. Each looks anew: SQLite waits for a place that readers of an old state had until
nobody reads from there, even when those of the newest state, who are in nobody's way, have moved in and take turns."""


class Checkpoints:
    """A connection's hook after each commit; ``lock_wait``: how else it waits for locks, ``wait``: `WAIT`."""

    def __init__(
        self, lock_wait: LockWait, *, pages: int = PAGES, forced_pages: int = FORCED_PAGES, wait: float = WAIT
    ) -> None:
        self._lock_wait = lock_wait
        self._wait = wait
        self._pages = pages
        self._forced_pages = self._force_at = forced_pages

    def install(self, connection: apsw.Connection) -> None:
        """Take the place of SQLite's automatic checkpoint."""
        connection.set_wal_hook(self._committed)

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        if pages < self._pages:
            if self._force_at > self._forced_pages:
                self._force_at = self._forced_pages
                _log.info("the write-ahead log has begun anew")
        elif pages < self._force_at:
            _fold(connection, database, apsw.SQLITE_CHECKPOINT_PASSIVE)
        else:
            if not self._begin_anew(connection, database):
                if self._force_at == self._forced_pages:
                    _log.warning(
                        "the write-ahead log can't begin anew and has %d MiB: a backup, another program that reads the "
                        "database, or a full disk is in the way",
                        pages // 256,
                    )
                self._force_at = pages + self._pages
        return apsw.SQLITE_OK

    def _begin_anew(self, connection: apsw.Connection, database: str) -> bool:
        until = time.monotonic() + self._wait
        LockWait(_TRY).install(connection)
        try:
            while not (done := _fold(connection, database, apsw.SQLITE_CHECKPOINT_RESTART)):
                if time.monotonic() >= until:
                    break
            return done
        finally:
            self._lock_wait.install(connection)


def _fold(connection: apsw.Connection, database: str, mode: int) -> bool:
    """Whether all of it could be done. What stays in the log is durable there, so a failure is none of the commit's."""
    try:
        connection.wal_checkpoint(database, mode)
    except apsw.Error:
        return False
    return True
