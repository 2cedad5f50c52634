"""Pages of a video with a million comments, beside one with ten thousand."""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.measure import ROOT
from bench.programs import Ask, Percentiles
from bench.scenario import Scenario
from bench.targets import Hubbub, http_request
from hubbub.ids import first_id_at
from hubbub.model import Comment, Status, User
from hubbub.stores.sqlite import SqliteStore
from hubbub.wire.cursors import encode_cursor

FEW, MANY = 10_000, 1_000_000
BEGAN = 1_760_000_000_000
RATE, SECONDS = 200, 4.0
_BATCH = 512


class History(Scenario):
    name = "history"
    title = f"Pages of history with {MANY:,} comments in the video"
    note = (
        f"50 comments a page, {RATE} pages/s on 8 connections; middle: a cursor in the middle half, 500 in turn; "
        "the file is in the system's page cache"
    )

    def run(self, folder: Path) -> None:
        folder = folder / "hubbub"
        folder.mkdir()
        shutil.copy(_filled(), folder / "bench.db")
        with Hubbub(folder) as target:
            newest, middle = (self._pages(target, "many", MANY, where) for where in ("newest", "middle"))
            few_newest, few_middle = (self._pages(target, "few", FEW, where) for where in ("newest", "middle"))
        self.latency("A page", f"newest of {MANY:,}", newest)
        self.latency("A page", f"middle of {MANY:,}", middle)
        self.latency("A page", f"newest of {FEW:,}", few_newest)
        self.figure("newest page, p99", "ms", newest.at(99), must=("<=", 10), aim=("<=", 5))
        self.figure("middle page, p99", "ms", middle.at(99), must=("<=", 10), aim=("<=", 5))
        self.figure(f"newest page, p50 beside that of {FEW:,}", "×", newest.at(50) / few_newest.at(50), must=("<=", 2))
        self.figure(f"middle page, p50 beside that of {FEW:,}", "×", middle.at(50) / few_middle.at(50), must=("<=", 2))

    @staticmethod
    def _pages(target: Hubbub, video: str, count: int, where: str) -> Percentiles:
        path = f"/v1/videos/{video}/comments"
        if where == "newest":
            requests = [http_request("GET", path, {})]
        else:
            places = [_id(count // 4 + step * (count // 2) // 500) for step in range(500)]
            requests = [http_request("GET", f"{path}?cursor={encode_cursor(place)}", {}) for place in places]
        page = json.load(urllib.request.urlopen(f"http://127.0.0.1:{target.port}{path}"))
        assert len(page["comments"]) == 50
        asking = Ask(target.port, target.folder, requests, connections=8, seconds=SECONDS, rate=RATE)
        return asking.result().must_be_all(200).latency


def _filled() -> Path:
    """The database, made once a checkout: half a minute's work for the store itself."""
    path = ROOT / "bench" / ".build" / "history.db"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        for stale in path.parent.glob("history.new*"):
            stale.unlink()
        asyncio.run(_fill(fresh))
        fresh.rename(path)
    return path


async def _fill(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    for video, count in (("few", FEW), ("many", MANY)):
        comments = _comments(video, count)
        while batch := list(islice(comments, _BATCH)):
            await asyncio.gather(*map(store.append, batch))
    await store.close()


def _comments(video: str, count: int) -> Iterator[Comment]:
    for number in range(count):
        user = User(f"user{number % 997}", f"Somebody {number % 997}")
        text = f"{number} what a goal, did you see how he turned there? unbelievable"
        yield Comment(video, _id(number), user, text, BEGAN + number * 10, None, Status.VISIBLE)


def _id(number: int) -> str:
    return first_id_at(BEGAN + number * 10)
