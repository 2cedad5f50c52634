"""`make soak`: a real server in daily life, for half an hour; then its memory and its open files are where they were.

python -m tests.soak [--seconds 1800]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.soak.actors import Crowd
from tests.soak.load import VIDEO, metrics, process_status

from hubbub.testing.crowd import eventually, running, whole_history
from hubbub.testing.server import ServerProcess

EVERY = 2.0
"""Seconds between two samples."""

TOLD = 10.0
"""Seconds between two lines of progress."""

MOST_GROWTH = 20 * 1024**2
"""Bytes that the median of the last quarter's memory may lie above the second quarter's. The first one is the
warm-up: rings fill, and the allocator's arenas. SQLite's page caches, which grow with the database up to
bounds of their own, are not counted; what they leave between them in the allocator's arenas is, about 10 KB a second.
A leak of 350 bytes a comment, 700 a visit or 130 a bad request would show within half an hour.
"""

MOST_FILES = 25
"""Open files by which the same medians may differ: visitors come at random. In the end there may be none more."""

SETTINGS = {
    # Everything that takes its time takes less of it, so that it happens often.
    "HUBBUB_LINGER": "5s",
    "HUBBUB_STALL_TIMEOUT": "10s",
    "HUBBUB_HEARTBEAT": "2s",
    "HUBBUB_RING_BYTES": "256KiB",
    "HUBBUB_SNDBUF": "16KiB",
    "HUBBUB_LOG_LEVEL": "error",
}


class Sample(NamedTuple):
    """A look at the server. ``memory`` is its resident size in bytes, less what SQLite holds."""

    at: float
    memory: int
    files: int
    sockets: int
    threads: int
    viewers: float
    lagging: float


async def look(server: ServerProcess, began: float) -> Sample:
    """One sample."""
    status, gauges = process_status(server.pid), await metrics(server.url)
    at = time.monotonic() - began
    return Sample(
        at,
        status["VmRSS"] - round(gauges["hubbub_store_memory_bytes"]),
        status["files"],
        status["sockets"],
        status["Threads"],
        gauges["hubbub_viewers"],
        gauges["hubbub_viewers_lagging"],
    )


async def watch(server: ServerProcess, crowd: Crowd, seconds: float) -> list[Sample]:
    """Samples for so long, some of them told."""
    began, told = time.monotonic(), 0.0
    samples: list[Sample] = []
    while time.monotonic() - began < seconds:
        sample = await look(server, began)
        samples.append(sample)
        if sample.at >= told:
            told = sample.at + TOLD
            print(
                f"{sample.at:5.0f} s  memory {sample.memory / 2**20:6.1f} MiB  files {sample.files:4}  "
                f"threads {sample.threads:2}  viewers {sample.viewers:3.0f} ({sample.lagging:2.0f} lagging)  "
                f"{len(crowd.accepted)} comments  {crowd.visits} visits  {crowd.pages} pages  {crowd.bad} bad requests",
                flush=True,
            )
        await asyncio.sleep(EVERY)
    return samples


async def settle(crowd: Crowd) -> list[str]:
    """Let everybody see the end; a line for whatever somebody missed, got twice or in another order."""
    last = crowd.posters[0]
    await last.post("the end")
    await last.hang_up()
    end = last.accepted["the end"]
    async with asyncio.timeout(60):
        await eventually(lambda: all(follower.seen[-1:] == [end] for follower in crowd.followers))
    wanted = set(crowd.accepted) - crowd.deleted
    faults = []
    for number, follower in enumerate(crowd.followers):
        missed = wanted - set(follower.seen)
        if missed or follower.seen != sorted(set(follower.seen)) or "reset" in follower.names:
            faults.append(f"follower {number} missed {len(missed)}, and was told {follower.names}")
    history = {comment["id"] for comment in await whole_history(crowd.url, VIDEO)}
    if history != wanted:
        faults.append(f"history lacks {len(wanted - history)} comments and has {len(history - wanted)} too many")
    return faults


def compare(samples: list[Sample]) -> list[str]:
    """A line for what has grown."""
    length = samples[-1].at
    early = [sample for sample in samples if length / 4 <= sample.at < length / 2]
    late = [sample for sample in samples if sample.at >= length * 3 / 4]
    memory = [median(sample.memory for sample in window) for window in (early, late)]
    files = [median(sample.files for sample in window) for window in (early, late)]
    others = [max(sample.files - sample.sockets for sample in window) for window in (early, late)]
    threads = [max(sample.threads for sample in window) for window in (early, late)]
    print(
        f"medians of the second and the last quarter: memory {memory[0] / 2**20:.1f} and {memory[1] / 2**20:.1f} MiB, "
        f"open files {files[0]:.0f} and {files[1]:.0f}; most threads {threads[0]} and {threads[1]}"
    )
    faults = []
    if memory[1] - memory[0] > MOST_GROWTH:
        faults.append(f"memory grew by {(memory[1] - memory[0]) / 2**20:.1f} MiB")
    if files[1] - files[0] > MOST_FILES:
        faults.append(f"open files grew by {files[1] - files[0]:.0f}")
    if others[1] > others[0]:
        faults.append(f"open files that are no sockets grew from {others[0]} to {others[1]}")
    if threads[1] > threads[0]:
        faults.append(f"threads grew from {threads[0]} to {threads[1]}")
    return faults


async def soak(seconds: float) -> list[str]:
    """The whole of it; a line for each fault."""
    with tempfile.TemporaryDirectory() as directory:
        async with ServerProcess(Path(directory), port=0, **SETTINGS) as server:
            crowd = Crowd(server.url)
            followers = crowd.followers
            steady, restless = followers[::3], [one for n, one in enumerate(followers) if n % 3]
            async with running(
                *(follower.run() for follower in steady), *(crowd.come_and_go(follower) for follower in restless)
            ):
                await eventually(lambda: all(follower.connections for follower in followers))
                empty = await look(server, time.monotonic())
                others = [
                    *(crowd.visit() for _ in range(20)),
                    *(crowd.be_deaf() for _ in range(5)),
                    *(crowd.be_slow() for _ in range(5)),
                    *(crowd.read_history() for _ in range(2)),
                    *(crowd.be_bad() for _ in range(2)),
                ]
                async with running(*others, *(crowd.post(poster) for poster in crowd.posters)) as tasks:
                    watching = asyncio.get_running_loop().create_task(watch(server, crowd, seconds))
                    await eventually(watching.done, tasks)
                    crowd.stop.set()
                    posting = tasks[len(others) :]
                    await eventually(lambda: all(task.done() for task in posting), tasks)
                faults = compare(watching.result()) + await settle(crowd)
            faults += await _left_over(server, empty.sockets - len(followers))
            status = await server.terminate()
            return [*faults, *([f"it ended with {status}"] if status else [])]


async def _left_over(server: ServerProcess, sockets: int) -> list[str]:
    """A line if anything is still open a while after everybody has left."""
    for _ in range(100):
        sample = await look(server, time.monotonic())
        if sample.sockets <= sockets and not sample.viewers:
            break
        await asyncio.sleep(0.5)
    print(
        f"when all had left: memory {sample.memory / 2**20:.1f} MiB, {sample.sockets} sockets ({sockets} before they "
        f"came), {sample.viewers:.0f} viewers"
    )
    return [] if sample.sockets <= sockets and not sample.viewers else ["something stayed open"]


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    faults = asyncio.run(soak(parser.parse_args().seconds))
    print("\n".join(faults) or "nothing grew, and nobody missed a comment")
    sys.exit(1 if faults else None)


if __name__ == "__main__":
    main()
