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
QUIET = 4.5
"""Seconds without comments: a check of positions at least, which comes after 4 s at the latest."""


class Spent(NamedTuple):
    """CPU seconds of gateway and API process, bytes that Redis has sent, scripts that it has run; in all, of a comment,
    or in a second.
    """

    gateway: float
    api: float
    sent: float
    scripts: float


class Cost(NamedTuple):
    """With so many videos watched: of a comment, with all that went on besides, and of a second without any."""

    videos: int
    comment: Spent
    quiet: Spent

    @property
    def cpu(self) -> float:
        """CPU seconds of a comment in both processes."""
        return self.comment.gateway + self.comment.api

    def pushed(self, scripts: int) -> float:
        """What Redis sends for a comment by itself, which has it run so many ``scripts``. The others that ran meanwhile
        were the same as in the quiet: checks of positions and counts of viewers.
        """
        others = self.comment.scripts - scripts
        return self.comment.sent - others * self.quiet.sent / self.quiet.scripts


class VideosOverRedis(Scenario):
    name = "videos-over-redis"
    title = "The cost of one comment over Redis with 10 … 10,000 videos watched"
    note = (
        f"a gateway and an API process; {VIEWERS:,} viewers throughout, {HERE} of them on the video that is commented "
        f"on, so {VIDEOS[-1]:,} videos at most; {RATE} comments/s. The CPU is that of both processes, with all that "
        "they do meanwhile; Redis's bytes are the comment's push and the answers to its post. What watching costs by "
        "itself, checks of positions above all, stands beside it: a second without comments"
    )

    def __init__(self, viewers: int = VIEWERS, videos: Sequence[int] = VIDEOS, seconds: float = SECONDS) -> None:
        super().__init__()
        self._viewers = viewers
        self._videos = videos
        self._seconds = seconds

    def run(self, folder: Path) -> None:
        costs = [self._measure(folder / str(videos), videos) for videos in self._videos]
        scripts = int(costs[0].comment.scripts)  # with few videos next to none are run besides
        pushed = [cost.pushed(scripts) for cost in costs]
        cpu = [cost.cpu for cost in costs]
        for name, values in (
            ("gateway and API process", cpu),
            ("gateway", [cost.comment.gateway for cost in costs]),
            ("API process", [cost.comment.api for cost in costs]),
        ):
            points = [(float(cost.videos), value * 1e6) for cost, value in zip(costs, values, strict=True)]
            self.line("CPU of one comment", name, points, x="videos watched", y="µs", log_x=True)
        self.figure("CPU, dearest beside cheapest", "×", max(cpu) / min(cpu), must=("<=", 1.5), aim=("<=", 1.1))
        name = "Redis's bytes, most beside fewest"
        self.figure(name, "×", max(pushed) / min(pushed), must=("<=", 1.5), aim=("<=", 1.1))
        for cost, size in zip(costs, pushed, strict=True):
            self.figure(f"{cost.videos:,} videos", "µs", cost.cpu * 1e6)
            self.figure(f"… {cost.videos:,} videos: the gateway of that", "µs", cost.comment.gateway * 1e6)
            self.figure(f"… {cost.videos:,} videos: Redis sends", "bytes", size)
            self.figure(f"… {cost.videos:,} videos: a second of quiet, gateway", "ms", cost.quiet.gateway * 1e3)
            self.figure(f"… {cost.videos:,} videos: a second of quiet, Redis", "bytes", cost.quiet.sent)

    def _measure(self, folder: Path, videos: int) -> Cost:
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
                    scripts = redis.scripts_run()
                    return Spent(cpu_seconds(gateway.pids), cpu_seconds(api.pids), redis.sent(), scripts)

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
        return Cost(videos, comment, quiet)


def _each(before: Spent, after: Spent, count: float) -> Spent:
    return Spent(*((later - earlier) / count for earlier, later in zip(before, after, strict=True)))
