"""Publishing through the script of the Redis broker, beside a plain XADD, as fast as one Redis takes either."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measure import cores, cpu_seconds
from bench.programs import BenchError, on_core
from bench.scenario import Scenario
from bench.service import Redis
from hubbub.brokers.redis import Bounds, RedisBroker
from hubbub.brokers.redis.broker import PUBLISH
from hubbub.brokers.redis.entries import publish_args
from hubbub.brokers.redis.keys import Keys
from hubbub.ids import IdSource
from hubbub.model import Comment, Event, Status, User
from hubbub.wire.events import comment_event

COUNT = 200_000
CONNECTIONS = 8
PIPELINE = 16
TEXT = "What a goal, did anybody see that coming?"
OURS_SECONDS = 4.0
OURS_AT_ONCE = 256
_ID = "01a21556-5f19-7078-9005-"
"""A comment's id but for its last twelve digits, which redis-benchmark fills in at random."""

_ids = IdSource()


class Publishing(Scenario):
    name = "redis"
    title = "Publishes/s through the script, one Redis node"
    note = (
        f"redis-benchmark, {CONNECTIONS} connections with {PIPELINE} commands under way each, on the load's core; "
        f"Redis on the server's; {COUNT:,} comments of one video, each with an id of its own, 1,000 of them kept; "
        "beside XADD … MAXLEN ~ 1000 of the same comment. Then our own client alone, in one Python process"
    )

    def run(self, folder: Path) -> None:
        with Redis(folder / "redis") as server:
            command = _evalsha(server)
            ours, ours_cpu = _benchmark(server, command)
            plain, plain_cpu = _benchmark(server, ["XADD", "plain", "MAXLEN", "~", "1000", "*", "c", command[-2]])
            publisher = asyncio.run(_publish(server.port))
        self.figure("publishes/s", "/s", ours, must=(">=", 20_000), aim=(">=", 40_000))
        self.figure("… Redis's CPU for each", "µs", ours_cpu * 1e6)
        self.figure("… Redis's share of its core", "", ours * ours_cpu)
        self.figure("plain XADD", "/s", plain)
        self.figure("… Redis's CPU for one", "µs", plain_cpu * 1e6)
        self.figure("publishes beside plain XADD", "×", ours / plain)
        self.figure("publishes/s of one Python process", "/s", publisher)


def _event() -> Event:
    id, at = _ids.next()
    comment = Comment("v", id, User("user-1", "Ada Lovelace"), TEXT, at, None, Status.VISIBLE)
    return comment_event(comment)


def _evalsha(server: Redis) -> list[str]:
    """What the broker sends for a comment, with an id that redis-benchmark fills in anew each time."""
    keys = Keys("hubbub", None)
    event = _event()
    arguments = [
        word if isinstance(word, str) else word.decode() for word in publish_args(event, keys.channel(event.video_id))
    ]
    random_id = _ID + "__rand_int__"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(_command(b"SCRIPT", b"LOAD", PUBLISH.source))
        digest = connection.recv(200).split(b"\r\n")[1].decode()
    first = ["EVALSHA", digest, "1", keys.log("v").decode(), "bench", os.urandom(8).hex(), *map(str, Bounds())]
    return first + [word.replace(event.id, random_id) for word in arguments]


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _benchmark(server: Redis, command: Sequence[str]) -> tuple[float, float]:
    """Commands a second, and Redis's CPU seconds for each. Raises `BenchError`."""
    options = [
        "-p",
        str(server.port),
        "-n",
        str(COUNT),
        "-c",
        str(CONNECTIONS),
        "-P",
        str(PIPELINE),
        "-r",
        "999999999999",
    ]
    before, began = cpu_seconds(server.pids), time.monotonic()
    done = subprocess.run(
        ["redis-benchmark", *options, "--csv", *command],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=on_core(cores()[1]),  # there are no threads here
    )
    seconds = time.monotonic() - began
    if done.returncode or "rror" in done.stdout + done.stderr:
        raise BenchError(f"redis-benchmark: {done.stdout[-500:]} {done.stderr[-500:]}")
    return COUNT / seconds, (cpu_seconds(server.pids) - before) / COUNT


async def _publish(port: int) -> float:
    """Publishes a second of the broker itself, so many of them under way at any time."""
    broker = RedisBroker.from_url(f"redis://127.0.0.1:{port}", prefix="ours")
    await broker.open()
    try:
        count, until = 0, time.monotonic() + OURS_SECONDS
        began = time.monotonic()

        async def worker() -> None:
            nonlocal count
            while time.monotonic() < until:
                await broker.publish(_event())
                count += 1

        await asyncio.gather(*(worker() for _ in range(OURS_AT_ONCE)))
        return count / (time.monotonic() - began)
    finally:
        await broker.close()
