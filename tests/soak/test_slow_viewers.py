"""Viewers whose lines carry less than is said: each sees whole frames in order, and is told when it has missed some."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from tests.soak.load import END, Posting, live_viewers, metrics, numbers_in, sockets, stream_request

from hubbub.testing.server import ServerProcess

ROUNDS = 20
"""A viewer is read from every twentieth round."""

ROUND = 0.02
"""Seconds."""

GROUPS = 8
"""Of viewers: the fast ones and three times as many slow ones, in both formats."""


class Load(NamedTuple):
    """``viewers``, half of them batched; three in four read ``pace`` bytes a second, the others eight times as many.
    ``rate`` comments a second for ``seconds``.
    """

    viewers: int
    pace: int
    rate: float
    seconds: float
    sndbuf: int
    ring_bytes: int


SHORT = Load(viewers=104, pace=20_000, rate=200, seconds=5, sndbuf=8 * 1024, ring_bytes=64 * 1024)
LONG = Load(viewers=1_000, pace=10_000, rate=50, seconds=60, sndbuf=64 * 1024, ring_bytes=128 * 1024)


class Slow:
    """What one of them has read. ``runs`` is the comments' numbers in order, a list for each stretch between resets.

    Everything is checked as it comes, and raises `AssertionError`: HTTP chunks (RFC 9112, section 7.1) that hold whole
    events, and events that hold whole JSON.
    """

    def __init__(self, opened: socket.socket, pace: int) -> None:
        self._most = round(pace * ROUND * ROUNDS)
        self.runs: list[list[int]] = [[]]
        self._socket = opened
        self._rest = b""
        self._answered = False

    @property
    def level(self) -> bool:
        """Whether it has the last comment."""
        return self.runs[-1][-1:] == [END]

    def read(self) -> None:
        """Take what the pace allows. Raises `EOFError` when the server has closed."""
        try:
            data = self._socket.recv(self._most)
        except BlockingIOError:
            return
        if not data:
            raise EOFError("the server has closed")
        self._rest += data
        if not self._answered:
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 200 "), head
            self._answered, self._rest = True, rest
        while (line := self._rest.find(b"\r\n")) > 0:
            start, size = line + 2, int(self._rest[:line], 16)
            if len(self._rest) < start + size + 2:
                return
            frame, after = self._rest[start : start + size], self._rest[start + size : start + size + 2]
            self._rest = self._rest[start + size + 2 :]
            assert size and after == b"\r\n", "a chunk is torn"
            self._frame(frame)

    def _frame(self, frame: bytes) -> None:
        assert frame.endswith(b"\n\n"), frame[-100:]
        for event in frame[:-2].split(b"\n\n"):
            if event == b":":
                continue
            name, *_, data = event.split(b"\n")
            assert name.startswith(b"event: ") and data.startswith(b"data: "), event
            msgspec.json.decode(data[6:])
            if name == b"event: reset":
                self.runs.append([])
            self.runs[-1] += numbers_in(data)


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(SHORT, id="short", marks=pytest.mark.slow),
        pytest.param(LONG, id="long", marks=pytest.mark.soak),
    ],
)
async def test_slow_viewers_see_whole_frames_in_order_and_end_level_or_are_told_reset(
    tmp_path: Path, load: Load
) -> None:
    """Every viewer ends with the last comment; between two resets nothing is missing, twice or out of order, and one
    who was never told reset has them all."""
    server = ServerProcess(tmp_path, HUBBUB_SNDBUF=str(load.sndbuf), HUBBUB_RING_BYTES=str(load.ring_bytes))
    async with asyncio.timeout(2 * load.seconds + 60), server:
        posting = Posting(server.url, load.rate)
        (reference,) = await live_viewers(server.url, 1)
        with ExitStack() as stack:
            viewers = []
            for number in range(GROUPS):
                pace = load.pace if number % 4 else 8 * load.pace
                opened = sockets(
                    server.url,
                    load.viewers // GROUPS,
                    stream_request(f"backlog=20&batch={number // 4}"),
                    buffer=max(round(pace * ROUND * ROUNDS), 4096),  # Linux doubles it, and takes half for itself
                )
                viewers += [Slow(one, pace) for one in stack.enter_context(opened)]
            while (await metrics(server.url))["hubbub_viewers"] < 1 + load.viewers:
                await asyncio.sleep(0.05)
            async with asyncio.TaskGroup() as group:
                group.create_task(_post(posting, load.seconds))
                group.create_task(_read(viewers))
            samples = await metrics(server.url)
        reference.close()
    places = {number: place for place, number in enumerate(reference.seen)}
    assert sorted(places) == sorted(posting.sent) and len(places) == len(reference.seen)
    for viewer in viewers:
        for run in viewer.runs:
            found = [places[number] for number in run]
            assert found == list(range(found[0], found[0] + len(found))) if found else True, run
        assert viewer.runs[0][:1] in ([], reference.seen[:1])
    resets = [len(viewer.runs) - 1 for viewer in viewers]
    reset = sum(map(bool, resets))
    print(
        f"{load}: {len(places)} comments; {reset} of {len(viewers)} viewers were told reset, {sum(resets)} times; "
        f"{samples['hubbub_fell_behind_total']:.0f} times somebody fell behind"
    )
    assert samples["hubbub_fell_behind_total"] >= load.viewers * 3 // 4, "the load is no load"
    assert samples.get('hubbub_resets_total{reason="too_slow"}', 0.0) == sum(resets)
    assert 0 < reset < len(viewers), "some were too slow for the ring, and some were not"


async def _post(posting: Posting, seconds: float) -> None:
    await posting.run(seconds)
    await posting.end()


async def _read(viewers: list[Slow]) -> None:
    """Read by turns until everybody has the last comment."""
    began, number = time.monotonic(), 0
    while not all(viewer.level for viewer in viewers):
        for viewer in viewers[number % ROUNDS :: ROUNDS]:
            viewer.read()
        number += 1
        await asyncio.sleep(max(began + number * ROUND - time.monotonic(), 0))
