"""Pages of a video with a million comments, beside one with ten thousand."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path

from bench.programs import Ask, Percentiles
from bench.recordings import FEW, MANY, filled, id_of
from bench.scenario import Scenario
from bench.targets import Hubbub, http_request
from hubbub.wire.cursors import encode_cursor

RATE, SECONDS = 200, 4.0


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
        shutil.copy(filled(), folder / "bench.db")
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
            places = [id_of(count // 4 + step * (count // 2) // 500) for step in range(500)]
            requests = [http_request("GET", f"{path}?cursor={encode_cursor(place)}", {}) for place in places]
        page = json.load(urllib.request.urlopen(f"http://127.0.0.1:{target.port}{path}"))
        assert len(page["comments"]) == 50
        asking = Ask(target.port, target.folder, requests, connections=8, seconds=SECONDS, rate=RATE)
        return asking.result().must_be_all(200).latency
