"""Backups of the SQLite store beyond the contract: what they look like inside, and when they fail."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from hubbub.config import Settings
from hubbub.errors import ConfigError
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_comment
from hubbub.wiring import backup


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store with about a megabyte of comments."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await asyncio.gather(*(store.append(make_comment(text="x" * 4_000)) for _ in range(250)))
    yield store
    await store.close()


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_backup_is_a_sound_database_without_an_epoch(store: SqliteStore, tmp_path: Path) -> None:
    """SQLite finds nothing wrong with it, and whoever opens it as a store must take a new epoch."""
    await store.backup(tmp_path / "copy.db")
    copy = apsw.Connection(str(tmp_path / "copy.db"), flags=apsw.SQLITE_OPEN_READONLY)
    assert copy.pragma("integrity_check") == "ok"
    assert copy.pragma("journal_mode") == "delete"
    assert copy.execute("SELECT count(*) FROM comments").get == 250
    assert copy.execute("SELECT count(*) FROM meta WHERE key = 'epoch'").get == 0
    copy.close()


async def test_a_backup_to_a_full_disk_leaves_nothing(store: SqliteStore, tmp_path: Path) -> None:
    """A copy that could not be finished is taken away again, and the store works on."""
    folder = tmp_path / "backups"
    folder.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(ConfigError, match="could not be written"):
            await store.backup(folder / "copy.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(folder.iterdir()) == []
    assert (await store.append(make_comment())).created
    await store.backup(folder / "copy.db")


async def test_what_killed_backups_left_is_removed_by_the_next_one(store: SqliteStore, tmp_path: Path) -> None:
    """Partial copies to the same name, unless one of their files was written to within the hour; nothing else."""
    folder = tmp_path / "backups"
    folder.mkdir()
    stale = [".copy.db.0123abcd.partial", ".copy.db.0123abcd.partial-journal", ".copy.db.4567abcd.partial-journal"]
    at_work = [".copy.db.89abcdef.partial", ".copy.db.89abcdef.partial-journal"]
    others = [".other.db.0123abcd.partial", ".copyxdb.0123abcd.partial", ".copy.db.mine.partial", "copy.db.old"]
    for name in (*stale, *at_work, *others):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (0, 0) if name != at_work[0] else None)
    await store.backup(folder / "copy.db")
    assert {path.name for path in folder.iterdir()} == {"copy.db", *at_work, *others}


async def test_two_backups_at_once_to_one_name_make_one(store: SqliteStore, tmp_path: Path) -> None:
    """The second to finish finds the name taken and overwrites nothing."""
    target = tmp_path / "copy.db"
    outcomes = await asyncio.gather(store.backup(target), store.backup(target), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConfigError", "NoneType"]
    copy = SqliteStore(target)
    await copy.open()
    assert (await copy.log_tail("video", 0)).head.offset == 250
    await copy.close()


async def test_the_command_only_reads(store: SqliteStore, tmp_path: Path) -> None:
    """A server of another release may be using the file: nothing in it is migrated or given an epoch."""
    await store.close()
    connection = apsw.Connection(str(store.path))
    connection.execute("DELETE FROM meta")
    connection.close()
    before = store.path.read_bytes()
    await backup(Settings(store=f"sqlite:///{store.path}"), tmp_path / "copy.db")
    assert store.path.read_bytes() == before
    copy = SqliteStore(tmp_path / "copy.db")
    await copy.open()
    assert (await copy.log_tail("video", 0)).head.offset == 250
    await copy.close()


async def test_the_command_waits_for_no_writer(store: SqliteStore, tmp_path: Path) -> None:
    """A server in the midst of a long commit is copied as of the commit before."""
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE")
    await backup(Settings(store=f"sqlite:///{store.path}", store_timeout=0.05), tmp_path / "copy.db")
    other.execute("ROLLBACK")
    other.close()
    assert (tmp_path / "copy.db").stat().st_size > 1_000_000


@pytest.mark.parametrize("content", [None, b"", b"dear diary, " * 1000], ids=["missing", "empty", "no database"])
async def test_where_there_is_no_database_the_command_makes_none(tmp_path: Path, content: bytes | None) -> None:
    """A typo in HUBBUB_STORE must not look like a backup, nor leave anything behind."""
    source = tmp_path / "hubbub.db"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        await backup(Settings(store=f"sqlite:///{source}"), tmp_path / "copy.db")
    assert refused.value.setting == "HUBBUB_STORE"
    assert files_in(tmp_path) == ({} if content is None else {"hubbub.db": content})
