"""A recording played in a real browser: each comment at its time, and the right ones after a seek."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.browser import Chromium, Window
from bench.peers.pages import Pages
from bench.programs import BenchError, Percentiles
from bench.recordings import BEGAN, fill, silence
from bench.scenario import Scenario
from bench.targets import Hubbub

HOURS = 4
WINDOW = 180
"""Seconds that the client fetches at a time."""

FIRST = 630
"""The second at which playing begins."""

STEP = 200
"""Milliseconds between two comments."""

PLAYED = 25.0
SEEKS = 24
CLOCKS = {"audio element": "audio", "PlayerClock": "own"}


class ReplayPage(Scenario):
    name = "replay"
    title = "A recording's comments in a page: while it plays, and after a seek"
    note = (
        f"Chromium; {HOURS} hours of {1000 // STEP} comments/s, the pages of another origin than the server; by an "
        f"audio element that plays a file, and by a PlayerClock. {PLAYED:g} s of playing: how far the clock was from a "
        "comment's time in the second animation frame after its row stood in the page, which is never before it was "
        f"painted and up to 17 ms after. {SEEKS} seeks, in turn forward and back, playing and paused, into windows "
        "that are not there yet: from the seek until the last 100 comments up to that moment were painted; beside a "
        "bare fetch of another such window in the same page"
    )

    def run(self, folder: Path) -> None:
        place = folder / "hubbub"
        place.mkdir()
        fill(place / "bench.db", v=(HOURS * 3_600_000 // STEP, STEP))
        site = Pages(folder / "pages")
        site.media.mkdir(parents=True)
        silence(site.media / "silence.wav", HOURS * 3_600)
        with site, Hubbub(place, HUBBUB_CORS_ORIGINS=site.origin) as hubbub:
            hubbub.end("v", BEGAN)
            with Chromium(site, hubbub) as chromium:
                for name, clock in CLOCKS.items():
                    self._measure(name, chromium.open("replay", video="v", clock=clock))

    def _measure(self, name: str, window: Window) -> None:
        window.ask("replaying.seek", [FIRST, STEP / 1000])
        window.ask("replaying.play")
        off: list[float] = window.ask("replaying.watch", PLAYED)
        expected = int(PLAYED * 1000 / STEP)
        if abs(len(off) - expected) > 2:
            raise BenchError(f"{len(off)} comments were shown in {PLAYED:g} s of playing instead of {expected}")
        seeks, fetches = zip(*(self._seek(window, *where) for where in places()), strict=True)
        late, took = Percentiles.of([abs(ms) for ms in off]), Percentiles.of(seeks)
        self.latency("From a comment's time to its paint", name, late)
        self.latency("From a seek to the paint of what belongs there", name, took)
        self.figure(f"{name}: off its time, p99", "ms", late.at(99), must=("<=", 100), aim=("<=", 50))
        self.figure(f"{name}: … the earliest (below 0: too early)", "ms", min(off), must=(">=", 0))
        self.figure(f"{name}: after a seek, the longest", "ms", took.max, must=("<=", 500), aim=("<=", 150))
        self.figure(f"{name}: … p50", "ms", took.at(50))
        self.figure(f"{name}: … p50 beside a bare fetch of a window", "×", took.at(50) / median(fetches))

    @staticmethod
    def _seek(window: Window, to: float, rest: bool, bare: int) -> tuple[float, float]:
        """How long a seek and a bare fetch took."""
        took = window.ask("replaying.seek", [to, STEP / 1000])
        window.ask("replaying.pause" if rest else "replaying.play")
        return took, window.ask("fetched", bare * WINDOW)


def places() -> Iterator[tuple[float, bool, int]]:
    """Where to seek, whether to rest there, and which window to fetch beside it. A place is in the middle of a window
    or so near to its start that the one before is needed too, and no window is needed twice.
    """
    pairs = list(range(FIRST // WINDOW // 2 + 2, HOURS * 3_600 // WINDOW // 2))
    random.Random(1).shuffle(pairs)
    sought, others = sorted(pairs[:SEEKS]), pairs[SEEKS:]
    bare = [2 * pair + half for pair in others for half in (0, 1)]
    for turn in range(SEEKS):
        pair = sought[turn // 2] if turn % 2 else sought[-1 - turn // 2]
        within = WINDOW / 2 if turn % 4 < 2 else WINDOW / 18
        yield (2 * pair + 1) * WINDOW + within, turn % 3 == 0, bare[turn]
