"""Many videos at once: a comment's cost must not grow with what others watch."""

from __future__ import annotations

from pathlib import Path

from bench.measure import cpu_seconds
from bench.programs import Ask, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

VIEWERS = 10_000
HERE = 100
VIDEOS = (10, 100, 1_000, 9_901)
RATE, SECONDS = 100, 6.0


class Videos(Scenario):
    name = "videos"
    title = "The cost of one comment with 10 … 10,000 videos watched"
    note = (
        f"{VIEWERS:,} viewers throughout, {HERE} of them on the video that is commented on, {RATE} comments/s; the CPU "
        "of the whole process"
    )

    def run(self, folder: Path) -> None:
        points = []
        for videos in VIDEOS:
            with Hubbub(folder / f"hubbub-{videos}") as target:
                others = [target.watching(f"other{number % (videos - 1)}") for number in range(VIEWERS - HERE)]
                with (
                    Watch(target.port, target.folder, others) as rest,
                    Watch(target.port, folder, [target.watching("v")] * HERE) as here,
                ):
                    rest.open()
                    here.open()
                    target.wait_for_viewers(VIEWERS)
                    here.mark()
                    before = cpu_seconds(target.pids)
                    post = [target.posting("v")]
                    posts = Ask(target.port, folder, post, connections=4, seconds=SECONDS, rate=RATE)
                    count = int(RATE * SECONDS)
                    read = here.wait(count, SECONDS + 10)
                    used = cpu_seconds(target.pids) - before
                    posts.result().must_be_all(201)
                    read.must_be_whole(count)
            points.append((float(videos), used / count * 1e6))
        self.line("CPU of one comment", "Hubbub", points, x="videos watched", y="µs", log_x=True)
        costs = [cost for _, cost in points]
        self.figure("dearest beside cheapest", "×", max(costs) / min(costs), must=("<=", 1.5), aim=("<=", 1.1))
        for watched, cost in points:
            self.figure(f"with {watched:,.0f} videos", "µs", cost)
