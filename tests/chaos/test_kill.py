"""``kill -9`` under load: nothing accepted is gone, and nobody who comes back misses or repeats anything."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

from hubbub.testing.crowd import Follower, Poster, eventually, running, whole_history
from hubbub.testing.server import ServerProcess, token

KILLS = 3
POSTERS = 6
VIEWERS = 12


@pytest.mark.slow
async def test_after_kill_9_every_201_is_in_history_and_every_viewer_has_each_comment_once(tmp_path: Path) -> None:
    """A server killed three times at random moments under load loses no accepted comment, shows each exactly once to
    every viewer who resumes, in one order, and keeps a post that was repeated with its idempotency key once."""
    stop = asyncio.Event()
    async with asyncio.timeout(90), ServerProcess(tmp_path) as server:
        posters = [Poster(server.url, "v", f"poster-{n}", token(f"poster-{n}")) for n in range(POSTERS)]
        followers = [Follower(server.url, "v", batch=n % 2 == 1) for n in range(VIEWERS)]

        def accepted() -> int:
            return sum(len(poster.accepted) for poster in posters)

        def accepted_more(than: int) -> bool:
            return accepted() > than

        def let_in(times: int) -> bool:
            return all(follower.connections >= times for follower in followers)

        async with running(*(follower.run() for follower in followers)) as watching:
            await eventually(partial(let_in, 1), watching)
            async with running(*(poster.run(stop) for poster in posters)) as posting:
                for kill in range(1, KILLS + 1):
                    await eventually(partial(accepted_more, accepted() + 100), posting + watching)
                    await asyncio.sleep(random.uniform(0, 0.5))
                    await server.kill()
                    await server.start()
                    await eventually(partial(let_in, kill + 1), posting + watching)
                stop.set()
                await asyncio.wait(posting)
            last = Poster(server.url, "v", "last", token("last"))
            await last.post("the end")
            await last.hang_up()
            end = last.accepted["the end"]
            await eventually(lambda: all(f.seen and f.seen[-1] == end for f in followers), watching)

        history = await whole_history(server.url, "v")

    answered = {text: id for poster in (*posters, last) for text, id in poster.accepted.items()}
    assert {comment["text"]: comment["id"] for comment in history} == answered
    assert len(history) == len(answered), "a repeated post is there twice"
    order = followers[0].seen
    assert sorted(order) == sorted(answered.values())
    for follower in followers:
        assert follower.seen == order
        assert "reset" not in follower.names, "the log survives kill -9, so continuity can always be proven"
        assert follower.connections == KILLS + 1
    assert sum(poster.unanswered for poster in posters) >= KILLS, "nothing was under way when the server was killed"
