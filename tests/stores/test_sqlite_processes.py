"""One file, several processes: real ones, which write at once, start at once, and are killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from hubbub.model import Kind, Timeline, Video
from hubbub.stores.sqlite import SqliteStore
from hubbub.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS
from hubbub.testing.samples import make_comment, make_timeline_event

APPENDING = Path(__file__).with_name("append_until_killed.py")
OPENING = Path(__file__).with_name("open_when_told.py")

PROCESSES = 4


class Poster:
    """A process that posts without end; ``acknowledged`` are the ids it was told are kept, by offset."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.acknowledged: dict[int, str] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.endswith(b"\n"):
                offset, comment_id = line.decode().split()
                self.acknowledged[int(offset)] = comment_id

    async def until(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        while len(self.acknowledged) < count:
            assert self.process.returncode is None, "a posting process ended by itself"
            await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """``kill -9``, and read to the end."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def posters(path: Path) -> AsyncIterator[list[Poster]]:
    """Several processes that post into one file; whatever happens, none is left."""
    started = [
        Poster(
            await asyncio.create_subprocess_exec(
                sys.executable, str(APPENDING), str(path), stdout=asyncio.subprocess.PIPE
            )
        )
        for _ in range(PROCESSES)
    ]
    try:
        yield started
    finally:
        for poster in started:
            await poster.kill()


@pytest.mark.slow
async def test_processes_that_append_at_once_share_one_dense_log_though_one_is_killed(tmp_path: Path) -> None:
    """Four processes append to one video, one is killed with ``kill -9``, then all: every acknowledged comment is at
    its place, no offset is given twice or left out, and the epoch stays.
    """
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    epoch = (await store.log_tail("video", 0)).head.epoch
    async with asyncio.timeout(120), posters(store.path) as (first, *others):
        for poster in (first, *others):
            await poster.until(300)
        await first.kill()
        goals = [len(poster.acknowledged) + 300 for poster in others]
        for poster, goal in zip(others, goals, strict=True):
            await poster.until(goal)
        # The process that looks on sees what the others commit, at once.
        seen = dict(others[0].acknowledged)
        _, entries = await store.log_tail("video", 1_000_000)
        assert seen.items() <= {entry.position.offset: entry.event.id for entry in entries}.items()
    head, entries = await store.log_tail("video", 1_000_000)
    logged = {entry.position.offset: entry.event.id for entry in entries}
    assert list(logged) == list(range(1, head.offset + 1))
    assert len(set(logged.values())) == len(logged)
    for poster in (first, *others):
        assert poster.acknowledged.items() <= logged.items()
    assert head.epoch == epoch
    kept = {comment.id for comment in await store.page("video", after=None, limit=1_000_000, order="asc")}
    assert kept == set(logged.values())
    await store.close()
    connection = apsw.Connection(str(store.path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


def write_first_schema(path: Path) -> None:
    """A database as the first release made it, without an epoch as after a restored backup."""
    connection = apsw.Connection(str(path))
    connection.execute(MIGRATIONS[0])
    connection.pragma("user_version", 1)
    connection.pragma("application_id", APPLICATION_ID)
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("old", [True, False], ids=["an old file", "a new file"])
async def test_processes_that_start_at_once_migrate_once_and_agree_on_one_epoch(tmp_path: Path, old: bool) -> None:
    """One of them brings the file to the newest schema while the others wait; none fails, and all post into one
    log.
    """
    path = tmp_path / "hubbub.db"
    if old:
        write_first_schema(path)
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, str(OPENING), str(path), stdin=pipe, stdout=pipe)
        for _ in range(PROCESSES)
    ]
    try:
        async with asyncio.timeout(60):
            for process in processes:
                assert process.stdout is not None
                assert await process.stdout.readline() == b"here\n"
            said = [(await told).decode().split() for told in [_tell(process) for process in processes]]
            assert [await process.wait() for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert len({epoch for epoch, _ in said}) == 1
    assert sorted(int(offset) for _, offset in said) == list(range(1, PROCESSES + 1))
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == len(MIGRATIONS)
    connection.close()


def _tell(process: asyncio.subprocess.Process) -> asyncio.Task[bytes]:
    """Let a process begin; what it says then. All are told before any answer is waited for."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    return asyncio.get_running_loop().create_task(process.stdout.readline())


async def test_what_one_process_was_told_of_a_video_the_other_does_not_overwrite(tmp_path: Path) -> None:
    """Two stores on one file: a record is written only against what stands in the file now, whoever wrote that."""
    one, two = SqliteStore(tmp_path / "hubbub.db"), SqliteStore(tmp_path / "hubbub.db")
    await one.open()
    await two.open()
    begun, ended = Video("video", timeline=Timeline(5)), Video("video", timeline=Timeline(5, 9))
    start = make_timeline_event("video", Kind.START, begun.timeline)
    end = make_timeline_event("video", Kind.END, ended.timeline)
    assert (await one.keep_video(begun, was=None, event=start)).kept
    assert await two.video("video") == begun
    late = await two.keep_video(Video("video", title="t"), was=None, event=None)
    assert (late.kept, late.video) == (False, begun)
    assert (await two.keep_video(ended, was=begun, event=end)).position == (await one.log_tail("video", 0)).head
    assert [entry.event.kind for entry in (await one.log_tail("video", 9)).entries] == [Kind.START, Kind.END]
    await one.close()
    await two.close()


async def test_a_process_that_ends_leaves_the_others_their_file(tmp_path: Path) -> None:
    """Closing folds the log only as far as nobody needs it, and does not wait for those who read."""
    one, two = SqliteStore(tmp_path / "hubbub.db"), SqliteStore(tmp_path / "hubbub.db")
    await one.open()
    await two.open()
    first = make_comment()
    await one.append(first)
    reader = apsw.Connection(str(one.path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM comments").get  # noqa: B018  # a read transaction begins with its first read
    second = make_comment()
    async with asyncio.timeout(3):  # `store_timeout` would be five
        await one.close()
        await two.append(second)
    assert reader.execute("SELECT count(*) FROM comments").get == 1
    reader.close()
    assert [comment.id for comment in await two.newest("video", 9)] == [first.id, second.id]
    await two.close()
