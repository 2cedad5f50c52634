"""A page with ``<hubbub-comments>`` while much is said: what it asks of the main thread and of memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.browser import Chromium, Trace, Window
from bench.peers.pages import Pages
from bench.programs import Ask, Percentiles
from bench.scenario import Scenario
from bench.scenarios.pages import BARE, seen
from bench.targets import SECRET, Hubbub
from hubbub.comments.identity import mint_token

RATE, SETTLING, SECONDS = 50, 10, 60
HUBBUB = "Hubbub"
COUNT = RATE * SECONDS
USERS = 50
LONG = 50.0
"""ms above which a task is a long one (W3C, Long Tasks)."""

_ASIDE = "bench-aside"


class _Page:
    """A page that is measured."""

    def __init__(self, name: str, window: Window) -> None:
        self.name = name
        self.window = window
        self.heaps: list[int] = []
        self.busy = -window.busy()
        self.result: dict[str, Any] = {}
        self._aside: list[float] = []
        self._began = window.mark(name)

    def look(self) -> None:
        """See how large the heap is."""
        self._aside.append(self.window.mark(_ASIDE))
        self.heaps.append(self.window.heap())
        self._aside.append(self.window.mark(_ASIDE))

    def finish(self) -> None:
        """Wait for the last comment."""
        self.result = self.window.ask("sight.until", [COUNT, 5_000])
        self.busy += self.window.busy()
        self.look()

    def tasks(self, trace: Trace) -> list[float]:
        """How long they took, in ms."""
        return trace.tasks(self.name, _ASIDE)

    @property
    def long_tasks(self) -> int:
        """Those over 50 ms that the page was told of."""
        first, last = self._aside[:2]
        starts = [start for start, _ in self.result["longTasks"] if start >= self._began]
        return sum(not first <= start <= last for start in starts)


class BusyPage(Scenario):
    name = "busy-page"
    title = f"A page while {RATE} comments/s come, for {SECONDS} s"
    note = (
        "Chromium; posted by the load program; first the component, then a page with no more than an EventSource that "
        "appends a div and keeps 200, each in a browser of its own. The main thread's tasks as Chromium's tracing has "
        "them, by the clock on the wall; those over 50 ms as the page itself is told of them (PerformanceObserver). "
        "Heap: JavaScript's, the page's own objects' and buffers', after a collection of garbage that is forced at "
        f"{SETTLING} s and at {SECONDS} s; what that takes is not counted as a task"
    )

    def run(self, folder: Path) -> None:
        site = Pages(folder / "pages")
        with site, Hubbub(folder / "hubbub", HUBBUB_CORS_ORIGINS=site.origin) as hubbub:
            tokens = [mint_token(SECRET, f"user{number}", f"User {number}", ("post",), 3600) for number in range(USERS)]
            zero = str((time.time() - time.monotonic()) * 1000)  # the load's clock is the monotonic one
            busy = []
            for name, kind in ((HUBBUB, "component"), (BARE, "plain")):
                with Chromium(site, hubbub) as chromium:
                    window = chromium.open(kind, video=kind, zero=zero)
                    with chromium.tracing() as trace:
                        page = _Page(name, window)
                        posts = [hubbub.posting_as(token, kind) for token in tokens]
                        asking = Ask(hubbub.port, folder, posts, connections=4, seconds=SECONDS, rate=RATE)
                        time.sleep(SETTLING)
                        page.look()
                        asking.result().must_be_all(201)
                        page.finish()
                delays = seen(page.result, COUNT)
                self.latency("Post to paint", page.name, delays)
                self._tell(page, delays, page.tasks(trace))
                busy.append(page.busy)
        self.figure("the main thread's time beside the bare page's", "×", busy[0] / busy[1])

    def _tell(self, page: _Page, delays: Percentiles, tasks: list[float]) -> None:
        """The figures of a page; only the component has promised anything."""
        promised = page.name == HUBBUB
        where = "" if promised else f"{page.name}: "
        grown = (page.heaps[-1] - page.heaps[0]) / 1e6
        self.figure(f"{where}tasks over {LONG:g} ms", "", page.long_tasks, must=("==", 0) if promised else None)
        self.figure(f"{where}the longest task", "ms", max(tasks), aim=("<=", LONG / 2) if promised else None)
        self.figure(
            f"{where}heap growth after the first {SETTLING} s",
            "MB",
            grown,
            must=("<", 2) if promised else None,
            aim=("<=", 1) if promised else None,
        )
        self.figure(f"{where}the heap at the end", "MB", page.heaps[-1] / 1e6)
        self.figure(f"{where}the main thread's time for a comment", "ms", page.busy / COUNT * 1000)
        self.figure(f"{where}post to paint, p99", "ms", delays.at(99))
