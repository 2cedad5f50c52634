"""Whole servers on one table of DynamoDB and one Redis: what is posted through any is seen through all, and stays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.stores.dynamodb_tables import table_name

from hubbub.client import HubbubClient
from hubbub.testing.crowd import Follower, Poster, eventually, running, whole_history
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.raw import Connection
from hubbub.testing.redis_server import RedisServer
from hubbub.testing.server import ServerProcess, token

pytestmark = pytest.mark.slow

VIDEO = "final"
BOUND = 120.0
"""Seconds for a test: it takes about ten on a quiet machine."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def table(dynamodb_local: DynamoDBLocal) -> str:
    """`HUBBUB_STORE` for a table made by the command."""
    url = dynamodb_local.url(table_name())
    made = hubbub("store", "create", "--store", url)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Made the table")
    return url


def hubbub(*words: str) -> subprocess.CompletedProcess[str]:
    """The program, run to its end."""
    command = [sys.executable, "-m", "hubbub", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=BOUND)


def process(
    directory: Path, table: str, redis: RedisServer, role: str = "serve", timeout: str = "10s"
) -> ServerProcess:
    """A server that is not started yet."""
    return ServerProcess(
        directory, role=role, HUBBUB_STORE=table, HUBBUB_BROKER=redis.url, HUBBUB_STORE_TIMEOUT=timeout
    )


ROLES = {"whole": ("serve", "serve", "serve", "serve"), "parts": ("api", "api", "gateway", "gateway")}


@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
async def test_viewers_and_posters_outlive_the_death_of_a_process_of_each_role(
    tmp_path: Path, table: str, redis: RedisServer, roles: tuple[str, ...]
) -> None:
    """Everybody has exactly what was accepted, each once; so has history."""
    async with asyncio.timeout(BOUND), AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(process(tmp_path, table, redis, role)) for role in roles]
        apis, gateways = servers[:2], servers[2:]
        posters = [Poster(one.url, VIDEO, f"p{n}", token(f"p{n}")) for n, one in enumerate(apis * 2)]
        viewers = [Follower(one.url, VIDEO, batch=n > 1) for n, one in enumerate(gateways * 2)]
        stop = asyncio.Event()

        def accepted() -> list[str]:
            return [id for poster in posters for id in poster.accepted.values()]

        async with (
            running(*(viewer.run() for viewer in viewers)) as watching,
            running(*(poster.run(stop) for poster in posters)) as posting,
        ):
            await eventually(lambda: all(viewer.connections for viewer in viewers), watching)
            await eventually(lambda: len(accepted()) > 60, posting)
            await asyncio.gather(apis[0].kill(), gateways[0].kill())
            enough = len(accepted()) + 40
            await eventually(lambda: len(accepted()) > enough, posting)
            await asyncio.gather(apis[0].start(), gateways[0].start())
            enough = len(accepted()) + 60
            await eventually(lambda: len(accepted()) > enough, posting)
            stop.set()
            await eventually(lambda: all(task.done() for task in posting), posting)
            # A post that died with its server, and was kept all the same, is answered when it is repeated.
            await eventually(lambda: all(set(accepted()) <= set(viewer.seen) for viewer in viewers), watching)
        assert viewers[0].connections > 1
        for server in apis:
            history = [comment["id"] for comment in await whole_history(server.url, VIDEO)]
            assert history == sorted(accepted())
        for viewer in viewers:
            assert "reset" not in viewer.names
            assert sorted(set(viewer.seen)) == history


async def test_a_table_that_does_not_answer_is_said_and_outlived(
    tmp_path: Path, table: str, redis: RedisServer, dynamodb_local: DynamoDBLocal
) -> None:
    """Posts are `503` and `/readyz` too, in words that name the setting; watching goes on. Then posts are taken again,
    and those that were repeated with their key are there once.
    """
    server = process(tmp_path, table, redis, timeout="1s")
    async with asyncio.timeout(BOUND), server:
        poster, viewer = Poster(server.url, VIDEO, "p", token("p")), Follower(server.url, VIDEO, batch=False)
        stop = asyncio.Event()
        async with running(viewer.run()) as watching, running(poster.run(stop)) as posting:
            await eventually(lambda: len(poster.accepted) > 20, posting)
            dynamodb_local.freeze()
            try:
                await eventually(lambda: sum(poster.refused.values()) > 1, posting)
                async with await Connection.open(server.url) as connection:
                    ready = await connection.request("GET", "/readyz")
            finally:
                dynamodb_local.thaw()
            assert ready.status == 503
            assert "HUBBUB_STORE" in ready.json()["detail"]
            assert all("HUBBUB_STORE" in words for words in poster.refused)
            enough = len(poster.accepted) + 20
            await eventually(lambda: len(poster.accepted) > enough, posting)
            stop.set()
            await eventually(posting[0].done, posting)
            await eventually(lambda: set(poster.accepted.values()) <= set(viewer.seen), watching)
            history = [comment["id"] for comment in await whole_history(server.url, VIDEO)]
        assert viewer.connections == 1
        # What was committed as the answer was given up comes by the unpublished list, after those that followed.
        assert sorted(viewer.seen) == history == sorted(poster.accepted.values())


