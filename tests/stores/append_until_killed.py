"""Run by test_sqlite_kill.py: posts as fast as it can, and prints offset and id of each comment once it is kept."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_comment

POSTERS = 50


async def main(path: Path) -> None:
    """Post for ever."""
    store = SqliteStore(path)
    await store.open()

    async def post() -> None:
        while True:
            appended = await store.append(make_comment())
            assert appended.position is not None
            sys.stdout.write(f"{appended.position.offset} {appended.comment.id}\n")
            sys.stdout.flush()

    await asyncio.gather(*(post() for _ in range(POSTERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
