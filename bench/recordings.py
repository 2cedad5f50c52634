"""Videos of which much was said before: databases filled by the store itself, without the network's part."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.measure import ROOT
from hubbub.ids import first_id_at
from hubbub.model import Comment, Status, User
from hubbub.stores.sqlite import SqliteStore

FEW, MANY = 10_000, 1_000_000
"""Comments of the videos ``few`` and ``many`` in `filled`."""

BEGAN = 1_760_000_000_000
STEP = 10
"""Milliseconds between two comments there."""

_BATCH = 512


def filled() -> Path:
    """The database with both, made once a checkout: half a minute's work."""
    path = ROOT / "bench" / ".build" / "history.db"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        for stale in path.parent.glob("history.new*"):
            stale.unlink()
        fill(fresh, few=(FEW, STEP), many=(MANY, STEP))
        fresh.rename(path)
    return path


def fill(path: Path, **videos: tuple[int, int]) -> None:
    """A new database; of each video how many comments it has, and the ms between two, the first at `BEGAN`. A comment's
    stamp is its number and its place in ms.
    """
    asyncio.run(_fill(path, videos))


def id_of(number: int, step: int = STEP) -> str:
    """The id of a video's comment."""
    return first_id_at(BEGAN + number * step)


def silence(path: Path, seconds: int) -> None:
    """A WAV file of it: a hole on the disk, and yet something that a player takes an hour to play."""
    rate, width = 8_000, 2
    size = seconds * rate * width
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * width, width, 8 * width)  # PCM, one channel
    head = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)


async def _fill(path: Path, videos: dict[str, tuple[int, int]]) -> None:
    store = SqliteStore(path)
    await store.open()
    for video, (count, step) in videos.items():
        comments = _comments(video, count, step)
        while batch := list(islice(comments, _BATCH)):
            await asyncio.gather(*map(store.append, batch))
    await store.close()


def _comments(video: str, count: int, step: int) -> Iterator[Comment]:
    for number in range(count):
        user = User(f"user{number % 997}", f"Somebody {number % 997}")
        text = f"~{number}.{number * step}~ what a goal, did you see how he turned there? unbelievable"
        yield Comment(video, id_of(number, step), user, text, BEGAN + number * step, None, Status.VISIBLE)
