"""A hot video: ten thousand viewers, hundreds of comments a second, one core."""

from __future__ import annotations

from pathlib import Path

from bench.measure import cpu_seconds
from bench.programs import Ask, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

VIEWERS = 10_000
RATES = (50, 100, 150, 200, 250)
SECONDS = 6.0
AIM = 2_000_000
ENOUGH = 250.0
"""p99 in ms up to which a rate counts as kept up with."""


class Hot(Scenario):
    name = "hot"
    title = f"A hot video: {VIEWERS:,} viewers, one core"
    note = (
        f"format batch=1; comments at {RATES[0]} to {RATES[-1]} a second for {SECONDS:g} s each; every viewer must "
        "get every comment once"
    )

    def run(self, folder: Path) -> None:
        best, points = 0.0, []
        with Hubbub(folder / "hubbub", query="backlog=0&batch=1") as target:
            requests = [target.watching("v")] * VIEWERS
            with Watch(target.port, target.folder, requests) as crowd:
                crowd.open()
                first = 0
                for rate in RATES:
                    crowd.mark()
                    count = int(rate * SECONDS)
                    before = cpu_seconds(target.pids)
                    post = [target.posting("v")]
                    posts = Ask(target.port, folder, post, connections=16, seconds=SECONDS, rate=rate, first=first)
                    read = crowd.wait(count, SECONDS + 10)
                    asked = posts.result().must_be_all(201)
                    read.must_be_whole(count, first)
                    used = (cpu_seconds(target.pids) - before) / read.seconds
                    first += count
                    deliveries, delay = read.deliveries / read.seconds, read.delay.at(99)
                    points.append((deliveries, delay))
                    if rate in (100, 200):
                        self.latency("Post to receipt", f"{rate} comments/s", read.delay)
                    if rate == AIM // VIEWERS:
                        self.figure(f"p99 at {AIM:,} deliveries/s", "ms", delay, must=("<=", 250), aim=("<=", 200))
                        self.figure("… the server's share of its core", "", used)
                        self.figure("… the load's busy share of its core", "", read.cpu_share)
                        self.figure("… posts' p99 meanwhile", "ms", asked.latency.at(99))
                    if delay < ENOUGH:
                        best = max(best, deliveries)
        self.line("Delay against deliveries", "Hubbub p99", points, x="comment deliveries/s", y="ms")
        name = f"comment deliveries/s with p99 < {ENOUGH:g} ms"
        self.figure(name, "/s", best, must=(">=", 1_000_000), aim=(">=", AIM))
