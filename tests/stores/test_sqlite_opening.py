"""Which files the SQLite store opens, and what it says about the others."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from hubbub.errors import ConfigError
from hubbub.model import Kind, Timeline, Video
from hubbub.stores.sqlite import SqliteStore
from hubbub.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS
from hubbub.testing.samples import make_comment, make_timeline_event

NOBODY = 65534


async def refusal(path: Path) -> str:
    """What `open` says about a place that it refuses."""
    store = SqliteStore(path, store_timeout=0.05)
    with pytest.raises(ConfigError) as refused:
        await store.open()
    await store.close()
    assert refused.value.setting == "HUBBUB_STORE"
    return refused.value.problem


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def deny_writing(folder: Path) -> None:
    folder.chmod(0o500)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder that anybody may enter; within the test, a superuser is bound by permissions like anybody else."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-test-"))
    superuser = os.geteuid() == 0
    if superuser:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///hubbub.db", "hubbub.db"),
        ("sqlite:///data/hubbub.db", "data/hubbub.db"),
        ("sqlite:////var/lib/hubbub.db", "/var/lib/hubbub.db"),
        ("sqlite:///my%20file.db", "my file.db"),
        ("sqlite:///my file.db", "my file.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """Three slashes and a path relative to where the service was started, or four for an absolute one."""
    assert SqliteStore.from_url(url).path == Path.cwd() / path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://hubbub.db",
        "sqlite:hubbub.db",
        "SQLITE:///hubbub.db",
        "sqlite:///hubbub.db?mode=ro",
        "sqlite:///a%00b",
        "postgres:///hubbub",
        "hubbub.db",
    ],
)
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    """A URL that names no file is a setting to change, and the sentence shows how."""
    with pytest.raises(ConfigError, match=r"sqlite:///hubbub\.db") as refused:
        SqliteStore.from_url(url)
    assert refused.value.setting == "HUBBUB_STORE"


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///%3Amemory%3A"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    """What is accepted must outlive the process."""
    with pytest.raises(ConfigError, match="in memory is gone with the process"):
        SqliteStore.from_url(url)


async def test_opening_makes_a_durable_database(tmp_path: Path) -> None:
    """A new file is in WAL mode, is synced at each commit, and carries our application id and schema version."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    full = 2  # https://sqlite.org/pragma.html#pragma_synchronous
    assert await store._writer.submit(lambda session: session.value("PRAGMA synchronous")) == full
    await store.close()
    connection = apsw.Connection(str(store.path))
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("application_id") == int.from_bytes(b"Hubb")
    assert connection.pragma("user_version") == len(MIGRATIONS)
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """What `touch` or a secure temporary file has made is used."""
    (tmp_path / "hubbub.db").touch()
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await store.append(make_comment())
    await store.close()


async def test_closing_leaves_one_file(tmp_path: Path) -> None:
    """The write-ahead log is folded into the database, so that the file alone is everything."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await store.append(make_comment())
    await store.newest("video", 1)
    await store.close()
    assert names_in(tmp_path) == ["hubbub.db"]


async def test_opening_at_the_same_moment_agrees_on_one_epoch(tmp_path: Path) -> None:
    """Two that open a new file at once both succeed: one makes the tables, the other finds them."""
    stores = [SqliteStore(tmp_path / "hubbub.db") for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    tails = [await store.log_tail("video", 0) for store in stores]
    assert len({tail.head.epoch for tail in tails}) == 1
    for store in stores:
        assert (await store.append(make_comment())).position is not None
    assert (await stores[0].log_tail("video", 0)).head.offset == 4
    for store in stores:
        await store.close()


async def test_garbage_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A file that is no database is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"dear diary, " * 1000)
    assert "not a database" in await refusal(path)
    assert path.read_bytes() == b"dear diary, " * 1000


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A database with tables that are not ours gets none of ours."""
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    assert "another program" in await refusal(path)
    assert path.read_bytes() == before


