"""A parent and its workers, as real processes: replaced when killed, one by one when asked, gone with their parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.workers.run_supervisor import WORKERS

from hubbub.testing.raw import Stream
from hubbub.testing.server import SECRET

PROGRAM = Path(__file__).with_name("run_supervisor.py")

pytestmark = pytest.mark.slow


class Parent:
    """A running parent; ``said`` is what it and its workers logged."""

    def __init__(self, process: asyncio.subprocess.Process, broken: Path) -> None:
        self.process = process
        self.broken = broken
        self.url = ""
        self.said = ""
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.said += line.decode()

    async def until_said(self, pattern: str, times: int = 1) -> list[str]:
        """Wait for log lines that match; the matches."""
        try:
            async with asyncio.timeout(60):
                while len(found := re.findall(pattern, self.said)) < times:
                    await asyncio.sleep(0.02)
                return found
        except TimeoutError:
            raise AssertionError(f"waited in vain for {pattern!r}; what was said:\n{self.said}") from None

    def pids(self) -> dict[int, int]:
        """The newest process of each worker number."""
        return {int(number): int(pid) for number, pid in re.findall(r"worker (\d+) is process (\d+)", self.said)}

    async def until_serving(self, count: int = WORKERS) -> None:
        """Wait until so many workers serve."""
        async with asyncio.timeout(60):
            while await self.metric("hubbub_workers") != count:
                await asyncio.sleep(0.05)

    async def metric(self, name: str) -> float:
        """A sample without labels, from the page."""
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"{self.url}/metrics")).text
        return float(re.search(rf"^{name} (\S+)$", page, re.MULTILINE)[1])  # type: ignore[index]

    async def end(self) -> int:
        """SIGTERM, and wait; the exit status."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(60):
            status = await self.process.wait()
            await self._reading
        return status


@contextlib.asynccontextmanager
async def parent(folder: Path, **environ: str) -> AsyncIterator[Parent]:
    """A parent over a database in ``folder``, serving; at the end neither it nor a worker of it is left."""
    settings = {
        "HUBBUB_STORE": f"sqlite:///{folder / 'hubbub.db'}",
        "HUBBUB_JWT_SECRET": SECRET,
        "HUBBUB_DRAIN_DELAY": "0",
        "HUBBUB_DRAIN_WINDOW": "0",
        "BREAK": str(folder / "break"),
        **environ,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM)),
        cwd=Path(__file__).parents[2],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Parent(process, folder / "break")
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            running.url = (await process.stdout.readline()).decode().strip()
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        for pid in set(map(int, re.findall(r"is process (\d+)", running.said))):
            await gone(pid)


async def gone(pid: int) -> None:
    """Wait until a process has ended by itself."""
    async with asyncio.timeout(60):
        while alive(pid):
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether there is such a process, other than one that ended and was not yet waited for."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def ask_forever(url: str, statuses: list[int]) -> None:
    """One request after another, each on a connection of its own."""
    while True:
        async with httpx.AsyncClient(timeout=30) as client:
            statuses.append((await client.get(f"{url}/healthz")).status_code)


async def test_a_killed_worker_is_replaced_and_nobody_who_connects_is_refused(tmp_path: Path) -> None:
    """After ``kill -9`` of a worker the others serve on, and another one takes its place."""
    async with parent(tmp_path) as server:
        statuses: list[int] = []
        assert await server.metric("hubbub_workers") == WORKERS
        victim = server.pids()[2]
        os.kill(victim, signal.SIGKILL)
        await server.until_said(r"worker 2 \(process \d+\) ended by itself \(signal 9\)")
        asking = asyncio.ensure_future(ask_forever(server.url, statuses))
        await server.until_said("worker 2 serves")
        await server.until_serving()
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled(), "somebody was refused"
        assert set(statuses) == {200}
        assert server.pids()[2] != victim
        assert await server.metric("hubbub_worker_starts_total") == WORKERS + 1
        assert await server.end() == 0


