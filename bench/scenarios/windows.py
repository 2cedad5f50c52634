"""Replay windows of a video with a million comments, as the client asks for them."""

from __future__ import annotations

import random
import shutil
import urllib.request
from pathlib import Path

from bench.programs import Ask, Percentiles
from bench.recordings import BEGAN, FEW, MANY, STEP, filled, id_of
from bench.scenario import Scenario
from bench.targets import Hubbub, http_request
from hubbub.wire.cursors import encode_cursor

WINDOW, PAGE = 180, 1_000
"""Seconds of a window, and comments of a page of it: what ``client/windows.js`` asks for."""

RATE, SECONDS = 20, 12.0
_EACH = WINDOW * 1000 // STEP
"""Comments in a window."""


class Windows(Scenario):
    name = "windows"
    title = f"Replay windows with {MANY:,} comments in the video"
    note = (
        f"an ended video, windows of {WINDOW} s in pages of {PAGE:,} comments, as the client asks for them; {RATE} "
        "pages/s on 8 connections, timed from when each was due; every one another page, in an order that leaps about "
        "in the recording, and none known by its ETag; those that are, by themselves (304). The file is in the "
        "system's page cache"
    )

    def run(self, folder: Path) -> None:
        folder = folder / "hubbub"
        folder.mkdir()
        shutil.copy(filled(), folder / "bench.db")
        with Hubbub(folder) as target:
            for video in ("few", "many"):
                target.end(video, BEGAN)
            many, few = self._ask(target, pages("many", MANY), 200), self._ask(target, pages("few", FEW), 200)
            firsts = [path for path in pages("many", MANY) if "cursor" not in path]
            known = self._ask(target, firsts, 304, [_etag(target, path) for path in firsts])
        self.latency("A replay window", f"of {MANY:,}", many)
        self.latency("A replay window", f"of {FEW:,}", few)
        self.latency("A replay window", "answered 304", known)
        self.figure("p99", "ms", many.at(99), must=("<", 20), aim=("<=", 10))
        self.figure("p50", "ms", many.at(50))
        self.figure(f"p50 beside that of {FEW:,}", "×", many.at(50) / few.at(50), must=("<=", 2))
        self.figure("answered 304, p99", "ms", known.at(99), must=("<", 20), aim=("<=", 10))

    @staticmethod
    def _ask(target: Hubbub, paths: list[str], status: int, etags: list[str] | None = None) -> Percentiles:
        heads = [{"If-None-Match": etag} for etag in etags] if etags else [{}] * len(paths)
        requests = [http_request("GET", path, head) for path, head in zip(paths, heads, strict=True)]
        asking = Ask(target.port, target.folder, requests, connections=8, seconds=SECONDS, rate=RATE)
        return asking.result().must_be_all(status).latency


def pages(video: str, count: int) -> list[str]:
    """The address of every page of every window."""
    paths = []
    for first in range(0, count, PAGE):
        window, place = divmod(first, _EACH)
        path = f"/v1/videos/{video}/replay?start={window * WINDOW}&duration={WINDOW}&limit={PAGE}"
        paths.append(f"{path}&cursor={encode_cursor(id_of(first - 1))}" if place else path)
    random.Random(1).shuffle(paths)
    return paths


def _etag(target: Hubbub, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{target.port}{path}") as answer:
        return str(answer.headers["ETag"])