async def test_a_database_from_before_videos_goes_on(tmp_path: Path) -> None:
    """What the first release has written is read, in the same epoch, and takes what came with the second schema."""
    path = tmp_path / "hubbub.db"
    connection = apsw.Connection(str(path))
    connection.execute(MIGRATIONS[0])
    connection.pragma("user_version", 1)
    connection.pragma("application_id", APPLICATION_ID)
    connection.execute("""
        INSERT INTO meta VALUES ('epoch', 'e1');
        INSERT INTO comments (video_id, id, position, status, created_at, user_id, text)
        VALUES ('video', '01a1fc0b-2b3e-728f-ab0b-849a4d6782ae', 1, 'visible', 1795229952830, 'ada', 'old');
        INSERT INTO log SELECT video_id, 1, id, '01a1fc0b-2b3e-728f-ab0b-849a4d6782af' FROM comments;
        INSERT INTO changes VALUES ('video', '01a1fc0b-2b3e-728f-ab0b-849a4d6782af', 1, 'comment_unpinned',
            '01a1fc0b-2b3e-728f-ab0b-849a4d6782ae', 1795229952831, 'mod')""")
    connection.close()
    store = SqliteStore(path)
    await store.open()
    assert [comment.text for comment in await store.newest("video", 9)] == ["old"]
    start = make_timeline_event("video", Kind.START, Timeline(7))
    kept = await store.keep_video(Video("video", timeline=Timeline(7)), was=None, event=start)
    assert kept.position == ("e1", 2)
    assert (await store.video("video")) == Video("video", timeline=Timeline(7), shards=1)
    assert [entry.event.kind for entry in (await store.log_tail("video", 9)).entries] == [Kind.UNPINNED, Kind.START]
    await store.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A file that a later release has migrated is not touched by an earlier one, which says what to install."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await store.close()
    connection = apsw.Connection(str(store.path))
    connection.pragma("user_version", 7)
    connection.close()
    problem = await refusal(store.path)
    assert "newer Hubbub (schema 7" in problem
    assert "Install" in problem


async def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """Folders are not made up: a typo in the path would hide the comments."""
    assert "does not exist" in await refusal(tmp_path / "missing" / "hubbub.db")


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    """The setting names a file."""
    assert "is a folder" in await refusal(tmp_path)


async def test_a_folder_without_permission_to_write_is_refused(unprivileged: Path) -> None:
    """No file can be made there, and the sentence says so."""
    deny_writing(unprivileged)
    assert "can't be opened" in await refusal(unprivileged / "hubbub.db")


async def test_a_read_only_file_is_refused(unprivileged: Path) -> None:
    """A store that can only be read would refuse every post."""
    store = SqliteStore(unprivileged / "hubbub.db")
    await store.open()
    await store.close()
    store.path.chmod(0o400)
    assert "read-only" in await refusal(store.path)


async def test_an_unreachable_path_is_refused(unprivileged: Path) -> None:
    """A folder that may not be entered is told from one that is not there."""
    (unprivileged / "closed").mkdir(mode=0o000)
    assert "can't be reached" in await refusal(unprivileged / "closed" / "hubbub.db")


async def test_a_locked_file_is_refused_at_the_start(tmp_path: Path) -> None:
    """Another program that holds the lock is named as the cause."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await store.close()
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN EXCLUSIVE")
    assert "Another program holds the database locked" in await refusal(store.path)
    other.close()
    await store.open()
    await store.close()


async def test_a_failed_open_can_be_tried_again(tmp_path: Path) -> None:
    """Once the place is right, the same store opens."""
    store = SqliteStore(tmp_path / "data" / "hubbub.db")
    with pytest.raises(ConfigError):
        await store.open()
    (tmp_path / "data").mkdir()
    await store.open()
    await store.open()
    assert (await store.append(make_comment())).created
    await store.close()
