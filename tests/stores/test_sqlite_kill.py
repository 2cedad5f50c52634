"""``kill -9`` in the middle of everything."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_comment

SCRIPT = Path(__file__).with_name("append_until_killed.py")


async def acknowledged_until_killed(path: Path, count: int) -> dict[int, str]:
    """Kill a posting process after ``count`` acknowledgements: what it had acknowledged, ids by offset."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(count)]
    process.kill()
    lines += [line async for line in process.stdout]
    await process.wait()
    whole = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {int(offset): comment_id for offset, comment_id in whole}


@pytest.mark.slow
async def test_every_acknowledged_append_outlives_kill_9(tmp_path: Path) -> None:
    """Killed three times under load: each acknowledged comment is in its place, the log dense, the epoch the same."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    epoch = (await store.log_tail("video", 0)).head.epoch
    await store.close()

    acknowledged: dict[int, str] = {}
    for _ in range(3):
        acknowledged |= await acknowledged_until_killed(store.path, 1_500)
    assert len(acknowledged) >= 4_500

    await store.open()
    head, entries = await store.log_tail("video", 1_000_000)
    logged = {entry.position.offset: entry.event.id for entry in entries}
    assert list(logged) == list(range(1, head.offset + 1))
    assert acknowledged.items() <= logged.items()
    assert head.epoch == epoch
    kept = {comment.id for comment in await store.page("video", after=None, limit=1_000_000, order="asc")}
    assert kept == set(logged.values())
    position = (await store.append(make_comment())).position
    assert position is not None
    assert position.offset == head.offset + 1
    await store.close()
