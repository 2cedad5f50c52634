"""Pages with ``<hubbub-comments>`` in a real browser: from a post in one to the paint in another."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

from bench.browser import Chromium
from bench.peers.pages import Pages
from bench.programs import BenchError, Percentiles
from bench.scenario import Scenario
from bench.targets import SECRET, Hubbub
from hubbub.comments.identity import mint_token

RATE, SECONDS = 10, 20
BARE = "bare EventSource"


class LivePages(Scenario):
    name = "pages"
    title = f"{RATE} comments/s posted in one page, painted in another"
    note = (
        f"Chromium, {SECONDS} s; from when a comment was due to be posted through the component in one context until "
        "the second animation frame after its row stood in the page of another, which is never before it was painted "
        "and up to 17 ms after; beside a page with no more than an EventSource that appends a div, in the same "
        "browser at the same time. The pages are of another origin than the server. The client's size is what is "
        "sent to a browser that takes gzip"
    )

    def run(self, folder: Path) -> None:
        pages = Pages(folder / "pages")
        with pages, Hubbub(folder / "hubbub", HUBBUB_CORS_ORIGINS=pages.origin) as hubbub:
            size = zipped(hubbub.port, "/client/v1/hubbub-comments.js")
            further = zipped(hubbub.port, "/client/v1/replay-feed.js")
            with Chromium(pages, hubbub) as chromium:
                viewer, bare = chromium.open("component", video="v"), chromium.open("plain", video="v")
                token = mint_token(SECRET, "ada", "Ada", ("post",), 3600)
                poster = chromium.open("component", video="v", token=token)
                poster.ask("post", [RATE, SECONDS])
                results = [window.ask("sight.until", [RATE * SECONDS, 5_000]) for window in (viewer, bare, poster)]
        ours, theirs, own = (seen(result, RATE * SECONDS) for result in results)
        if results[0]["numbers"] != results[1]["numbers"]:
            raise BenchError("the two pages showed the comments in different orders")
        self.latency("Post to paint", "Hubbub", ours)
        self.latency("Post to paint", BARE, theirs)
        self.figure("post to paint, p99", "ms", ours.at(99), must=("<", 200), aim=("<=", 100))
        self.figure("post to paint, p50", "ms", ours.at(50))
        arrived = [Percentiles.of(result["arrivals"]).at(50) for result in results]
        self.figure("… of that until its row stood in the page", "ms", arrived[0])
        self.figure("… p99 on the page with a bare EventSource", "ms", theirs.at(99))
        self.figure("… p50 there", "ms", theirs.at(50))
        self.figure("… of that until its row stood there", "ms", arrived[1])
        self.figure("p50 beside the bare page", "×", ours.at(50) / theirs.at(50), aim=("<=", 1.5))
        self.figure("one's own comment to paint, p99", "ms", own.at(99), must=("<", 200), aim=("<=", 50))
        self.figure("the client with the component, gzipped", "bytes", size, must=("<", 15_000))
        self.figure("… and what it fetches more for a replay", "bytes", further)


def seen(result: dict[str, Any], count: int) -> Percentiles:
    """How late the comments were. Raises `BenchError` unless each of them was painted once, and in sight."""
    numbers = result["numbers"]
    if sorted(numbers) != list(range(count)):
        raise BenchError(f"a page showed {len(numbers)} comments ({len({*numbers})} different ones) instead of {count}")
    if not result["atEnd"]:
        raise BenchError("a page did not follow its newest comments")
    return Percentiles.of(result["delays"])


def zipped(port: int, path: str) -> int:
    """Bytes of an answer as a browser gets it."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200 or answer.headers["Content-Encoding"] != "gzip":
        raise BenchError(f"{path} was answered {answer.status}, {answer.headers['Content-Encoding'] or 'not zipped'}")
    return len(body)
