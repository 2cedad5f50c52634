"""``kill -9`` of a gateway whose viewers come back at once, by the same address, and land on another one."""

from __future__ import annotations

import time
from itertools import count, islice
from pathlib import Path

from bench.programs import Ask, BenchError, Read, Watch
from bench.scenario import Scenario
from bench.service import Service, service
from bench.targets import Hubbub

VIEWERS = 5_000
VIDEOS = 50
BEFORE, AFTER = 4, 2
"""Comments on each video."""


class Reconnecting(Scenario):
    name = "reconnecting"
    title = f"{VIEWERS:,} viewers of a gateway that is killed come back at once on another"
    note = (
        "2 gateways, 2 API processes, Redis, nginx as in deploy/nginx, all on the server's core; "
        f"{VIDEOS} videos, all of them on the gateway that gets kill -9; from then until every viewer has all "
        f"{BEFORE + AFTER} comments of its video, each once, {AFTER} of which are posted in the second after; format "
        "plain, with Last-Event-ID. How often the store was asked is what the metrics of the other gateway say "
        "(hubbub_store_reads_total, hubbub_store_polls_total)"
    )

    def __init__(self, viewers: int = VIEWERS, videos: int = VIDEOS) -> None:
        super().__init__()
        self._viewers = viewers
        self._videos = videos

    def run(self, folder: Path) -> None:
        with service(folder) as parts:
            victim, heir = parts.gateways
            videos = self._placed_on(victim, parts)
            requests = [parts.watching(videos[number % len(videos)]) for number in range(self._viewers)]
            posts = [parts.posting(video) for video in videos]
            before, after = BEFORE * len(videos), AFTER * len(videos)
            with Watch(parts.port, folder, requests, groups=len(videos)) as crowd:
                crowd.resume(self._viewers)
                crowd.open()
                parts.wait_for_viewers(self._viewers)
                if heir.metric("hubbub_viewers"):
                    raise BenchError("nginx sent viewers to the gateway that nobody was to be on")
                crowd.mark()
                Ask(parts.port, folder, posts, connections=4, seconds=1, rate=before).result().must_be_all(201)
                crowd.wait(BEFORE, 20).must_be_whole(before)
                asked = -_store_asked(heir)
                crowd.tell(f"wait {BEFORE + AFTER} 30")
                began = time.monotonic()
                victim.kill()
                used = parts.cpu()
                posting = Ask(parts.port, folder, posts, connections=4, seconds=1, rate=after, first=before)
                posting.result().must_be_all(201)
                read = Read(crowd.answer())
                took = time.monotonic() - began
                used = {part: seconds - used[part] for part, seconds in parts.cpu().items()}
                if read.resets:
                    raise BenchError(f"{read.resets} viewers were told reset")
                read.must_be_whole(before + after)
                asked += _store_asked(heir)
        self.figure("all exact after", "s", took, must=("<=", 5), aim=("<=", 2))
        self.figure("the store asked, for each video", "×", asked / len(videos), must=("<=", 1))
        for part, seconds in used.items():
            self.figure(f"… CPU of {part.replace('gateways', 'the other gateway')}", "s", seconds)
        self.figure("… the load's busy share of its core", "", read.cpu_share)

    def _placed_on(self, gateway: Hubbub, parts: Service) -> list[str]:
        """Videos whose viewers nginx sends to that gateway."""
        found: list[str] = []
        names = (f"video-{number}" for number in count())
        while len(found) < self._videos:
            batch = list(islice(names, self._videos))
            found += [video for video, place in parts.places(batch).items() if place is gateway]
        return found[: self._videos]


def _store_asked(gateway: Hubbub) -> float:
    return gateway.metric("hubbub_store_reads_total") + gateway.metric("hubbub_store_polls_total")
