"""Many videos at once, in parts over Redis: a comment's cost must not grow with what others watch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measure import cpu_seconds
from bench.programs import Ask, Watch
from bench.scenario import Scenario
from bench.service import Redis, part

VIEWERS = 10_000
HERE = 100
VIDEOS = (10, 100, 1_000, 9_901)
RATE, SECONDS = 100, 6.0
QUIET = 3.0


class Spent(NamedTuple):
    """CPU seconds of gateway and API process, and bytes that Redis has sent; of a comment or of a second of quiet."""

    gateway: float
    api: float
    sent: float


class VideosOverRedis(Scenario):
    name = "videos-over-redis"
    title = "The cost of one comment over Redis with 10 … 10,000 videos watched"
    note = (
        f"a gateway and an API process; {VIEWERS:,} viewers throughout, {HERE} of them on the video that is commented "
        f"on, so {VIDEOS[-1]:,} videos at most; {RATE} comments/s; the CPU of both processes and all that Redis sends "
        "meanwhile, position checks and counts of viewers included"
    )

    def __init__(self, viewers: int = VIEWERS, videos: Sequence[int] = VIDEOS, seconds: float = SECONDS) -> None:
        super().__init__()
        self._viewers = viewers
        self._videos = videos
        self._seconds = seconds

    def run(self, folder: Path) -> None:
        spent = {videos: self._measure(folder / str(videos), videos) for videos in self._videos}
        cpu = [comment.gateway + comment.api for comment, _ in spent.values()]
        sent = [comment.sent for comment, _ in spent.values()]
        for name, costs in (
            ("gateway and API process", cpu),
            ("gateway", [comment.gateway for comment, _ in spent.values()]),
            ("API process", [comment.api for comment, _ in spent.values()]),
        ):
            points = [(float(videos), cost * 1e6) for videos, cost in zip(spent, costs, strict=True)]
            self.line("CPU of one comment", name, points, x="videos watched", y="µs", log_x=True)
        self.figure("CPU, dearest beside cheapest", "×", max(cpu) / min(cpu), must=("<=", 1.5), aim=("<=", 1.1))
        self.figure("Redis's bytes, most beside fewest", "×", max(sent) / min(sent), must=("<=", 1.5), aim=("<=", 1.1))
        for videos, (comment, quiet) in spent.items():
            self.figure(f"{videos:,} videos", "µs", (comment.gateway + comment.api) * 1e6)
            self.figure(f"… {videos:,} videos: the gateway of that", "µs", comment.gateway * 1e6)
            self.figure(f"… {videos:,} videos: Redis sends", "bytes", comment.sent)
            self.figure(f"… {videos:,} videos: a second without comments, gateway", "ms", quiet.gateway * 1e3)
            self.figure(f"… {videos:,} videos: a second without comments, Redis", "bytes", quiet.sent)

    def _measure(self, folder: Path, videos: int) -> tuple[Spent, Spent]:
        """Of one comment, and of a second without any."""
        with (
            Redis(folder / "redis") as redis,
            part(folder / "hubbub", "api", redis) as api,
            part(folder / "hubbub", "gateway", redis) as gateway,
        ):
            elsewhere = range(self._viewers - HERE)
            others = [gateway.watching(f"other{number % (videos - 1)}") for number in elsewhere]
            with (
                Watch(gateway.port, gateway.folder, others) as rest,
                Watch(gateway.port, folder, [gateway.watching("v")] * HERE) as here,
            ):
                rest.open()
                here.open()
                gateway.wait_for_viewers(self._viewers)

                def spent() -> Spent:
                    return Spent(cpu_seconds(gateway.pids), cpu_seconds(api.pids), redis.sent())

                time.sleep(1)  # what opening the videos needed is over
                before = spent()
                time.sleep(QUIET)
                quiet = _each(before, spent(), QUIET)
                here.mark()
                before = spent()
                post = [api.posting("v")]
                posts = Ask(api.port, folder, post, connections=4, seconds=self._seconds, rate=RATE)
                count = int(RATE * self._seconds)
                read = here.wait(count, self._seconds + 10)
                comment = _each(before, spent(), count)
                posts.result().must_be_all(201)
                read.must_be_whole(count)
        return comment, quiet


def _each(before: Spent, after: Spent, count: float) -> Spent:
    return Spent(*((later - earlier) / count for earlier, later in zip(before, after, strict=True)))
