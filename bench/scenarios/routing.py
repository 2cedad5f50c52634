"""Viewers of one video on whichever gateway, against all on one: what each gateway has to carry."""

from __future__ import annotations

from pathlib import Path

from bench.programs import Ask, Watch, seconds_for
from bench.scenario import Scenario
from bench.service import service

GATEWAYS = 4
VIEWERS = 2_000
VIDEOS = [f"video-{number}" for number in range(40)]
RATE, ROUNDS = 50, 10
"""Comments a second, and comments on each video."""


class Routing(Scenario):
    name = "routing"
    title = f"{GATEWAYS} gateways: viewers at random against routed by video"
    note = (
        f"{VIEWERS:,} viewers of {len(VIDEOS)} videos, {RATE} comments/s; nginx as in deploy/nginx, and the same with "
        "`random` in place of the consistent hash; an API process, Redis. Pushes are the comments that a gateway has "
        "framed (hubbub_post_to_frame_seconds_count), and Redis's bytes are all that it sends meanwhile"
    )

    def __init__(self, viewers: int = VIEWERS, rounds: int = ROUNDS) -> None:
        super().__init__()
        self._viewers = viewers
        self._rounds = rounds

    def run(self, folder: Path) -> None:
        for name, routed in (("at random", False), ("routed", True)):
            self._measure(folder / name.replace(" ", "-"), name, routed=routed)

    def _measure(self, folder: Path, name: str, *, routed: bool) -> None:
        with service(folder, gateways=GATEWAYS, apis=1, routed=routed) as parts:
            requests = [parts.watching(VIDEOS[number % len(VIDEOS)]) for number in range(self._viewers)]
            posts = [parts.posting(video) for video in VIDEOS]
            with Watch(parts.port, folder, requests, groups=len(VIDEOS)) as crowd:
                crowd.open()
                parts.wait_for_viewers(self._viewers)
                crowd.mark()
                subscriptions = parts.redis.subscriptions()
                videos = [gateway.metric("hubbub_videos_open") for gateway in parts.gateways]
                pushes = [-gateway.metric("hubbub_post_to_frame_seconds_count") for gateway in parts.gateways]
                sent, used = -parts.redis.sent(), parts.cpu()
                count = self._rounds * len(VIDEOS)
                asking = Ask(parts.port, folder, posts, connections=4, seconds=seconds_for(count, RATE), rate=RATE)
                read = crowd.wait(self._rounds, count / RATE + 20)
                used = {part: seconds - used[part] for part, seconds in parts.cpu().items()}
                sent += parts.redis.sent()
                asking.result().must_be_all(201)
                read.must_be_whole(count)
                for number, gateway in enumerate(parts.gateways):
                    pushes[number] += gateway.metric("hubbub_post_to_frame_seconds_count")
        self.figure(f"{name}: subscriptions a gateway", "", subscriptions / GATEWAYS)
        self.figure(f"{name}: most videos on one", "", max(videos))
        self.figure(f"{name}: pushes to all gateways for a comment", "", sum(pushes) / count)
        self.figure(f"{name}: most of all pushes that one gateway has", "%", 100 * max(pushes) / count)
        self.figure(f"{name}: Redis sends for a comment", "bytes", sent / count)
        self.figure(f"{name}: CPU of all gateways for a comment", "µs", used["gateways"] / count * 1e6)
        self.figure(f"{name}: Redis's CPU for a comment", "µs", used["Redis"] / count * 1e6)
