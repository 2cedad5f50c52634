"""Full disks, locks and damage: refusals that say what to do, nothing half-written, and healing without a restart."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from hubbub.errors import StoreUnavailable
from hubbub.model import Comment, Kind
from hubbub.stores.base import IdempotencyKey
from hubbub.stores.sqlite import SqliteStore
from hubbub.stores.sqlite.session import WriteSession
from hubbub.testing.samples import make_change, make_comment

TIMEOUT = 0.2


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store that waits for locks only briefly."""
    store = SqliteStore(tmp_path / "hubbub.db", store_timeout=TIMEOUT)
    await store.open()
    yield store
    await store.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program in the middle of a write."""
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: write(2) fails as it does on a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def keyed(comment: Comment) -> IdempotencyKey:
    return IdempotencyKey(comment.user.id, comment.video_id, "key", b"same")


async def write_until_refused(store: SqliteStore) -> tuple[list[Comment], list[Comment], StoreUnavailable]:
    """Long comments, ten at once, until the store takes no more: those kept, those refused, and the refusal."""
    kept: list[Comment] = []
    for _ in range(500):
        batch = [make_comment(text="long " * 2_000) for _ in range(10)]
        outcomes = await asyncio.gather(
            *(store.append(comment, key=keyed(comment)) for comment in batch), return_exceptions=True
        )
        refused = [comment for comment, one in zip(batch, outcomes, strict=True) if isinstance(one, BaseException)]
        kept += [comment for comment in batch if comment not in refused]
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, StoreUnavailable), outcome
                return kept, refused, outcome
    pytest.fail("the store took everything")


async def expect_exactly(store: SqliteStore, kept: list[Comment]) -> None:
    """History, log and keys hold what was acknowledged and nothing else."""
    assert await store.page("video", after=None, limit=10_000, order="asc") == kept
    head, entries = await store.log_tail("video", 10_000)
    assert [entry.event.id for entry in entries] == [comment.id for comment in kept]
    assert head.offset == len(kept)


async def test_a_disk_that_refuses_to_write_refuses_posts_and_heals(store: SqliteStore) -> None:
    """Whoever posts meanwhile is refused with a reason, nothing of theirs is kept, and afterwards all is well."""
    kept = [make_comment(text=f"early {number}") for number in range(3)]
    for comment in kept:
        await store.append(comment)
    log_size = store.path.with_name("hubbub.db-wal").stat().st_size
    with file_size_limit(log_size + 300_000):
        more, refused, refusal = await write_until_refused(store)
        kept += more
        assert "The disk failed (SQLITE_IOERR_WRITE)" in refusal.detail
        assert "HUBBUB_STORE" in refusal.detail
        assert refusal.retry_after
        assert (refusal.status, refusal.code) == (503, "store_unavailable")
        await expect_exactly(store, kept)
        with pytest.raises(StoreUnavailable):
            await asyncio.gather(*(store.append(make_comment(text="long " * 2_000)) for _ in range(100)))
        await expect_exactly(store, kept)
    await store.ping()
    for comment in refused:
        assert await store.recall(keyed(comment)) is None
        assert (await store.append(comment, key=keyed(comment))).created
    await expect_exactly(store, kept + refused)


async def test_a_full_disk_refuses_posts_and_heals(store: SqliteStore) -> None:
    """Out of space, the refusal says so; once there is space, the same posts are taken."""

    def limit_pages(session: WriteSession) -> None:
        session.cursor.execute(f"PRAGMA max_page_count = {pages}")

    pages = 100
    await store._writer.submit(limit_pages)
    kept, refused, refusal = await write_until_refused(store)
    assert "is full. Free space on it" in refusal.detail
    await expect_exactly(store, kept)
    pages = 1_000_000
    await store._writer.submit(limit_pages)
    for comment in refused:
        assert (await store.append(comment, key=keyed(comment))).created
    await expect_exactly(store, kept + refused)


async def test_a_ping_tells_that_posts_would_be_refused(store: SqliteStore) -> None:
    """Readiness asks the disk, not the connection."""
    await store.ping()
    with locked(store.path), pytest.raises(StoreUnavailable, match="locked"):
        await store.ping()
    await store.ping()


async def test_a_lock_held_too_long_refuses_posts_and_heals(store: SqliteStore) -> None:
    """Every post that waited is refused at once, reads go on meanwhile, and the next post is taken."""
    first, last = make_comment(), make_comment()
    await store.append(first)
    with locked(store.path):
        # More than one batch holds: those behind it have waited for the same lock, and don't wait for it again.
        waiting = [asyncio.ensure_future(store.append(make_comment())) for _ in range(600)]
        with pytest.raises(StoreUnavailable, match="Another program holds the database locked") as refused:
            await waiting[0]
        assert "HUBBUB_STORE" in refused.value.detail
        await asyncio.sleep(0)
        assert all(one.done() and isinstance(one.exception(), StoreUnavailable) for one in waiting)
        assert await store.newest("video", 5) == [first]
        with pytest.raises(StoreUnavailable):
            await store.apply(make_change(Kind.DELETED, first))
    await store.append(last)
    await expect_exactly(store, [first, last])


async def test_a_lock_held_briefly_is_waited_for(tmp_path: Path) -> None:
    """Another program's short write costs time, not a refusal."""
    store = SqliteStore(tmp_path / "hubbub.db", store_timeout=30)
    await store.open()
    comment = make_comment()
    with locked(store.path):
        append = asyncio.ensure_future(store.append(comment))
        assert await store.newest("video", 5) == []
        assert not append.done()
    assert (await append).created
    await store.close()


