"""No open file left: nothing spins or dies, those inside are served, and it heals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.errors import StoreUnavailable
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.raw import Connection, Stream, request_bytes
from hubbub.testing.refusals import check_problem
from hubbub.testing.server import ServerProcess, token

COMMENTS = "/v1/videos/v/comments"
TOKEN = token("ada", lifetime=86_400)
FILES = 150
WATCHED = 2.0


def cpu_seconds(pid: int) -> float:
    """What a process has used so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def post(connection: Connection, text: str) -> int:
    return (await connection.request("POST", COMMENTS, token=TOKEN, body=b'{"text":"%b"}' % text.encode())).status


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_a_crowd_that_takes_every_open_file_harms_nobody_inside(tmp_path: Path, loop: str) -> None:
    """With bounds set too high for the limit of open files, those who find none left wait outside at no cost; inside,
    health, posts and live comments go on, and once files are free newcomers are let in."""
    environ = {"HUBBUB_MAX_VIEWERS": "1000", "HUBBUB_MAX_CONNECTIONS": "1000"}
    if loop == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError", "ascii")
        environ["PYTHONPATH"] = str(tmp_path)
    shell = ("sh", "-c", f'ulimit -n {FILES} && exec "$0" "$@"')
    async with (
        asyncio.timeout(60),
        ServerProcess(tmp_path, port=0, command=shell, **environ) as server,
        await Connection.open(server.url) as inside,
        Stream.open(server.url, "v") as viewer,
        contextlib.AsyncExitStack() as stack,
    ):
        await viewer.until("welcome")
        assert await post(inside, "before") == 201
        crowd = [await stack.enter_async_context(await Connection.open(server.url)) for _ in range(2 * FILES)]
        for connection in crowd:
            await connection.send(request_bytes("GET", COMMENTS + "/stream"))
        while b'refused_total{reason="no_files"} ' not in (await inside.request("GET", "/metrics")).body:
            await asyncio.sleep(0.05)

        used = cpu_seconds(server.pid)
        await asyncio.sleep(WATCHED)
        assert cpu_seconds(server.pid) - used < WATCHED / 2
        assert (await inside.request("GET", "/healthz")).status == 200
        assert await post(inside, "starved") == 201
        assert [(await viewer.until("comment"))[-1].json()["text"] for _ in range(2)] == ["before", "starved"]
        page = await inside.request("GET", COMMENTS)
        if page.status != 200:
            check_problem(page, 503, "store_unavailable")

        await stack.aclose()
        async with await Connection.open(server.url) as newcomer:
            assert await post(newcomer, "after") == 201
            assert (await newcomer.request("GET", COMMENTS)).status == 200
        assert (await viewer.until("comment"))[-1].json()["text"] == "after"
        assert await server.terminate() == 0


@pytest.mark.slow
async def test_connections_that_only_take_files_leave_enough_for_viewers_and_the_database(tmp_path: Path) -> None:
    """By default, as many connections as anybody likes to open, idle, silent or half done, never use the last file."""
    shell = ("sh", "-c", f'ulimit -n {2 * FILES} && exec "$0" "$@"')
    async with (
        asyncio.timeout(60),
        ServerProcess(tmp_path, command=shell) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        crowd = [await stack.enter_async_context(await Connection.open(server.url)) for _ in range(FILES)]
        for number, connection in enumerate(crowd):
            with contextlib.suppress(OSError):
                await connection.send((b"", b"GET / HT", request_bytes("GET", "/healthz"))[number % 3])
        viewers = []
        for _ in range(50):
            viewers.append(await stack.enter_async_context(Stream.open(server.url, "v")))
            await viewers[-1].until("welcome")
        async with await Connection.open(server.url) as poster:
            assert await post(poster, "hello") == 201
            metrics = (await poster.request("GET", "/metrics")).body
        for viewer in viewers:
            await viewer.until("comment")
        assert b'reason="no_files"' not in metrics
        assert f"process_max_fds {2 * FILES}.0".encode() in metrics


@pytest.fixture
def no_files_left() -> Iterator[None]:
    """Files of this process are counted; the test takes the last ones by lowering the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("no_files_left")
async def test_a_reader_that_cannot_be_opened_is_a_503(tmp_path: Path) -> None:
    """Reading needs a file; where there is none the store says so and takes the next request when there is."""
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        lowest_free = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    with pytest.raises(StoreUnavailable, match="can't be opened"):
        await store.page("v", after=None, limit=1, order="desc")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert await store.page("v", after=None, limit=1, order="desc") == []
    await store.close()
