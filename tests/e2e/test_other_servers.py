"""The same service where a connection can't be taken over: under other people's servers, and behind TLS."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from httpx_sse import EventSource, ServerSentEvent

from hubbub.testing.crowd import eventually, running
from hubbub.testing.cutting_proxy import CuttingProxy, random_cuts
from hubbub.testing.server import SECRET, token

pytestmark = pytest.mark.slow

_BIN = Path(sys.executable).parent
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "hypercorn": lambda port: [
        f"{_BIN}/hypercorn", "--bind", f"127.0.0.1:{port}", "--graceful-timeout", "1", "hubbub.asgi:app"
    ],
    "granian": lambda port: [
        f"{_BIN}/granian", "--interface", "asgi", "--port", f"{port}", "--workers-kill-timeout", "3", "hubbub.asgi:app"
    ],
    "uvicorn": lambda port: [
        f"{_BIN}/uvicorn", "--port", f"{port}", "--timeout-graceful-shutdown", "1", "hubbub.asgi:app"
    ],
    "TLS": lambda port: [sys.executable, "-m", "hubbub", "serve", "--port", f"{port}"],
}  # fmt: skip

RING = 100
SETTINGS = {
    "HUBBUB_JWT_SECRET": SECRET,
    "HUBBUB_POST_LIMIT": "off",
    "HUBBUB_ADDRESS_LIMIT": "off",
    "HUBBUB_GLOBAL_LIMIT": "off",
    "HUBBUB_HEARTBEAT": "300ms",
    "HUBBUB_RING_ENTRIES": f"{RING}",
    "HUBBUB_DRAIN_WINDOW": "0s",
}


class Service:
    """A server as a process. Its database, and what it prints, are in ``directory``."""

    def __init__(self, kind: str, directory: Path) -> None:
        self._kind = kind
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._tls: ssl.SSLContext | bool = True
        self.url = ""

    def start(self) -> None:
        """Start, and return once it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {**os.environ, **SETTINGS, "HUBBUB_STORE": f"sqlite:///{self._directory / 'hubbub.db'}"}
        if self._kind == "TLS":
            environ |= self._certify()
        self.url = f"{'https' if self._kind == 'TLS' else 'http'}://127.0.0.1:{port}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                COMMANDS[self._kind](port), cwd=self._directory, env=environ, stdout=log, stderr=log,
                start_new_session=True,  # some have workers: they are all stopped together
            )  # fmt: skip
        self._await_readiness()

    @property
    def _log(self) -> Path:
        return self._directory / "server.log"

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def _certify(self) -> dict[str, str]:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        files = {"HUBBUB_TLS_CERT": self._directory / "cert.pem", "HUBBUB_TLS_KEY": self._directory / "key.pem"}
        certificate.cert_chain_pems[0].write_to_path(files["HUBBUB_TLS_CERT"])
        certificate.private_key_pem.write_to_path(files["HUBBUB_TLS_KEY"])
        self._tls = ssl.create_default_context()
        authority.configure_trust(self._tls)
        return {name: str(path) for name, path in files.items()}

    def _await_readiness(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 30
        while True:
            assert self._process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            try:
                if httpx.get(f"{self.url}/readyz", verify=self._tls).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)

    def stop(self) -> int:
        """SIGTERM, as a service manager would; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client with a token that may post."""
        headers = {"Authorization": f"Bearer {token('ada')}"}
        transport = httpx.AsyncHTTPTransport(verify=self._tls, **options)
        return httpx.AsyncClient(base_url=self.url, transport=transport, headers=headers, timeout=20)


@pytest.fixture(scope="module", params=list(COMMANDS))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each of the servers, ready; one for all tests of this module, which keep apart by video."""
    service = Service(request.param, tmp_path_factory.mktemp("service"))
    try:
        service.start()
        yield service
    finally:
        service.stop()


Events = AsyncGenerator[ServerSentEvent, None]


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient, video: str, *, last_event_id: str | None = None, **query: str
) -> AsyncIterator[Events]:
    """An open stream. Reads only when asked for the next event."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.stream("GET", f"/v1/videos/{video}/comments/stream", params=query, headers=headers) as response:
        assert response.status_code == 200
        async with aclosing(EventSource(response).aiter_sse()) as events:
            yield events


async def following(events: Events) -> ServerSentEvent:
    """The next event. Heartbeats look like empty ones to this client."""
    while True:
        event = await anext(events)
        if event.data:
            return event


async def take(events: Events, count: int) -> list[ServerSentEvent]:
    return [await following(events) for _ in range(count)]