async def test_an_outage_is_logged_once_and_its_end_too(store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that is full for an hour does not fill the log as well."""
    caplog.set_level(logging.INFO)
    with locked(store.path):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.append(make_comment())
    await store.append(make_comment())
    await store.append(make_comment())
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "locked" in caplog.records[0].getMessage()


async def test_a_damaged_file_is_told_from_an_empty_one(tmp_path: Path) -> None:
    """Reading damaged pages is a refusal that asks for a backup, not a history with holes."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    for _ in range(20):
        await asyncio.gather(*(store.append(make_comment(text="x" * 200)) for _ in range(20)))
    await store.close()
    with store.path.open("r+b") as file:
        file.seek(16 * 4096)
        file.write(b"\xff" * (store.path.stat().st_size - 16 * 4096))
    await store.open()
    with pytest.raises(StoreUnavailable, match=r"damaged .* restore a backup"):
        await store.page("video", after=None, limit=1_000, order="asc")
    await store.close()


async def test_a_file_that_was_moved_away_makes_the_store_unready(store: SqliteStore) -> None:
    """Comments written to a file without a name would be lost at the end: `ping` says that it is time to stop."""
    moved = store.path.rename(store.path.with_name("moved.db"))
    with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
        await store.ping()
    moved.rename(store.path)
    await store.ping()


async def test_a_file_that_was_moved_away_takes_no_posts(store: SqliteStore) -> None:
    """Nobody is told `201` for a comment that the next start would not find; back in its place, all goes on."""
    kept, refused = make_comment(), make_comment()
    await store.append(kept)
    moved = store.path.rename(store.path.with_name("moved.db"))
    with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
        await store.append(refused, key=keyed(refused))
    with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
        await store.apply(make_change(Kind.DELETED, kept))
    moved.rename(store.path)
    await expect_exactly(store, [kept])
    assert (await store.append(refused, key=keyed(refused))).created
    await expect_exactly(store, [kept, refused])


async def test_a_file_moved_while_a_post_waits_for_a_lock_takes_no_posts(tmp_path: Path) -> None:
    """The place is looked at when everything is written and before it counts."""
    store = SqliteStore(tmp_path / "hubbub.db", store_timeout=30)
    await store.open()
    with locked(store.path):
        append = asyncio.ensure_future(store.append(make_comment()))
        assert await store.newest("video", 1) == []
        store.path.rename(tmp_path / "moved.db")
    with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
        await append
    (tmp_path / "moved.db").rename(store.path)
    await expect_exactly(store, [])
    await store.close()


async def test_a_backup_put_in_place_under_a_running_store_is_not_written_to(store: SqliteStore) -> None:
    """It waits untouched for the restart that begins its epoch, also where a failure makes the store open anew."""
    copy = store.path.with_name("copy.db")
    await store.backup(copy)
    with file_size_limit(0), pytest.raises(StoreUnavailable, match="The disk failed"):
        await store.append(make_comment())
    for name in ("hubbub.db-wal", "hubbub.db-shm"):
        store.path.with_name(name).unlink(missing_ok=True)
    copy.rename(store.path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
            await store.append(make_comment())
    found = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)
    assert found.execute("SELECT count(*) FROM meta WHERE key = 'epoch'").get == 0
    assert found.execute("SELECT count(*) FROM comments").get == 0
    found.close()


async def test_a_closed_store_refuses_politely(store: SqliteStore) -> None:
    """A request that comes too late in a shutdown is answered, not crashed."""
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.append(make_comment())
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.newest("video", 1)
