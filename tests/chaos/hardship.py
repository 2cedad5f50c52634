"""A crowd around one server in hard times, and the check that ends each of these tests: nothing accepted was lost."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hubbub.testing.crowd import Follower, Poster, eventually, running, whole_history
from hubbub.testing.raw import Answer, Connection, Stream
from hubbub.testing.server import ServerProcess, token

VIDEO = "v"


class Crowd:
    """Posters at work and followers watching; made by `crowd_at`."""

    def __init__(self, server: ServerProcess, posters: int, viewers: int) -> None:
        self.posters = [Poster(server.url, VIDEO, f"poster-{n}", old_token(f"poster-{n}")) for n in range(posters)]
        self.followers = [Follower(server.url, VIDEO, batch=n % 2 == 1) for n in range(viewers)]
        self._server = server
        self._stop = asyncio.Event()
        self._posting: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []

    @property
    def accepted(self) -> int:
        """Posts answered ``201`` so far."""
        return sum(len(poster.accepted) for poster in self.posters)

    @property
    def refused(self) -> Counter[str]:
        """The reasons of all ``503`` so far."""
        return sum((poster.refused for poster in self.posters), Counter())

    async def until_accepted(self, more: int) -> None:
        """Wait until that many more posts are accepted."""
        target = self.accepted + more
        await eventually(lambda: self.accepted >= target, self._posting + self._watching)

    async def until_refused(self, more: int = 1) -> str:
        """Wait until that many more posts are refused; the commonest reason."""
        target = self.refused.total() + more
        await eventually(lambda: self.refused.total() >= target, self._posting + self._watching)
        return self.refused.most_common(1)[0][0]

    async def settle(self, what: str, *, at_least_once: bool = False) -> None:
        """Stop posting, wait for everyone to have seen the end, and check: history and every viewer have exactly the
        accepted comments, once, in one order. ``what`` begins the line that is printed, and every failure's message.
        ``at_least_once``: viewers may have got some twice (they came back after the log had begun anew).
        """
        self._stop.set()
        await asyncio.wait(self._posting)
        for task in self._posting:
            task.result()
        last = Poster(self._server.url, VIDEO, "last", old_token("last"))
        began = time.monotonic()
        await last.post("the end")
        await last.hang_up()
        end = last.accepted["the end"]
        await eventually(lambda: all(f.seen and f.seen[-1] == end for f in self.followers), self._watching)
        shown = time.monotonic() - began
        history = await whole_history(self._server.url, VIDEO)
        everyone = [*self.posters, last]
        answered = {text: id for poster in everyone for text, id in poster.accepted.items()}
        longest_wait = max(follower.longest_wait for follower in self.followers)
        report = (
            f"{what}: {len(answered)} accepted, {self.refused.total()} refused with 503 {dict(self.refused)}, "
            f"{sum(p.unanswered for p in everyone)} unanswered, {sum(p.replayed for p in everyone)} replayed; "
            f"the slowest post took {max(p.longest for p in everyone):.2f} s, the slowest refusal "
            f"{max(p.longest_refusal for p in everyone):.2f} s; viewers waited {longest_wait:.2f} s at most between "
            f"two events, and {shown:.2f} s for the last comment"
        )
        sys.stdout.write(report + "\n")
        assert {comment["text"]: comment["id"] for comment in history} == answered, report
        assert len(history) == len(answered), f"a comment is there twice; {report}"
        in_history = [comment["id"] for comment in history]
        for follower in self.followers:
            seen = list(dict.fromkeys(follower.seen)) if at_least_once else follower.seen
            assert seen == in_history, report
            assert "reset" not in follower.names, report


@asynccontextmanager
async def crowd_at(server: ServerProcess, *, posters: int = 4, viewers: int = 8) -> AsyncIterator[Crowd]:
    """Posters and followers at work until `Crowd.settle`; the followers are all let in when this is entered."""
    crowd = Crowd(server, posters, viewers)
    async with running(*(follower.run() for follower in crowd.followers)) as watching:
        crowd._watching = watching
        await eventually(lambda: all(follower.connections for follower in crowd.followers), watching)
        async with running(*(poster.run(crowd._stop) for poster in crowd.posters)) as posting:
            crowd._posting = posting
            yield crowd


def old_token(user: str) -> str:
    """A token made ten minutes ago, good for two hours: fine for a server whose clock is off by less."""
    return token(user, lifetime=7200, clock=lambda: time.time() - 600)


async def ask(server: ServerProcess, target: str) -> Answer:
    """One GET on a connection of its own."""
    async with await Connection.open(server.url) as connection:
        return await connection.request("GET", target)


async def ask_json(server: ServerProcess, target: str) -> Any:
    """One GET that is answered ``200``, decoded."""
    answer = await ask(server, target)
    assert answer.status == 200, answer
    return answer.json()


async def until_ready(server: ServerProcess) -> None:
    """Wait until ``/readyz`` says so."""
    while (await ask(server, "/readyz")).status != 200:
        await asyncio.sleep(0.1)


async def metric(server: ServerProcess, sample: str) -> float:
    """The value of one sample, by its name and labels; 0 when it is not there yet."""
    text = (await ask(server, "/metrics")).body.decode()
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def expect_reading_goes_on(server: ServerProcess) -> None:
    """History, new viewers and liveness do not depend on the store's taking writes."""
    assert (await ask(server, "/healthz")).status == 200
    page = await ask_json(server, f"/v1/videos/{VIDEO}/comments?limit=5")
    assert len(page["comments"]) == 5
    async with Stream.open(server.url, VIDEO, "backlog=5") as viewer:
        await viewer.until("welcome")
        for _ in range(5):
            await viewer.until("comment")


async def expect_not_ready(server: ServerProcess) -> str:
    """``/readyz`` says that posts can't be stored; its words."""
    answer = await ask(server, "/readyz")
    assert answer.status == 503, answer
    assert answer.json()["reason"] == "store_unavailable"
    assert answer.header("retry-after")
    return str(answer.json()["detail"])