async def read_to_the_end(events: Events) -> None:
    with contextlib.suppress(httpx.TransportError):
        async for _ in events:
            pass


async def post(client: httpx.AsyncClient, video: str, text: str, **more: Any) -> str:
    """The new comment's id."""
    answer = await client.post(f"/v1/videos/{video}/comments", json={"text": text, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ids(events: list[ServerSentEvent]) -> list[str]:
    return [json.loads(event.data)["id"] for event in events]


async def gauge(client: httpx.AsyncClient, name: str) -> float:
    text = (await client.get("/metrics")).text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


async def until_gauge(client: httpx.AsyncClient, name: str, value: float) -> None:
    while await gauge(client, name) != value:
        await asyncio.sleep(0.05)


async def test_a_stream_brings_welcome_backlog_and_live_comments(service: Service) -> None:
    """In that order, without a hole or a double between; in batches too for who asks."""
    async with asyncio.timeout(20), service.client() as client:
        posted = [await post(client, "backlog", f"comment {n}") for n in range(5)]
        async with (
            watching(client, "backlog", backlog="3") as plain,
            watching(client, "backlog", backlog="3", batch="1") as batched,
        ):
            welcome, *backlog = await take(plain, 4)
            assert (welcome.event, json.loads(welcome.data)["resumed"]) == ("welcome", False)
            assert ids(backlog) == posted[-3:]
            welcome, batch = await take(batched, 2)
            assert (welcome.event, batch.event) == ("welcome", "comment_batch")
            assert [comment["id"] for comment in json.loads(batch.data)] == posted[-3:]
            for n in range(3):
                id = await post(client, "backlog", f"live {n}")
                assert ids(await take(plain, 1)) == [id]
                (batch,) = await take(batched, 1)
                assert [comment["id"] for comment in json.loads(batch.data)] == [id]


async def test_a_viewer_who_returns_gets_exactly_what_it_missed(service: Service) -> None:
    """Resuming does not depend on who serves."""
    async with asyncio.timeout(20), service.client() as client:
        posted = [await post(client, "resume", f"comment {n}") for n in range(5)]
        async with watching(client, "resume") as events:
            place = (await take(events, 3))[-1].id
        posted += [await post(client, "resume", f"meanwhile {n}") for n in range(5)]
        async with watching(client, "resume", last_event_id=place) as events:
            welcome, *missed = await take(events, 9)
            assert json.loads(welcome.data)["resumed"]
            assert ids(missed) == posted[2:]


async def test_a_quiet_stream_shows_signs_of_life(service: Service) -> None:
    """A comment line after the time of silence that is set, so that no proxy takes the stream for dead; and again."""
    async with (
        asyncio.timeout(20),
        service.client() as client,
        client.stream("GET", "/v1/videos/quiet/comments/stream") as response,
    ):
        beats = 0
        async for line in response.aiter_lines():
            beats += line == ":"
            if beats == 2:
                break


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/videos/v/comments", b"{", 400, "malformed"),
        ("POST", "/v1/videos/v/comments", b'{"text":"%b"}' % (b"x" * 20_000), 413, "too_large"),
        ("POST", "/v1/videos/v/comments", b'{"text":"  "}', 422, "text_empty"),
        ("GET", "/v1/videos/v/comments/stream?backlog=1000", b"", 400, "bad_query"),
        ("GET", "/v1/videos/v%20v/comments/stream", b"", 400, "bad_video_id"),
        ("GET", "/nowhere", b"", 404, "no_such_page"),
        ("DELETE", "/v1/videos/v/comments/stream", b"", 405, "method_not_allowed"),
    ],
)
async def test_refusals_are_problem_documents(
    service: Service, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    """No server puts a page of its own in their place."""
    async with asyncio.timeout(20), service.client() as client:
        answer = await client.request(method, path, content=body or None)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert problem["request_id"] == answer.headers["x-request-id"]


async def test_a_token_that_does_not_verify_is_refused(service: Service) -> None:
    """On the stream as well, which is open to those who send none."""
    async with asyncio.timeout(20), service.client() as client:
        client.headers["Authorization"] = "Bearer not.a.token"
        for call in (client.get("/v1/videos/v/comments/stream"), client.post("/v1/videos/v/comments", json={})):
            answer = await call
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_viewers_who_go_away_leave_no_trace(service: Service) -> None:
    """Each is counted while it watches, and nobody is afterwards."""
    async with asyncio.timeout(30), service.client() as client:
        await until_gauge(client, "hubbub_viewers", 0)
        async with AsyncExitStack() as stack:
            for _ in range(5):
                await take(await stack.enter_async_context(watching(client, "seats")), 1)
            assert await gauge(client, "hubbub_viewers") == 5
        await until_gauge(client, "hubbub_viewers", 0)


async def test_who_reads_nothing_for_long_gets_reset_and_the_newest(service: Service) -> None:
    """It costs a place in the ring, not a queue; level again it goes on like everybody, and if it leaves it is gone."""
    async with asyncio.timeout(60), service.client() as client:
        await until_gauge(client, "hubbub_viewers", 0)
        async with (
            watching(client, "slow", backlog="20") as slow,
            watching(client, "slow") as never,
            watching(client, "slow") as quick,
        ):
            for events in (slow, never, quick):
                await take(events, 1)
            # As many bytes as a comment can be made to have: a stream escapes these characters, six bytes for each.
            long, pad = "|" + "\u2028" * 498 + "|", "\u2028" * 300
            said: list[str] = []
            since_both_lag = 0
            while since_both_lag < 2 * RING:
                await asyncio.gather(*(post(client, "slow", long, meta={"pad": pad}) for _ in range(25)))
                said += ids(await take(quick, 25))
                since_both_lag = since_both_lag + 25 if await gauge(client, "hubbub_viewers_lagging") == 2 else 0

            before, after = await read_until_reset(slow)
            assert before == said[: len(before)]
            said.append(await post(client, "slow", "to all who are level"))
            while said[-1] not in after:
                after += ids(await take(slow, 1))
            assert len(after) >= 20
            assert after == said[-len(after) :]
        await until_gauge(client, "hubbub_viewers", 0)


async def read_until_reset(events: Events) -> tuple[list[str], list[str]]:
    """The ids that came before a `reset`, and the first after it."""
    before: list[str] = []
    while (event := await following(events)).event != "reset":
        before += ids([event])
    return before, ids(await take(events, 1))


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind != "TLS"])  # whose events the proxy can't see
async def test_every_comment_comes_once_and_in_order_over_a_bad_line(kind: str, tmp_path: Path) -> None:
    """Resuming is as exact where the connection is not taken over. No burst is longer than the ring: whoever misses
    more is given comments again from the store, and from the first of them after each cut.
    """
    service = Service(kind, tmp_path)
    service.start()
    try:
        at = httpx.URL(service.url)
        assert at.port is not None
        cuts = random_cuts(5, events=8, bytes=12_000)
        async with (
            asyncio.timeout(120),
            service.client() as client,
            CuttingProxy(at.host, at.port, cuts) as proxy,
            httpx.AsyncClient(base_url=proxy.url, timeout=20) as far,
            watching(client, "bad-line") as near,
        ):
            await take(near, 1)
            expected: list[str] = []
            seen: list[str] = []
            async with running(read_again_and_again(far, seen)) as reading:
                for size in (1, 20, 3, RING - 10, 7, 40, 1, 80):
                    await asyncio.gather(*(post(client, "bad-line", f"one of {size}") for _ in range(size)))
                    expected.extend(ids(await take(near, size)))
                    await eventually(lambda: len(seen) >= len(expected), reading)
            assert seen == expected
            assert proxy.cut >= 10
    finally:
        service.stop()


