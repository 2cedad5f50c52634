"""The service in parts behind nginx, as on many machines: how late comments are, beside one plain process."""

from __future__ import annotations

from pathlib import Path

from bench.programs import Ask, Read, Watch, seconds_for
from bench.scenario import Scenario
from bench.service import Service, service
from bench.targets import Hubbub

VIEWERS = 2_000
VIDEOS = [f"video-{number}" for number in range(20)]
RATE, ROUNDS = 50, 30
"""Comments a second, and comments on each video."""


class Spread(Scenario):
    name = "spread"
    title = f"2 gateways, 2 API processes, Redis, nginx: {VIEWERS:,} viewers, {len(VIDEOS)} videos, {RATE} comments/s"
    note = (
        "post to receipt; format plain; nginx as in deploy/nginx, without TLS; all processes on the server's core, the "
        "store one SQLite file that they share; beside the same load on one `hubbub serve` with neither nginx nor Redis"
    )

    def __init__(self, viewers: int = VIEWERS, rounds: int = ROUNDS) -> None:
        super().__init__()
        self._viewers = viewers
        self._rounds = rounds

    def run(self, folder: Path) -> None:
        with Hubbub(folder / "alone") as alone:
            plain, _ = self._read(alone, folder)
        with service(folder) as parts:
            read, used = self._read(parts, folder)
        self.latency("Post to receipt", "Hubbub in parts", read.delay)
        self.latency("Post to receipt", "Hubbub, one process", plain.delay)
        self.figure("p50", "ms", read.delay.at(50), must=("<", 25), aim=("<", 10))
        self.figure("p99", "ms", read.delay.at(99), must=("<", 120), aim=("<", 50))
        self.figure("one process, p50", "ms", plain.delay.at(50))
        self.figure("one process, p99", "ms", plain.delay.at(99))
        self.figure("p50 beside one process", "×", read.delay.at(50) / plain.delay.at(50))
        self.figure("p99 beside one process", "×", read.delay.at(99) / plain.delay.at(99))
        for name, seconds in used.items():
            self.figure(f"… share of the core: {name}", "", seconds / read.seconds)
        self.figure("… the load's busy share of its core", "", read.cpu_share)

    def _read(self, target: Hubbub | Service, folder: Path) -> tuple[Read, dict[str, float]]:
        """What the viewers had, and the CPU seconds of each part meanwhile."""
        requests = [target.watching(VIDEOS[number % len(VIDEOS)]) for number in range(self._viewers)]
        posts = [target.posting(video) for video in VIDEOS]
        with Watch(target.port, folder, requests, groups=len(VIDEOS)) as crowd:
            crowd.open()
            target.wait_for_viewers(self._viewers)
            crowd.mark()
            # Each video's first comment has more to do than those that follow.
            warming = Ask(target.port, folder, posts, connections=4, seconds=seconds_for(len(VIDEOS), RATE), rate=RATE)
            warming.result().must_be_all(201)
            crowd.wait(1, 20).must_be_whole(len(VIDEOS))
            crowd.mark()
            before = target.cpu()
            count = self._rounds * len(VIDEOS)
            asking = Ask(target.port, folder, posts, connections=4, seconds=seconds_for(count, RATE), rate=RATE)
            read = crowd.wait(self._rounds, count / RATE + 20)
            after = target.cpu()
            asking.result().must_be_all(201)
            read.must_be_whole(count)
            return read, {name: after[name] - before[name] for name in after}
