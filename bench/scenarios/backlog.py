"""Newcomers who take a full backlog, as many as come."""

from __future__ import annotations

from pathlib import Path

from bench.measure import cpu_seconds
from bench.programs import Ask, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

VIEWERS = 10_000
BACKLOG = 100


class Backlog(Scenario):
    name = "backlog"
    title = f"New viewers taking a backlog of {BACKLOG}"
    note = (
        f"format plain; {VIEWERS:,} connect, at most 256 at a time; until the last of them has its {BACKLOG} comments"
    )

    def run(self, folder: Path) -> None:
        with Hubbub(folder / "hubbub", query=f"backlog={BACKLOG}") as target:
            asking = Ask(target.port, folder, [target.posting("v")], connections=1, seconds=2, rate=BACKLOG / 2)
            asking.result().must_be_all(201)
            with Watch(target.port, folder, [target.watching("v")] * VIEWERS) as crowd:
                before = cpu_seconds(target.pids)
                crowd.mark()
                crowd.open()
                read = crowd.wait(BACKLOG, 30)
                used = cpu_seconds(target.pids) - before
        read.must_be_whole(BACKLOG)
        self.figure("new viewers/s", "/s", VIEWERS / read.seconds, must=(">=", 2_000), aim=(">=", 5_000))
        self.figure("… the server's CPU for each", "µs", used / VIEWERS * 1e6)
        self.figure("… the load's busy share of its core", "", read.cpu_share)