async def read_again_and_again(client: httpx.AsyncClient, seen: list[str]) -> None:
    """Watch from the very beginning, and after each cut from the last id."""
    place = None
    while True:
        with contextlib.suppress(httpx.TransportError):
            async with watching(client, "bad-line", last_event_id=place, backlog="200") as events:
                async for event in events:
                    place = event.id
                    if event.event == "comment":
                        seen += ids([event])


@pytest.mark.parametrize("kind", COMMANDS)
async def test_a_server_that_is_told_to_stop_does_and_nothing_is_lost(kind: str, tmp_path: Path) -> None:
    """Although somebody watches; started again, it has what was accepted and the viewer goes on where it was."""
    service = Service(kind, tmp_path)
    service.start()
    try:
        async with asyncio.timeout(40):
            async with service.client() as client, watching(client, "restart") as events:
                posted = [await post(client, "restart", "before")]
                place = (await take(events, 2))[-1].id
                posted.append(await post(client, "restart", "the last"))
                stopping = asyncio.get_running_loop().create_task(asyncio.to_thread(service.stop))
                # From Python 3.12 on hypercorn waits for viewers longer than its limit, for ever (its issue 308).
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(read_to_the_end(events), 4)
            await stopping
            service.start()
            async with service.client() as client, watching(client, "restart", last_event_id=place) as events:
                welcome, missed = await take(events, 2)
                assert json.loads(welcome.data)["resumed"]
                assert ids([missed]) == posted[1:]
    finally:
        service.stop()
