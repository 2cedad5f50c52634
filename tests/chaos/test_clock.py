"""The wall clock set forward and back while people post and watch."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.chaos import with_clock
from tests.chaos.hardship import crowd_at, metric, old_token

from hubbub.testing.raw import Answer, Connection
from hubbub.testing.server import ServerProcess, token

MINUTE = 60.0


class Clock:
    """The wall clock of a server started with `command`, as an offset in seconds from the true one."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "offset"
        self.command = [sys.executable, with_clock.__file__, str(self._file)]
        self.set(0)

    def set(self, offset: float) -> None:
        """From now on the server's clock is off by that."""
        written = self._file.with_suffix(".new")
        written.write_text(str(offset))
        written.replace(self._file)


async def post(server: ServerProcess, bearer: str, text: str, key: str) -> Answer:
    """One post, whatever comes of it."""
    body = b'{"text":"%b"}' % text.encode()
    target = "/v1/videos/other/comments"
    async with await Connection.open(server.url) as connection:
        return await connection.request("POST", target, token=bearer, headers=[("Idempotency-Key", key)], body=body)


@pytest.mark.slow
async def test_a_clock_that_steps_forward_and_back_disorders_nothing(tmp_path: Path) -> None:
    """Ids, history, log and idempotency keep their order and their promise through steps of a minute; tokens go by the
    clock as it stands; nothing takes less than no time."""
    clock = Clock(tmp_path)
    server = ServerProcess(tmp_path, command=clock.command)
    async with asyncio.timeout(60), server, crowd_at(server) as crowd:
        brief = token("brief", lifetime=MINUTE / 2, clock=lambda: time.time() - 1)
        first = await post(server, old_token("eve"), "once", "key")
        assert first.status == 201
        for offset in (MINUTE, -MINUTE, 0.0, -MINUTE, MINUTE, 0.0):
            clock.set(offset)
            await crowd.until_accepted(50)
            again = await post(server, old_token("eve"), "once", "key")
            assert (again.status, again.json()["id"]) == (201, first.json()["id"])
            assert again.header("idempotency-replayed") == "true"
            answer = await post(server, brief, "hello", f"at {offset}")
            expected = {MINUTE: "token_expired", -MINUTE: "token_not_yet_valid", 0.0: ""}[offset]
            assert answer.json().get("code", "") == expected, answer
        await crowd.settle("clock a minute forward, two back, and so on")
        assert await metric(server, "hubbub_post_to_frame_seconds_sum") >= 0
        assert [follower.connections for follower in crowd.followers] == [1] * len(crowd.followers)
        assert await server.terminate() == 0


@pytest.mark.slow
async def test_a_start_with_a_clock_that_was_set_back_goes_on_after_the_newest_comment(tmp_path: Path) -> None:
    """After a restart with the clock set back, also in a new epoch, where viewers are served from the store by time,
    new comments still come after the old ones, in history and for everybody who watches."""
    clock = Clock(tmp_path)
    clock.set(MINUTE)
    server = ServerProcess(tmp_path, command=clock.command)
    async with asyncio.timeout(60), server, crowd_at(server) as crowd:
        await crowd.until_accepted(100)
        await server.kill()
        clock.set(0)
        await server.start()
        await crowd.until_accepted(100)
        await server.kill()
        clock.set(-MINUTE)
        with closing(sqlite3.connect(tmp_path / "hubbub.db")) as database, database:
            database.execute("DELETE FROM meta WHERE key = 'epoch'")  # as in a restored backup
        await server.start()
        await crowd.until_accepted(100)
        await crowd.settle("started with the clock a minute back, twice", at_least_once=True)
        assert await metric(server, 'hubbub_joins_total{rung="store"}') == len(crowd.followers)
        assert await server.terminate() == 0


@pytest.mark.slow
async def test_rate_limits_do_not_go_by_the_wall_clock(tmp_path: Path) -> None:
    """Setting the clock neither frees somebody who posts too fast nor locks them out."""
    clock = Clock(tmp_path)
    server = ServerProcess(tmp_path, command=clock.command, HUBBUB_POST_LIMIT="2/60s")
    async with asyncio.timeout(30), server:
        bearer = old_token("ada")
        for number in range(2):
            assert (await post(server, bearer, "hello", f"key {number}")).status == 201
        for offset in (0.0, MINUTE, -MINUTE):
            clock.set(offset)
            answer = await post(server, bearer, "hello", "another")
            assert (answer.status, answer.json()["code"]) == (429, "user_rate")
            assert 0 < answer.json()["retry_after"] <= 30