async def test_hangup_replaces_every_worker_while_the_port_answers(tmp_path: Path) -> None:
    """SIGHUP: new processes for all, one after the other; every request meanwhile is answered 200, and a viewer of an
    old worker is asked to come back and is let in by another one.
    """
    async with parent(tmp_path, HUBBUB_DRAIN_WINDOW="0.2s") as server:
        before = set(server.pids().values())
        statuses: list[int] = []
        async with Stream.open(server.url, "v") as stream:
            events = aiter(stream)
            assert (await anext(events)).name == "welcome"
            asking = asyncio.ensure_future(ask_forever(server.url, statuses))
            server.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(60):
                assert (await anext(events)).json() == {"reason": "draining"}
        await server.until_said("all workers are replaced")
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled(), "a request failed while workers were replaced"
        assert len(statuses) > WORKERS and set(statuses) == {200}
        async with Stream.open(server.url, "v") as stream:
            assert (await anext(aiter(stream))).name == "welcome"
        assert not any(map(alive, before))
        assert await server.metric("hubbub_workers") == WORKERS
        assert max(server.pids()) <= WORKERS + 1, "numbers of workers grow"
        assert await server.end() == 0


async def test_a_rolling_restart_that_can_not_begin_leaves_the_old_workers(tmp_path: Path) -> None:
    """What is newly installed or set may be broken: then nothing has changed but the log."""
    async with parent(tmp_path) as server:
        before = server.pids()
        server.broken.touch()
        server.process.send_signal(signal.SIGHUP)
        await server.until_said("the others stay as they are")
        assert all(map(alive, before.values()))
        assert await server.metric("hubbub_workers") == WORKERS
        assert await server.end() == 0


async def test_the_parent_ends_when_no_worker_can_begin(tmp_path: Path) -> None:
    """At the start at once, with the worker's status; later after several in a row, when none is left that serves."""
    (tmp_path / "break").touch()
    async with parent(tmp_path) as server:
        assert (server.url, await server.end()) == ("", 7)
        assert "told to break" in server.said
        assert "could not begin to serve" in server.said
    (tmp_path / "break").unlink()
    async with parent(tmp_path) as server:
        server.broken.touch()
        for pid in server.pids().values():
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            assert await server.process.wait() == 1
        await server.until_said("giving up")


async def test_workers_drain_when_told_and_when_their_parent_is_gone(tmp_path: Path) -> None:
    """SIGTERM to the parent reaches all, whose viewers are told to come back; so does ``kill -9`` of the parent."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        async with parent(tmp_path, HUBBUB_DRAIN_WINDOW="0.2s") as server:
            async with asyncio.timeout(60), contextlib.AsyncExitStack() as stack:
                streams = [await stack.enter_async_context(Stream.open(server.url, "v")) for _ in range(12)]
                events = [aiter(stream) for stream in streams]
                assert [(await anext(each)).name for each in events] == ["welcome"] * 12
                server.process.send_signal(number)
                for each in events:
                    assert (await anext(each)).json() == {"reason": "draining"}
            async with asyncio.timeout(60):
                assert await server.process.wait() == (0 if number == signal.SIGTERM else -number)
            for pid in server.pids().values():
                await gone(pid)


async def test_the_metrics_of_all_are_on_every_workers_page(tmp_path: Path) -> None:
    """Whichever answers, the page has the viewers of each, and viewers are spread over them."""
    async with parent(tmp_path) as server, contextlib.AsyncExitStack() as stack:
        for _ in range(60):
            stream = await stack.enter_async_context(Stream.open(server.url, "v"))
            assert (await anext(aiter(stream))).name == "welcome"
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"{server.url}/metrics")).text
        viewers = dict(re.findall(r'^hubbub_viewers\{worker="(\d)"\} (\S+)$', page, re.MULTILINE))
        assert set(viewers) == {"1", "2", "3"}
        assert sum(map(float, viewers.values())) == 60


async def test_the_log_says_which_worker_speaks(tmp_path: Path) -> None:
    """One stream of lines; a worker's bear its number."""
    async with parent(tmp_path) as server:
        assert await server.end() == 0
        assert set(re.findall(r"INFO    \[(\d)\] hubbub\.wiring draining", server.said)) == {"1", "2", "3"}
