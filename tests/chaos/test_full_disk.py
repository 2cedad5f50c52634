"""A disk without room: posts are refused in words, everything else goes on, and space is all that it takes to heal."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.hardship import ask, crowd_at, expect_not_ready, expect_reading_goes_on, until_ready

from hubbub.testing.server import ServerProcess

_LEFT = 300_000
"""Bytes of room that are left to the service."""


@pytest.mark.slow
async def test_a_quota_that_is_used_up_refuses_posts_until_it_is_raised(tmp_path: Path) -> None:
    """A write that the system refuses by size is a 503 with its cause; the next one that fits is taken."""
    async with asyncio.timeout(60), ServerProcess(tmp_path) as server, crowd_at(server) as crowd:
        await crowd.until_accepted(100)
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        size = (tmp_path / "hubbub.db-wal").stat().st_size
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + _LEFT, hard))
        words = await crowd.until_refused(50)
        assert "The disk failed (SQLITE_IOERR_WRITE): File too large. Check its space, quota" in words
        assert "The disk failed" in await expect_not_ready(server)
        await expect_reading_goes_on(server)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await crowd.until_accepted(200)
        await until_ready(server)
        await crowd.settle("quota used up")
        assert await server.terminate() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB; only root may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() or mount is None:
        pytest.skip("mounting takes root; the test with a quota stands in")
    command = [mount, "-t", "tmpfs", "-o", "size=40m", "hubbub-test", str(place)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {made.stderr}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.slow
async def test_a_full_disk_that_holds_the_log_too_refuses_posts_until_there_is_space(small_disk: Path) -> None:
    """On a file system without a free block, with the service's own log on it as well, posts are 503 and name the
    cause, reading goes on, and posts are taken again once something is deleted."""
    ballast = small_disk / "ballast"
    logged = small_disk / "hubbub.log"
    to_the_disk = ["sh", "-c", f'exec "$@" 2>>{logged}', "sh"]
    server = ServerProcess(small_disk, command=to_the_disk)
    async with asyncio.timeout(60), server, crowd_at(server) as crowd:
        await crowd.until_accepted(100)
        free = os.statvfs(small_disk)
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - _LEFT))
        words = await crowd.until_refused(50)
        assert "The disk that holds the database is full. Free space on it" in words
        with (small_disk / "more").open("wb") as file:  # the very last block, so that not even the log has room
            try:
                while True:
                    os.write(file.fileno(), bytes(1024))
            except OSError:
                pass
        assert "is full" in await expect_not_ready(server)
        assert (await ask(server, "/nowhere")).status == 404
        await expect_reading_goes_on(server)
        await crowd.until_refused(20)
        ballast.unlink()
        await crowd.until_accepted(200)
        await until_ready(server)
        await crowd.settle("full disk")
        assert await server.terminate() == 0
        assert "the store takes no writes" in logged.read_text()
        assert "the store takes writes again" in logged.read_text()