async def test_a_video_from_its_start_to_its_replay_survives_a_restart(
    tmp_path: Path, table: str, redis: RedisServer
) -> None:
    """Posting, pinning and deleting, its end, the list of videos; all there after every process has gone."""
    async with asyncio.timeout(BOUND):
        server = process(tmp_path, table, redis)
        moderator = token("mod", ("read", "post", "moderate"))
        async with server, HubbubClient(server.url, token=moderator) as client:
            await client.put_video(VIDEO, title="The final")
            await client.start_video(VIDEO)
            first, second, third = [await client.post(VIDEO, text) for text in ("one", "two", "three")]
            await client.pin(VIDEO, first["id"])
            await client.delete(VIDEO, second["id"])
            await client.end_video(VIDEO)
            kept = await _told(client)
            assert await server.terminate() == 0
        await asyncio.to_thread(redis.kill)
        redis.start()  # empty
        async with server, HubbubClient(server.url, token=moderator) as client:
            again = await _told(client)
            assert again == kept
            replay = [comment["id"] async for comment in client.replay(VIDEO)]
            assert replay == [first["id"], third["id"]]
            shown = [event async for event in _until_shown(client, third["id"])]
            assert [comment["text"] for comment in shown] == ["one", "three"]


async def _told(client: HubbubClient) -> tuple[dict[str, Any], list[str]]:
    """What is told of the video, and its history; that it is in the list of what has ended."""
    video = await client.video(VIDEO)
    page = await client.video_page(state="ended")
    assert [one["video_id"] for one in page.videos] == [VIDEO]
    return {**video, "viewers": 0}, [one["id"] async for one in client.history(VIDEO)]


async def _until_shown(client: HubbubClient, last: str) -> Any:
    async for event in client.watch(VIDEO):
        if event.name == "comment":
            yield event.data
            if event.data["id"] == last:
                return


async def test_what_a_server_costs_is_among_its_metrics(tmp_path: Path, table: str, redis: RedisServer) -> None:
    """Units read and written, and no retries here."""
    async with asyncio.timeout(BOUND):
        server = process(tmp_path, table, redis)
        async with server, HubbubClient(server.url, token=token()) as client, await Connection.open(server.url) as raw:
            await client.post(VIDEO, "one")
            metrics = (await raw.request("GET", "/metrics")).body.decode()
        units = {
            line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if line.startswith("hubbub_store_")
        }
        assert units['hubbub_store_units_total{kind="write"}'] > 1
        assert units['hubbub_store_units_total{kind="read"}'] > 1


def test_a_server_without_a_table_says_how_to_make_one(dynamodb_local: DynamoDBLocal, redis: RedisServer) -> None:
    """At once, and ends."""
    ended = hubbub("serve", "--dev", "--store", dynamodb_local.url(table_name()), "--broker", redis.url)
    assert ended.returncode != 0
    assert "HUBBUB_STORE" in ended.stderr
    assert "hubbub store create" in ended.stderr


def test_the_log_within_a_process_is_refused_over_a_store_that_many_share(table: str) -> None:
    """It would be right in one process only, and it has no journal to be made of again."""
    ended = hubbub("serve", "--dev", "--store", table)
    assert ended.returncode != 0
    assert "HUBBUB_BROKER" in ended.stderr
    assert "set it to redis://" in ended.stderr


def test_a_table_that_is_not_made_is_told_by_a_dry_run(dynamodb_local: DynamoDBLocal) -> None:
    """And by nothing else."""
    url = dynamodb_local.url(table_name())
    planned = hubbub("store", "create", "--dry-run", "--store", url)
    assert planned.stdout.startswith("Would make the table")
    assert hubbub("store", "create", "--store", url).stdout.startswith("Made the table")


def test_a_store_that_needs_no_making_says_so(tmp_path: Path) -> None:
    """SQLite's file is made by the first start."""
    said = hubbub("store", "create", "--store", f"sqlite:///{tmp_path}/hubbub.db")
    assert said.returncode == 0
    assert "Nothing to make" in said.stdout
