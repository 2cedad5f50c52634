"""A disk that fails or goes read-only under a service that writes to it, and comes back."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from tests.chaos.hardship import ask, crowd_at, expect_not_ready, expect_reading_goes_on, until_ready

from hubbub.testing.server import ServerProcess

FAILURES = 150
"""System calls that fail, one a commit; the next one works again."""


@pytest.fixture
def strace() -> str:
    """Where strace is; without it nothing makes a system call fail that SQLite makes."""
    found = shutil.which("strace")
    if found is None:
        pytest.fail("strace is missing; scripts/install-test-packages installs it.")
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "fault", "words"),
    [
        ("pwrite64", "EROFS", "(SQLITE_IOERR_WRITE): Read-only file system"),
        ("pwrite64", "EIO", "(SQLITE_IOERR_WRITE): Input/output error"),
        ("fdatasync", "EIO", "(SQLITE_IOERR_FSYNC): Input/output error"),
    ],
)
async def test_a_disk_that_fails_for_a_while_loses_nothing_that_was_accepted(
    tmp_path: Path, strace: str, call: str, fault: str, words: str
) -> None:
    """While writing or syncing the database's log fails, posts get 503 with the system's own words and reading goes on;
    when the disk works again, so does the service, and no comment is there twice or not at all."""
    first = 600 if call == "pwrite64" else 100
    command = [
        strace,
        "-D",
        "-f",
        "--seccomp-bpf",
        "-o",
        str(tmp_path / "trace"),
        "-P",
        str(tmp_path / "hubbub.db-wal"),
    ]
    command += ["-e", f"trace={call}", "-e", f"inject={call}:error={fault}:when={first}..{first + FAILURES - 1}"]
    async with asyncio.timeout(60), ServerProcess(tmp_path, command=command) as server, crowd_at(server) as crowd:
        reason = await crowd.until_refused(4)
        assert f"The disk failed {words}. Check its space, quota and health" in reason
        assert words in await expect_not_ready(server)
        await expect_reading_goes_on(server)
        await crowd.until_accepted(200)
        await until_ready(server)
        await crowd.settle(f"{call} fails with {fault} {FAILURES} times")
        assert await server.terminate() == 0
    assert (tmp_path / "trace").read_text().count("(INJECTED)") == FAILURES


@pytest.mark.slow
async def test_permissions_taken_away_while_running_count_at_the_next_start(tmp_path: Path) -> None:
    """What is open stays open, so a file and folder made read-only stop nobody; a start is refused with the reason, and
    works once they are writable again. Nothing is lost on the way."""
    log = tmp_path / "log"
    place = tmp_path / "database"
    place.mkdir()
    command = ["sh", "-c", f'exec "$@" 2>>{log}', "sh"]
    if not os.geteuid():  # permissions bind root only without its capabilities
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    async with asyncio.timeout(60), ServerProcess(place, command=command) as server, crowd_at(server) as crowd:
        await crowd.until_accepted(100)
        files = [place / name for name in ("hubbub.db", "hubbub.db-wal", "hubbub.db-shm")]
        try:
            for file in files:
                file.chmod(0o444)
            place.chmod(0o555)
            await crowd.until_accepted(100)
            assert (await ask(server, "/readyz")).status == 200
            await expect_reading_goes_on(server)
            await server.kill()
            with pytest.raises(RuntimeError, match="the server ended with"):
                await server.start()
            refusal = log.read_text().splitlines()[-1]
            assert "HUBBUB_STORE" in refusal, refusal
            assert "read-only" in refusal, refusal
        finally:
            place.chmod(0o755)
            for file in files:
                if file.exists():
                    file.chmod(0o644)
        await server.start()
        await crowd.until_accepted(100)
        await crowd.settle("made read-only, killed, refused a start, made writable")
        assert not crowd.refused
        assert await server.terminate() == 0
        assert "Traceback" not in log.read_text()
