"""Idle viewers: what one costs."""

from __future__ import annotations

import time
from pathlib import Path

from bench.measure import memory
from bench.programs import Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

CROWDS = (1_000, 5_000, 10_000, 15_000)


class Memory(Scenario):
    name = "memory"
    title = f"Memory of the process for each idle viewer, {CROWDS[-1]:,} of them"
    note = "private resident bytes beyond those with 100 viewers; format plain; kernel buffers are not the process's"

    def run(self, folder: Path) -> None:
        with Hubbub(folder / "hubbub") as target, Watch(target.port, folder, [target.watching("v")] * 100) as first:
            first.open()
            base = memory(target.pid)
            points = [(100.0, base / 2**20)]
            for viewers in CROWDS:
                with Watch(target.port, folder, [target.watching("v")] * (viewers - 100)) as crowd:
                    crowd.open()
                    time.sleep(2)  # what connecting needed is let go
                    grown = memory(target.pid)
                points.append((float(viewers), grown / 2**20))
        self.line("Memory against viewers", "Hubbub", points, x="viewers", y="MiB")
        each = (grown - base) / (CROWDS[-1] - 100) / 1024
        self.figure("for each idle viewer", "KiB", each, must=("<=", 3), aim=("<=", 2))
        self.figure("the process without them", "MiB", base / 2**20)
