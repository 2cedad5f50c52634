"""Viewers that never read: they cost what their buffers hold, and nobody else notices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.soak.load import (
    END,
    Posting,
    live_viewers,
    metrics,
    percentile,
    process_status,
    send_queues,
    sockets,
    stream_request,
)

from hubbub.testing.server import ServerProcess

MOST_GROWTH = 64 * 1024**2
"""Bytes the process may grow by: the ring and its frames (4 MiB each at most), the rest of a frame for each stuck
viewer, and room for the allocator.
"""


class Load(NamedTuple):
    """``stuck`` viewers that never read among ``live`` ones; ``rate`` comments a second for ``seconds``."""

    stuck: int
    live: int
    rate: float
    seconds: float
    sndbuf: int
    stall_timeout: float


class Outcome(NamedTuple):
    """``growth`` (bytes) and ``lagging``: the most there was. ``longest_queue``: the most bytes that the kernel held
    for one connection. ``p99`` in seconds, from post to a live viewer.
    """

    growth: int
    lagging: float
    stalled: float
    longest_queue: int
    p99: float


SHORT = Load(stuck=150, live=10, rate=250, seconds=6, sndbuf=16 * 1024, stall_timeout=2)
LONG = Load(stuck=500, live=50, rate=100, seconds=60, sndbuf=64 * 1024, stall_timeout=30)


async def outcome_of(directory: Path, load: Load) -> Outcome:
    """Run it against a server of its own. Raises `AssertionError` unless each live viewer gets every comment once."""
    server = ServerProcess(directory, HUBBUB_STALL_TIMEOUT=f"{load.stall_timeout}s", HUBBUB_SNDBUF=str(load.sndbuf))
    async with asyncio.timeout(load.seconds + 60), server:
        posting = Posting(server.url, load.rate)
        live = await live_viewers(server.url, load.live, posting)
        with sockets(server.url, load.stuck, stream_request(), buffer=4096):
            while (await metrics(server.url))["hubbub_viewers"] < load.stuck + load.live:
                await asyncio.sleep(0.05)
            before = process_status(server.pid)["VmRSS"]
            growth = longest_queue = 0
            lagging = 0.0
            run = asyncio.get_running_loop().create_task(posting.run(load.seconds))
            while not run.done():
                await asyncio.wait([run], timeout=0.5)
                growth = max(growth, process_status(server.pid)["VmRSS"] - before)
                longest_queue = max(longest_queue, *send_queues(server.url))
                lagging = max(lagging, (await metrics(server.url))["hubbub_viewers_lagging"])
            await run
            await posting.end()
            while not all(viewer.seen[-1:] == live[0].seen[-1:] == [END] for viewer in live):
                await asyncio.sleep(0.05)
            # Not timed: stuck since their buffers are full, which was long before the posting ended.
            while (samples := await metrics(server.url))["hubbub_viewers"] > load.live:
                await asyncio.sleep(0.2)
            stalled = samples.get('hubbub_viewers_closed_total{reason="stalled"}', 0.0)
        assert sorted(live[0].seen) == sorted(posting.sent)
        assert all(viewer.seen == live[0].seen and not viewer.resets and not viewer.closed for viewer in live)
        for viewer in live:
            viewer.close()
    delays = [delay for viewer in live for delay in viewer.delays]
    return Outcome(growth, lagging, stalled, longest_queue, percentile(delays, 0.99))


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(SHORT, id="short", marks=pytest.mark.slow),
        pytest.param(LONG, id="long", marks=pytest.mark.soak),
    ],
)
async def test_viewers_that_never_read_cost_little_and_are_let_go(tmp_path: Path, load: Load) -> None:
    """The process and the kernel hold a bounded amount for each, the metrics show them, they are closed as stalled, and
    whoever reads gets every comment once; in the long form hardly later than without them (two runs, on a machine
    that does nothing else meanwhile)."""
    outcome = await outcome_of(tmp_path, load)
    print(f"{load}: {outcome}")
    assert outcome.growth < MOST_GROWTH
    # Linux doubles what is asked for, and admits a piece of up to 64 KiB while there is any room (tcp(7), socket(7)).
    assert outcome.longest_queue <= 2 * load.sndbuf + 64 * 1024
    assert outcome.lagging >= load.stuck
    assert outcome.stalled == load.stuck
    if load is LONG:
        without = await outcome_of(tmp_path, load._replace(stuck=0))
        print(f"the same without them: {without}")
        assert outcome.p99 < 1.5 * without.p99
