"""Run by test_sqlite_processes.py: opens the store when a line comes on stdin, prints its epoch, posts once, ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_comment


async def main(path: Path) -> None:
    """Open at the same moment as others."""
    store = SqliteStore(path)
    sys.stdout.write("here\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await store.open()
    appended = await store.append(make_comment())
    assert appended.position is not None
    sys.stdout.write(f"{appended.position.epoch} {appended.position.offset}\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
