"""Another program that holds the database locked."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.chaos.hardship import crowd_at, expect_not_ready, expect_reading_goes_on, until_ready

from hubbub.testing.server import ServerProcess


@pytest.mark.parametrize(
    ("begin", "patience", "held"),
    [
        pytest.param("BEGIN IMMEDIATE", 1.0, 2.5, marks=pytest.mark.slow),
        pytest.param("BEGIN EXCLUSIVE", 1.0, 2.5, marks=pytest.mark.slow),
        pytest.param("BEGIN EXCLUSIVE", 5.0, 12.5, marks=pytest.mark.soak),
    ],
)
async def test_posts_wait_out_a_short_lock_are_refused_by_a_long_one_and_are_never_doubled(
    tmp_path: Path, begin: str, patience: float, held: float
) -> None:
    """While another program keeps the write lock, posts get 503 after HUBBUB_STORE_TIMEOUT or wait until it lets go;
    whoever repeats a post exists once, and reading goes on."""
    server = ServerProcess(tmp_path, HUBBUB_STORE_TIMEOUT=f"{patience}s")
    async with asyncio.timeout(held + 40), server, crowd_at(server) as crowd:
        await crowd.until_accepted(100)
        with closing(sqlite3.connect(tmp_path / "hubbub.db", isolation_level=None)) as other:
            other.execute(begin)
            letting_go = asyncio.get_running_loop().call_later(held, other.execute, "ROLLBACK")
            before = crowd.accepted
            await expect_reading_goes_on(server)
            words = await crowd.until_refused()
            assert "Another program holds the database locked" in words
            assert "locked" in await expect_not_ready(server)
            assert crowd.refused.total() >= len(crowd.posters)
            assert crowd.accepted <= before + len(crowd.posters), "something was accepted while the file was locked"
            await crowd.until_accepted(1)
            waited_through = crowd.refused.total()
            assert letting_go.when() <= asyncio.get_running_loop().time()
        await crowd.until_accepted(200)
        await until_ready(server)
        await crowd.settle(f"{begin} for {held} s with a time-out of {patience} s")
        assert crowd.refused.total() == waited_through, "posts were refused after the lock had gone"
        assert max(poster.longest_refusal for poster in crowd.posters) >= patience * 0.9
        assert await server.terminate() == 0
