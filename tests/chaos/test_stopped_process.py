"""SIGSTOP, as when a virtual machine is paused or a laptop sleeps, and SIGCONT."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.chaos.hardship import VIDEO, crowd_at, metric, until_ready

from hubbub.testing.crowd import eventually, running
from hubbub.testing.raw import Connection, Stream, comments_in, request_bytes
from hubbub.testing.server import ServerProcess

STALL = 4.0
SLOW = 20


class SlowViewer:
    """Someone who asks for the stream over a connection with little room, and reads nothing until told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def arrive(self, url: str) -> None:
        """Ask for the stream, and read its head only."""
        address = urlsplit(url)
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, (address.hostname, address.port))
        reader, writer = await asyncio.open_connection(sock=small, limit=1024)
        self._connection = Connection(reader, writer, address.netloc)
        target = f"/v1/videos/{VIDEO}/comments/stream?backlog=0"
        await self._connection.send(request_bytes("GET", target, host=address.netloc))
        self._stream = Stream(self._connection, *await self._connection.answer_head())

    async def read_on(self) -> None:
        """Read until cancelled. Raises `EOFError` when the stream ends or breaks off."""
        try:
            async for event in self._stream:
                assert event.name in ("welcome", "comment"), event
                self.seen.extend(comment["id"] for comment in comments_in([event]))
            raise EOFError("a slow viewer was let go")
        finally:
            await self._connection.close()


@pytest.mark.parametrize(
    "seconds", [pytest.param(5.0, marks=pytest.mark.slow), pytest.param(30.0, marks=pytest.mark.soak)]
)
async def test_a_process_that_was_stopped_goes_on_where_it_was(tmp_path: Path, seconds: float) -> None:
    """However long it stood still, nothing is lost, posts under way are answered, nobody has to come back, and viewers
    who were behind and have read meanwhile are not taken for stalled."""
    server = ServerProcess(tmp_path, HUBBUB_STALL_TIMEOUT=f"{STALL}s", HUBBUB_SNDBUF="4096")
    slow = [SlowViewer() for _ in range(SLOW)]
    async with asyncio.timeout(seconds + 50), server, crowd_at(server) as crowd:
        for viewer in slow:
            await viewer.arrive(server.url)
        await crowd.until_accepted(100)
        while await metric(server, "hubbub_viewers_lagging") < SLOW:
            await asyncio.sleep(0.02)
        os.kill(server.pid, signal.SIGSTOP)
        # They take all that is in the kernel; more can't come now.
        async with running(*(viewer.read_on() for viewer in slow)) as reading:
            await asyncio.sleep(seconds)
            os.kill(server.pid, signal.SIGCONT)
            await crowd.until_accepted(200)
            await until_ready(server)
            await crowd.settle(f"stopped for {seconds} s")
            everything = crowd.followers[0].seen
            await eventually(lambda: all(viewer.seen[-1:] == everything[-1:] for viewer in slow), reading)
        assert await metric(server, 'hubbub_viewers_closed_total{reason="stalled"}') == 0
        assert [follower.connections for follower in crowd.followers] == [1] * len(crowd.followers)
        assert not sum(poster.unanswered for poster in crowd.posters), "a post under way was dropped"
        for viewer in slow:
            assert viewer.seen == everything[-len(viewer.seen) :], "a slow viewer has a hole"
        assert await server.terminate() == 0


@pytest.mark.slow
async def test_heartbeats_come_again_after_a_stop(tmp_path: Path) -> None:
    """A quiet video's viewers hear from a process that was stopped as soon as it goes on."""
    server = ServerProcess(tmp_path, HUBBUB_HEARTBEAT="1s")
    async with asyncio.timeout(30), server, Stream.open(server.url, VIDEO) as viewer:
        await viewer.until("welcome")
        os.kill(server.pid, signal.SIGSTOP)
        await asyncio.sleep(1.5)
        os.kill(server.pid, signal.SIGCONT)
        listening = asyncio.ensure_future(viewer.next())
        beats = viewer.decoder.comments
        await eventually(lambda: viewer.decoder.comments >= beats + 2)
        listening.cancel()
