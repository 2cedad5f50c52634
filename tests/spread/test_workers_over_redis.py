"""``hubbub api --workers`` and ``hubbub gateway --workers`` as they are run: real processes, real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.spread.deployment import asked, say, until_viewers

from hubbub.presence.base import FRESH
from hubbub.testing.crowd import Follower, eventually, running
from hubbub.testing.raw import Stream
from hubbub.testing.redis_server import RedisServer
from hubbub.testing.server import SECRET, ServerProcess, token

pytestmark = pytest.mark.slow

WORKERS = "2"
SLACK = 15.0

POSTER = token("poster")


@dataclass
class Program:
    """A parent and its workers."""

    process: ServerProcess

    @property
    def url(self) -> str:
        """Where all of them answer."""
        return self.process.url

    async def page(self) -> str:
        """The metrics of all."""
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.get(f"{self.url}/metrics")).text

    async def pids(self) -> set[int]:
        """The workers' processes, once both serve."""
        async with asyncio.timeout(60):
            while not re.search(rf"^hubbub_workers {WORKERS}(\.0)?$", await self.page(), re.MULTILINE):
                await asyncio.sleep(0.05)
        return children(self.process.pid)


def children(pid: int) -> set[int]:
    """Its processes."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@asynccontextmanager
async def both(folder: Path, redis: RedisServer, **environ: str) -> AsyncIterator[tuple[Program, Program]]:
    """API processes and gateways, two of each."""
    async with AsyncExitStack() as stack:
        programs = []
        for role in ("api", "gateway"):
            settings: dict[str, Any] = {
                "HUBBUB_BROKER": redis.url,
                "HUBBUB_WORKERS": WORKERS,
                "HUBBUB_LINGER": "1s",
                **environ,
            }
            process = await stack.enter_async_context(ServerProcess(folder, role=role, **settings))
            programs.append(Program(process))
            await programs[-1].pids()
        yield programs[0], programs[1]


async def test_the_workers_of_both_roles_are_one_service(tmp_path: Path) -> None:
    """A comment reaches viewers in every worker; limits and viewers are counted over all; each sample of the metrics
    says its worker.
    """
    limit = {"HUBBUB_POST_LIMIT": "20/1h"}
    async with asyncio.timeout(180), AsyncExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        api, gateway = await stack.enter_async_context(both(tmp_path, redis, **limit))
        streams = [await stack.enter_async_context(Stream.open(gateway.url, "v")) for _ in range(40)]
        for stream in streams:
            await stream.until("welcome")
        found = re.findall(r'^hubbub_viewers\{worker="(\d+)"\} (\S+)$', await gateway.page(), re.MULTILINE)
        spread_over = {number: float(count) for number, count in found}
        assert set(spread_over) == {"1", "2"} and sum(spread_over.values()) == 40
        await until_viewers([api.url], "v", 40, within=FRESH + SLACK)

        id = await say(api.url, "v", "hello")
        for stream in streams:
            assert (await stream.until("comment"))[-1].json()["id"] == id

        answers = [
            await asked(api.url, "POST", "/v1/videos/v/comments", body={"text": f"{turn}"}) for turn in range(30)
        ]
        assert [answer.status for answer in answers].count(201) == 19
        posts = re.findall(
            r'^hubbub_posts_total\{worker="(\d+)",outcome="created"\} (\S+)$', await api.page(), re.MULTILINE
        )
        assert sum(float(count) for _, count in posts) == 20


async def test_killed_rolled_and_stopped_workers_lose_no_comment(tmp_path: Path) -> None:
    """While comments are posted: ``kill -9`` of a worker of each role, SIGHUP to both parents, at last SIGTERM to the
    gateways. Viewers come back by themselves and have every accepted comment once and in one order.
    """
    drain = {"HUBBUB_DRAIN_WINDOW": "0.5s"}
    async with asyncio.timeout(240), AsyncExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        api, gateway = await stack.enter_async_context(both(tmp_path, redis, **drain))
        followers = [Follower(gateway.url, "v", batch=number % 2 == 0) for number in range(6)]
        accepted: list[str] = []
        async with running(*(follower.run() for follower in followers), post_on(api.url, accepted)) as tasks:
            await eventually(lambda: all(follower.connections for follower in followers) and len(accepted) > 20, tasks)
            for program in (gateway, api):
                before = await program.pids()
                os.kill(min(before), signal.SIGKILL)
                await changed(program, before, kept=1)
            for program in (gateway, api):
                before = await program.pids()
                program.process.signal(signal.SIGHUP)
                await changed(program, before, kept=0)
            count = len(accepted)
            await eventually(lambda: len(accepted) > count + 20, tasks)
            tasks[-1].cancel()
            await asyncio.wait([tasks[-1]])
            await eventually(lambda: all(set(accepted) <= set(follower.seen) for follower in followers), tasks)
        for follower in followers:
            assert len(set(follower.seen)) == len(follower.seen), "a comment came twice"
            assert follower.connections > 1
            assert "reset" not in follower.names
        assert len({tuple(follower.seen) for follower in followers}) == 1

        async with Stream.open(gateway.url, "v") as stream:
            await stream.until("welcome")
            ending = asyncio.ensure_future(gateway.process.terminate())
            assert (await stream.until("reconnect"))[-1].json() == {"reason": "draining"}
            assert await ending == 0
        assert await api.process.terminate() == 0


async def changed(program: Program, before: set[int], *, kept: int) -> None:
    """Wait until so many of the workers before are still there, and others beside them."""
    while len(await program.pids() & before) != kept or len(await program.pids()) != int(WORKERS):
        await asyncio.sleep(0.05)


async def post_on(url: str, accepted: list[str]) -> None:
    """Post without end, each again with its key until it is answered; ids by order of acceptance."""
    number = 0
    while True:
        number += 1
        body = {"text": f"{number}"}
        while True:
            with contextlib.suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=30) as client:
                    answer = await client.post(
                        f"{url}/v1/videos/v/comments",
                        json=body,
                        headers={"authorization": f"Bearer {POSTER}", "idempotency-key": f"{number}"},
                    )
                if answer.status_code in (200, 201):
                    accepted.append(answer.json()["id"])
                    break
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["serve", "--workers", "2"], "HUBBUB_WORKERS"),
        (["api"], "hubbub serve"),
        (["gateway"], "hubbub serve"),
        (["gateway", "--workers", "2"], "hubbub serve"),
    ],
)
def test_the_in_process_broker_is_refused_for_more_than_one_process(
    tmp_path: Path, words: list[str], names: str
) -> None:
    """The refusal names the setting, what to set, and the way to do without."""
    done = run_hubbub(tmp_path, *words)
    assert done.returncode != 0
    assert "HUBBUB_BROKER" in done.stderr and "redis://" in done.stderr and names in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_second_process_on_the_same_database_is_refused_unless_both_share_a_broker(tmp_path: Path) -> None:
    """``hubbub serve`` with its broker inside, and another one beside it: whoever comes second is told what to set."""
    with RedisServer(tmp_path / "redis") as redis:
        async with asyncio.timeout(120), ServerProcess(tmp_path):
            second = await asyncio.to_thread(run_hubbub, tmp_path, "serve")
            assert second.returncode != 0 and "HUBBUB_BROKER" in second.stderr and "HUBBUB_STORE" in second.stderr
            over = await asyncio.to_thread(run_hubbub, tmp_path, "api", HUBBUB_BROKER=redis.url)
            assert over.returncode != 0 and "HUBBUB_BROKER" in over.stderr
        async with asyncio.timeout(120), ServerProcess(tmp_path, role="api", HUBBUB_BROKER=redis.url):
            alone = await asyncio.to_thread(run_hubbub, tmp_path, "serve")
            assert alone.returncode != 0 and "HUBBUB_BROKER" in alone.stderr


def run_hubbub(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The program, which is to end by itself."""
    settings = {"HUBBUB_STORE": f"sqlite:///{folder / 'hubbub.db'}", "HUBBUB_JWT_SECRET": SECRET, "HUBBUB_PORT": "0"}
    others = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    return subprocess.run(
        [sys.executable, "-m", "hubbub", *words],
        cwd=folder,
        env={**others, **settings, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
