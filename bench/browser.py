"""Chromium, and pages in it: each a window of its own context, as of somebody else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from playwright.sync_api import Browser, Error, Page, sync_playwright

from bench.peers.pages import Pages
from bench.programs import BenchError
from bench.targets import Hubbub

# Containers run as root, for whom Chromium has no sandbox. Playwright itself adds what keeps it from calling home, and
# what keeps pages in windows behind others awake.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"]
_ARGUMENTS += ["--autoplay-policy=no-user-gesture-required", "--mute-audio"]
_VIEW = {"width": 420, "height": 700}
_TASK, _MARK = "ThreadControllerImpl::RunTask", "blink.user_timing"


class Window:
    """A page under way; what it can be asked is in ``bench/pages/page.js``."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")
        self._faults: list[str] = []
        page.on("pageerror", lambda error: self._faults.append(str(error)))

    def goto(self, url: str) -> None:
        """Open it, and return once it is ready."""
        self._page.goto(url)
        self.ask("ready")

    def ask(self, what: str, given: Any = None) -> Any:
        """What a property of the page's ``bench`` is, or a method returns. Raises `BenchError`."""
        try:
            answer = self._page.evaluate(
                "async ([what, given]) => { const bench = await window.bench; let here = bench;"
                " for (const name of what.slice(0, -1)) here = here[name];"
                " const last = here[what.at(-1)]; return typeof last === 'function' ? last.call(here, given) : last }",
                [what.split("."), given],
            )
        except Error as error:
            raise BenchError(f"the page failed: {error.message}") from error
        if self._faults:
            raise BenchError(f"the page had an error: {self._faults[0]}")
        return answer

    def mark(self, name: str) -> float:
        """Set a performance mark; its time in ms of the page."""
        return float(self._page.evaluate("name => performance.mark(name).startTime", name))

    def heap(self) -> int:
        """Bytes that are in use after a collection of garbage: JavaScript's, the page's own objects' and buffers'."""
        for _ in range(2):  # what the first one's finalizers let go is gone after the second
            self._session.send("HeapProfiler.collectGarbage")
        usage = self._session.send("Runtime.getHeapUsage")
        return int(usage["usedSize"] + usage["embedderHeapUsedSize"] + usage["backingStorageSize"])

    def busy(self) -> float:
        """Seconds that the page's main thread has spent in tasks."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


class Chromium:
    """The browser, from entering the context to leaving it, with pages that embed ``hubbub`` from another origin. It
    runs on every core.
    """

    def __init__(self, pages: Pages, hubbub: Hubbub) -> None:
        self._origin = pages.origin
        self._server = f"http://127.0.0.1:{hubbub.port}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        executable = os.environ.get("HUBBUB_CHROMIUM") or shutil.which("chromium")
        if executable is None:
            raise BenchError("there is no Chromium: run scripts/install-bench-packages, or name one in HUBBUB_CHROMIUM")
        with ExitStack() as stack:
            playwright = stack.enter_context(sync_playwright())
            try:
                self._browser: Browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
            except Error as error:
                raise BenchError(f"Chromium does not start: {error.message}") from error
            stack.callback(self._browser.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def version(self) -> str:
        """Of the browser."""
        return self._browser.version

    def open(self, kind: str, **asked: str) -> Window:
        """A window of a new context with a page of this kind, once it is live."""
        window = Window(self._browser.new_context(viewport=_VIEW).new_page())  # type: ignore[arg-type] # the stub wants its own TypedDict
        window.goto(f"{self._origin}/?{urlencode({'kind': kind, 'server': self._server, **asked})}")
        return window

    @contextmanager
    def tracing(self) -> Iterator[Trace]:
        """Notes every task of every page meanwhile. What comes out can be asked afterwards."""
        trace = Trace()
        self._browser.start_tracing(categories=["toplevel", _MARK])
        try:
            yield trace
        finally:
            trace.events = json.loads(self._browser.stop_tracing())["traceEvents"]


class Trace:
    """Tasks and marks, as Chromium's tracing notes them (times in µs)."""

    def __init__(self, events: list[dict[str, Any]] | None = None) -> None:
        self.events = events or []

    def tasks(self, mark: str, aside: str) -> list[float]:
        """How long each task took, in ms, of the thread that set the performance mark ``mark``. Not counted: what ran
        between the first and second mark ``aside`` of that thread, the third and fourth, and so on.
        """
        marks = [event for event in self.events if event["cat"] == _MARK]
        threads = {(event["pid"], event["tid"]) for event in marks if event["name"] == mark}
        if len(threads) != 1:
            raise BenchError(f"the mark {mark} was set by {len(threads)} pages")
        ours = [event for event in self.events if (event["pid"], event["tid"]) in threads]
        times = sorted(event["ts"] for event in ours if event["cat"] == _MARK and event["name"] == aside)
        pairs = list(zip(times[::2], times[1::2], strict=True))
        return [
            event["dur"] / 1e3
            for event in ours
            if event["name"] == _TASK
            and event["ph"] == "X"
            and not any(event["ts"] <= end and event["ts"] + event["dur"] >= begin for begin, end in pairs)
        ]
