"""SIGTERM under load, and a second process on one database."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from hubbub.testing.crowd import Poster, eventually, running, whole_history
from hubbub.testing.raw import Event, Stream, comments_in
from hubbub.testing.server import SECRET, ServerProcess, token

WINDOW = 1.0
POSTERS = 6
VIEWERS = 12


class Watching:
    """What one viewer saw until its stream ended."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = False
        self.ended_at = 0.0
        self.retry_ms: int | None = None

    async def run(self, url: str, *, batch: bool) -> None:
        """Watch once, to the end."""
        async with Stream.open(url, "v", "batch=1" if batch else "") as stream:
            async for event in stream:
                self.events.append(event)
            self.ended = stream.ended
            self.ended_at = time.monotonic()
            self.retry_ms = stream.decoder.retry_ms


@pytest.mark.slow
async def test_sigterm_finishes_what_was_accepted_and_lets_viewers_go_politely(tmp_path: Path) -> None:
    """On SIGTERM under load every comment that was kept is also answered, every viewer is told `reconnect` within the
    window and its stream ends cleanly, and the process ends with status 0."""
    stop = asyncio.Event()
    viewers = [Watching() for _ in range(VIEWERS)]
    async with asyncio.timeout(60), ServerProcess(tmp_path, HUBBUB_DRAIN_WINDOW=str(WINDOW)) as server:
        posters = [Poster(server.url, "v", f"poster-{n}", token(f"poster-{n}")) for n in range(POSTERS)]

        def accepted() -> int:
            return sum(len(poster.accepted) for poster in posters)

        async with running(*(poster.run(stop) for poster in posters)) as posting:
            watch = (viewer.run(server.url, batch=n % 2 == 1) for n, viewer in enumerate(viewers))
            async with running(*watch) as watching:
                await eventually(lambda: all(viewer.events for viewer in viewers) and accepted() >= 200, posting)
                asked_at = time.monotonic()
                status = await server.terminate()
                took = time.monotonic() - asked_at
                await asyncio.wait(watching)
            # The posters never stopped. Whatever they were not answered, they repeat to the next process.
            before = accepted()
            await server.start()
            await eventually(lambda: accepted() >= before + 50, posting)
            stop.set()
            await asyncio.wait(posting)
        history = await whole_history(server.url, "v")

    assert status == 0
    assert took < WINDOW + 3
    for viewer in viewers:
        *_, farewell = viewer.events
        assert (farewell.name, farewell.json()) == ("reconnect", {"reason": "draining"})
        assert viewer.retry_ms
        assert viewer.ended, "the stream broke off instead of ending"
        assert viewer.ended_at - asked_at < WINDOW + 1
    answered = {text: id for poster in posters for text, id in poster.accepted.items()}
    assert {comment["text"]: comment["id"] for comment in history} == answered
    assert len(history) == len(answered)
    assert not sum(poster.replayed for poster in posters), "something was kept and its poster not told"
    ids = [comment["id"] for comment in comments_in(viewers[0].events)]
    assert set(ids) <= set(answered.values())


@pytest.mark.slow
async def test_a_second_process_on_the_same_database_says_why_it_will_not_start(tmp_path: Path) -> None:
    """``hubbub serve`` on a database in use fails, names the other process and what to change, shows no traceback."""
    async with asyncio.timeout(30), ServerProcess(tmp_path) as server:
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hubbub", "serve"),
            cwd=tmp_path,
            env={
                **os.environ,
                "HUBBUB_PORT": "0",
                "HUBBUB_STORE": f"sqlite:///{tmp_path / 'hubbub.db'}",
                "HUBBUB_JWT_SECRET": SECRET,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = (stream.decode() for stream in await second.communicate())
        poster = Poster(server.url, "v", "ada", token())
        await poster.post("the first one goes on")
        await poster.hang_up()
    assert second.returncode not in (0, None)
    assert second.returncode > 0
    assert "Traceback" not in out + err
    assert str(server.pid) in err
    assert "HUBBUB_STORE" in err
