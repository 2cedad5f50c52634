"""Ten comments a second to ten thousand viewers: how late each is, beside the time of a bare C loop's sweep."""

from __future__ import annotations

from pathlib import Path

from bench.peers.floor import Floor
from bench.programs import Ask, BenchError, Read, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub, Target

VIEWERS = 10_000
RATE = 10
SECONDS = 12.0


class Paced(Scenario):
    name = "paced"
    title = f"{RATE} comments/s to {VIEWERS:,} viewers, post to receipt"
    note = (
        "format plain; both paced alike; the measure is the median time of the C loop's sweeps over as many viewers "
        "with the same frames"
    )

    def run(self, folder: Path) -> None:
        with Hubbub(folder / "frame") as hubbub:
            frame = hubbub.captured_frame("v")
        floor = Floor(folder / "floor", frame)
        theirs = self._read(floor, folder)
        if floor.sweeps is None:
            raise BenchError("the C loop did not say how long it took")
        sweep = floor.sweeps.at(50)
        ours = self._read(Hubbub(folder / "hubbub"), folder)
        self.latency("Post to receipt", "C send loop", theirs.delay)
        self.latency("Post to receipt", "Hubbub", ours.delay)
        self.figure("the C loop's sweep", "ms", sweep)
        self.figure("p50 beside the C loop's sweep", "×", ours.delay.at(50) / sweep, must=("<=", 1.5), aim=("<=", 1))
        self.figure("p99 beside the C loop's sweep", "×", ours.delay.at(99) / sweep, must=("<=", 4), aim=("<=", 2.5))
        self.figure("p50", "ms", ours.delay.at(50))
        self.figure("p99", "ms", ours.delay.at(99))
        self.figure("the load's busy share of its core", "", ours.cpu_share)

    @staticmethod
    def _read(target: Target, folder: Path) -> Read:
        with target, Watch(target.port, target.folder, [target.watching("v")] * VIEWERS) as crowd:
            crowd.open()
            post = [target.posting("v")]
            Ask(target.port, folder, post, connections=4, seconds=2, rate=RATE).result()
            crowd.wait(2 * RATE, 10)
            crowd.mark()
            count = int(RATE * SECONDS)
            posts = Ask(target.port, folder, post, connections=4, seconds=SECONDS, rate=RATE)
            read = crowd.wait(count, SECONDS + 10)
            posts.result().must_be_all(201)
            read.must_be_whole(count)
            return read
