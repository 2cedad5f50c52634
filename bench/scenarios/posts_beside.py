"""Posts while ten thousand watch: the sending must leave room for the accepting."""

from __future__ import annotations

from pathlib import Path

from bench.programs import Ask, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

VIEWERS = 10_000
RATE = 20
SECONDS = 12.0


class PostsBeside(Scenario):
    name = "posts-beside"
    title = f"Posts' p99 while {VIEWERS:,} viewers take {RATE} comments/s"
    note = "format plain; a post is timed from when it was due to its 201"

    def run(self, folder: Path) -> None:
        target = Hubbub(folder / "hubbub")
        with target, Watch(target.port, target.folder, [target.watching("v")] * VIEWERS) as crowd:
            crowd.open()
            crowd.mark()
            post = [target.posting("v")]
            posts = Ask(target.port, folder, post, connections=8, seconds=SECONDS, rate=RATE)
            read = crowd.wait(int(RATE * SECONDS), SECONDS + 10)
            asked = posts.result().must_be_all(201)
            read.must_be_whole(int(RATE * SECONDS))
        self.latency("Post to answer", "Hubbub", asked.latency)
        self.figure("posts' p99", "ms", asked.latency.at(99), must=("<=", 50), aim=("<=", 20))
        self.figure("posts' p50", "ms", asked.latency.at(50))
        self.figure("post to receipt, p99", "ms", read.delay.at(99))
