"""`SqliteStore`: the ports `Store`, `Journal` and `Backups` over one SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import apsw

from hubbub.errors import StoreUnavailable
from hubbub.ids import now_ms
from hubbub.model import Change, Comment, Entry, Event, ListPlace, Position, Stage, Tail, Video
from hubbub.stores.base import Appended, Applied, Flag, IdempotencyKey, Order, VideoKept
from hubbub.stores.sqlite import changes, lists, queries, videos
from hubbub.stores.sqlite.backup import copy_database
from hubbub.stores.sqlite.connections import connect_reader, connect_source, connect_writer, path_of
from hubbub.stores.sqlite.failures import RETRY_AFTER
from hubbub.stores.sqlite.readers import Readers
from hubbub.stores.sqlite.rows import Append, comment_row
from hubbub.stores.sqlite.session import Place, WriteSession
from hubbub.stores.sqlite.waiting import LockWait
from hubbub.stores.sqlite.writer import OnCommit, Writer


class SqliteStore:
    """Comments in one SQLite file (WAL, ``synchronous=FULL``): for a laptop, or one server with thousands of viewers.
    The processes of one machine may share the file.

    ``store_timeout``: seconds a write waits for another process's lock. ``pending_writes``: writes that may wait for
    their commit; further ones are refused. ``on_commit``: told of each commit on the event loop. Belongs to the event
    loop that opens it.
    """

    def __init__(
        self,
        path: Path,
        *,
        store_timeout: float = 5.0,
        pending_writes: int = 20_000,
        readers: int = 4,
        on_commit: OnCommit | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.path = path
        self._timeout = store_timeout
        self._pending_writes = pending_writes
        self._reader_threads = readers
        self._on_commit = on_commit
        self._clock = clock
        self._place: Place | None = None
        self._open: tuple[Writer, Readers] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        store_timeout: float = 5.0,
        pending_writes: int = 20_000,
        on_commit: OnCommit | None = None,
    ) -> SqliteStore:
        """The store at ``sqlite:///relative.db`` or ``sqlite:////absolute/path.db``; `ConfigError` for other URLs."""
        return cls(path_of(url), store_timeout=store_timeout, pending_writes=pending_writes, on_commit=on_commit)

    async def open(self) -> None:
        if self._open is not None:
            return
        writer = Writer(self._connect_writer, pending_writes=self._pending_writes, on_commit=self._on_commit)
        await writer.start()
        readers = Readers(partial(connect_reader, self.path, timeout=self._timeout), threads=self._reader_threads)
        self._open = writer, readers

    async def close(self) -> None:
        if self._open is not None:
            writer, readers = self._open
            self._open = None
            self._closing = asyncio.get_running_loop().create_task(_close(writer, readers))
        if self._closing is not None:
            await asyncio.shield(self._closing)  # a caller that gives up does not leave the file half closed

    async def ping(self) -> None:
        await self._writer.submit(lists.touch)

    async def append(self, comment: Comment, *, key: IdempotencyKey | None = None, due: int | None = None) -> Appended:
        return await self._writer.submit(Append(comment, comment_row(comment), key, due))

    async def recall(self, key: IdempotencyKey) -> Comment | None:
        return await self._readers.run(queries.recall, key, self._clock())

    async def apply(self, change: Change, *, due: int | None = None) -> Applied:
        return await self._writer.submit(lambda session: changes.apply(session, change, due))

    async def get(self, video_id: str, comment_id: str) -> Comment | None:
        return await self._readers.run(queries.get, video_id, comment_id)

    async def newest(self, video_id: str, limit: int) -> list[Comment]:
        return (await self.page(video_id, after=None, limit=limit, order="desc"))[::-1]

    async def page(self, video_id: str, *, after: str | None, limit: int, order: Order) -> list[Comment]:
        return await self._readers.run(queries.page, video_id, after, limit, order)

    async def window(
        self, video_id: str, *, since: int, until: int, limit: int, after: str | None = None
    ) -> list[Comment]:
        return await self._readers.run(queries.window, video_id, since, until, limit, after)

    async def changes_since(self, video_id: str, since: int, limit: int) -> list[Event]:
        return await self._readers.run(queries.changes_since, video_id, since, limit)

    async def pins(self, video_id: str) -> list[Comment]:
        return await self._readers.run(queries.pins, video_id)

    async def video(self, video_id: str) -> Video | None:
        return await self._readers.run(queries.video, video_id)

    async def videos(self, stage: Stage, *, since: int = 0, before: ListPlace | None = None, limit: int) -> list[Video]:
        return await self._readers.run(queries.videos, stage, since, before, limit)

    async def keep_video(
        self,
        video: Video,
        *,
        was: Video | None,
        event: Event | None = None,
        actor: str = "",
        due: int | None = None,
    ) -> VideoKept:
        return await self._writer.submit(lambda session: videos.keep_video(session, video, was, event, actor, due))

    async def by_user(self, user_id: str, *, after: tuple[str, str] | None, limit: int) -> list[Comment]:
        return await self._readers.run(queries.by_user, user_id, after, limit)

    async def mark_unpublished(self, event: Event, *, at: int) -> None:
        await self._writer.submit(lambda session: lists.mark_unpublished(session, event, at))

    async def lease_unpublished(self, holder: str, *, now: int, lease_ms: int, limit: int) -> list[Event]:
        # Asked about once a second and nearly always empty: a reader finds that out without a transaction.
        if not await self._readers.run(queries.has_unpublished, holder, now):
            return []
        return await self._writer.submit(lambda session: lists.lease_unpublished(session, holder, now, lease_ms, limit))

    async def confirm_published(self, events: Sequence[Event]) -> None:
        event_ids = [event.id for event in events]
        await self._writer.submit(lambda session: lists.confirm_published(session, event_ids))

    async def count_unpublished(self) -> int:
        return await self._readers.run(queries.count_unpublished)

    async def add_flag(self, flag: Flag) -> None:
        await self._writer.submit(lambda session: lists.add_flag(session, flag))

    async def flags(self, *, video_id: str | None, after: tuple[str, str] | None, limit: int) -> list[Flag]:
        return await self._readers.run(queries.flags, video_id, after, limit)

    async def clear_flags(self, video_id: str, comment_id: str) -> None:
        await self._writer.submit(lambda session: lists.clear_flags(session, video_id, comment_id))

    async def log_tail(self, video_id: str, limit: int) -> Tail:
        return await self._readers.run(queries.log_tail, video_id, limit)

    async def log_after(self, video_id: str, after: Position, limit: int) -> list[Entry]:
        return await self._readers.run(queries.log_after, video_id, after, limit)

    async def newest_at(self) -> int:
        return await self._readers.run(queries.newest_at)

    async def position_of(self, video_id: str, event_id: str) -> Position | None:
        return await self._readers.run(queries.position_of, video_id, event_id)

    async def backup(self, target: Path) -> None:
        """As `Backups` says; open or not, since it only reads: no migration, no epoch, no file where none was."""
        # A thread of its own: a copy takes as long as the disk needs, and must not keep a reader from others.
        thread = ThreadPoolExecutor(1, thread_name_prefix="hubbub-sqlite-backup")
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._backup, target)
        finally:
            thread.shutdown(wait=False)

    def log_bytes(self) -> int:
        """The size of the write-ahead log; 0 while there is none."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return 0

    @staticmethod
    def memory() -> int:
        """Bytes that SQLite holds in this process, most of them in its page caches."""
        return int(apsw.status(apsw.SQLITE_STATUS_MEMORY_USED)[0])

    def _backup(self, target: Path) -> None:
        source = connect_source(self.path, timeout=self._timeout)
        try:
            copy_database(source, target)
        finally:
            source.close()

    def _connect_writer(self, create: bool) -> WriteSession:
        place = None if create else self._place
        if place is not None:
            place.check()  # before anything is opened, lest a file that was put there be migrated and written to
        wait = LockWait(self._timeout)
        connection, epoch = connect_writer(self.path, wait=wait, create=create)
        self._place = place or Place(self.path)
        return WriteSession(connection, epoch, self._place, wait)

    @property
    def _writer(self) -> Writer:
        return self._require_open()[0]

    @property
    def _readers(self) -> Readers:
        return self._require_open()[1]

    def _require_open(self) -> tuple[Writer, Readers]:
        if self._open is None:
            raise StoreUnavailable("The store is closed.", retry_after=RETRY_AFTER)
        return self._open


async def _close(writer: Writer, readers: Readers) -> None:
    readers.close()  # first, so that the writer's connection is the last one and takes the write-ahead log with it
    await writer.close()
