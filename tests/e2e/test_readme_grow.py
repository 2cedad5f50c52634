"""README's "Grow" does what it says: its commands are taken from the page and run in a bash, with other ports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hubbub.testing.crowd import Follower, eventually, running
from hubbub.testing.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

PORTS = ("6379", "8001", "8002", "8011", "8012", "8080")
"""Those of the page and of deploy/nginx. A developer's own servers may have them, so the test takes free ones."""


PATHS = (
    *("/", "/watch/demo", "/docs", "/openapi.json", "/client/v1/hubbub.js", "/readyz", "/v1/videos", "/v1/videos/demo"),
    *(f"/v1/videos/demo/{rest}" for rest in ("comments", "comments/poll")),
)
"""What nginx has to bring to a process that serves it."""


def blocks() -> list[list[str]]:
    """The commands of the section, block by block."""
    section = re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    [grow] = [text for text in section if text.startswith("Grow\n")]
    return [block.strip("\n").splitlines() for block in re.findall(r"(?:^    .+\n)+", grow, re.MULTILINE)]


class Bash:
    """A shell as a newcomer's: what runs in the background belongs to it."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self._folder = folder

    async def run(self, command: str) -> str:
        """A line; what it said on its standard output, once it is done. Its status must be 0."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f'{command}\necho "ended $?"\n'.encode())
        said = []
        async with asyncio.timeout(60):
            while not (line := (await self.process.stdout.readline()).decode()).startswith("ended "):
                assert line, f"the shell ended: {self.log()}"
                said.append(line)
        assert line == "ended 0\n", (command, said, self.log())
        return "".join(said)

    def log(self) -> str:
        """What was said on standard errors."""
        return (self._folder / "said.log").read_text()


@asynccontextmanager
async def bash(folder: Path) -> AsyncIterator[Bash]:
    """A shell in ``folder``; at the end neither it nor anything that it started is left."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    with (folder / "said.log").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *("bash", "--norc", "--noprofile"),
            cwd=folder,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
    shell = Bash(process, folder)
    try:
        yield shell
    finally:
        pids = {process.pid, *_in_folder(folder)}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()


def _in_folder(folder: Path) -> set[int]:
    """Every process that was started there: servers that went into the background are nobody's children."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "cwd").resolve().is_relative_to(folder) or str(folder) in (place / "cmdline").read_text():
                found.add(int(place.name))
    return found - {os.getpid()}


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """As much of a checkout as the commands need, with other ports; and by which port each is replaced."""
    ports = {port: str(free_port()) for port in PORTS}
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for path in (tmp_path / "deploy/nginx").iterdir():
        path.write_text(_with(ports, path.read_text()))
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    return tmp_path, ports


def _with(ports: dict[str, str], text: str) -> str:
    return re.sub(rf"\b(?:{'|'.join(ports)})\b", lambda match: ports[match[0]], text)


async def test_five_commands_lead_from_one_process_to_two_gateways_behind_nginx_on_redis(
    folder: tuple[Path, dict[str, str]],
) -> None:
    """And what the page says of it holds: comments go through, a killed gateway's viewers go on, Redis may go, and the
    last line ends it all.
    """
    place, ports = folder
    commands, tries, end = ([_with(ports, line) for line in block] for block in blocks())
    assert len(commands) == 5
    url = f"http://127.0.0.1:{ports['8080']}"
    async with asyncio.timeout(240), bash(place) as shell:
        for command in commands:
            await shell.run(command)
        async with httpx.AsyncClient() as client:
            for port in ("8001", "8002", "8011", "8012"):
                await until_ready(client, f"http://127.0.0.1:{ports[port]}", shell)
        post, tail = tries
        id = (await shell.run(post)).strip()
        assert "Hello from many!" in (await shell.run(f"timeout 10 {tail} | head -1"))

        async with httpx.AsyncClient(base_url=url) as client:
            for path in PATHS:
                assert (await client.get(path)).status_code == 200, path

        followers = [Follower(url, video_id, batch=False) for video_id in ("demo", *map(str, range(6)))]
        async with running(*(follower.run() for follower in followers)) as tasks:
            await eventually(lambda: all(follower.connections for follower in followers), tasks)
            assert followers[0].seen == [id]
            await shell.run("kill -9 %3")  # the jobs are numbered as they were started: the first gateway
            await eventually(lambda: any(follower.connections > 1 for follower in followers), tasks)
            id = (await shell.run(post)).strip()
            await eventually(lambda: followers[0].seen[-1] == id, tasks)
            await shell.run(f"redis-cli -p {ports['6379']} shutdown nosave")
            await shell.run(post)
            await shell.run(commands[0])
            await eventually(lambda: len(set(followers[0].seen)) == 3, tasks)

        await shell.run(f"{{ {end[0]}; }} || true")  # one of the jobs is dead already
        async with asyncio.timeout(60):
            while left := _in_folder(place) - {shell.process.pid}:
                await asyncio.sleep(0.1)
        assert not left


async def until_ready(client: httpx.AsyncClient, url: str, shell: Bash) -> None:
    """Wait until a process says so."""
    try:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{url} is not ready: {shell.log()}") from None
