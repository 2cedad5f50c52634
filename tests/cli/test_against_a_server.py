"""The commands as a person uses them: in terminals of their own, against a running server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest

from hubbub.config import with_dev_secret
from hubbub.config.settings import Settings
from hubbub.testing.server import SECRET, ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("home")]

PATIENCE = 20.0
"""Seconds after which something that should happen is taken not to."""


@asynccontextmanager
async def hubbub(*words: str, **environ: str) -> AsyncIterator[Process]:
    """``hubbub`` with these words; killed at the end if it still runs."""
    variables = {f"HUBBUB_{name}": value for name, value in environ.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hubbub", *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **variables}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*words: str, stdin: str = "", **environ: str) -> tuple[int | None, str, str]:
    """Status, stdout and stderr of ``hubbub`` with these words."""
    async with asyncio.timeout(PATIENCE), hubbub(*words, **environ) as process:
        out, err = await process.communicate(os.fsencode(stdin))
    return process.returncode, out.decode(), err.decode()


async def line_of(stream: asyncio.StreamReader | None) -> str:
    """The next line, without its end."""
    assert stream is not None
    async with asyncio.timeout(PATIENCE):
        return (await stream.readline()).decode().rstrip("\n")


async def texts_of(process: Process, count: int) -> list[str]:
    """The texts of the next ``count`` comments that a ``tail --json`` prints."""
    texts: list[str] = []
    while len(texts) < count:
        event = json.loads(await line_of(process.stdout))
        if event["event"] == "comment":
            texts.append(event["data"]["text"])
    return texts


async def test_what_a_development_server_prints_works_when_pasted(free_port: int, home: Path) -> None:
    """The page's address, and the lines that play a demo, post and watch, in a shell without the server's settings."""
    store = "sqlite:///with space.db"
    async with hubbub("serve", "--dev", "--port", str(free_port), "--store", store, JWT_ISSUER="it's me") as server:
        printed = [await line_of(server.stdout) for _ in range(9)]
        page, demo, watch, post = (line.strip() for line in printed[2::2])
        commands = f"""
            set -e
            curl -sf {page} >page.html
            {demo} --for 5s --rate 1 >demo
            touch watched
            {watch} -sm 15 >watched & watcher=$!
            until grep -q welcome watched; do kill -0 $watcher; sleep 0.05; done
            {post} >posted
            until grep -q Hello watched; do kill -0 $watcher; sleep 0.05; done
            kill $watcher
        """
        shell = await asyncio.create_subprocess_exec("bash", "-c", commands, stderr=PIPE)
        async with asyncio.timeout(PATIENCE):
            _, errors = await shell.communicate()
        assert (shell.returncode, errors) == (0, b"")
        assert (home / "demo").read_text().count("/watch/demo\n") == 2
        comment = json.loads((home / "posted").read_bytes())
        assert (comment["text"], comment["user"]["id"]) == ("Hello!", "me")
        assert comment["id"] in (home / "watched").read_text()
        server.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            _, log = await server.communicate()
    assert server.returncode == 0
    assert b"Traceback" not in log


async def test_a_second_server_on_the_port_is_refused_in_one_line(home: Path) -> None:
    """The line says which setting to change."""
    async with ServerProcess(home) as server:
        port = server.url.rsplit(":", 1)[1]
        status, out, err = await run("serve", "--store", "sqlite:///other.db", PORT=port, JWT_SECRET=SECRET)
    assert (status, out) == (2, "")
    assert err.startswith(f"hubbub: HUBBUB_PORT: port {port} is taken")
    assert err.count("\n") == 1


async def test_a_video_is_told_of_started_and_ended(home: Path) -> None:
    """Each act prints the video as it then stands; what the server refuses is one line."""
    async with ServerProcess(home) as server:
        variables = {"URL": server.url, "JWT_SECRET": SECRET}
        titled = await run("video", "put", "launch", "--title", "Launch \u202e day", **variables)
        assert titled[0] == 0, titled
        assert "\u202e" not in titled[1]
        assert json.loads(titled[1])["title"] == "Launch \u202e day"
        states = []
        for act in ("show", "start", "end", "end"):
            status, out, err = await run("video", act, "launch", **variables)
            assert (status, err) == (0, "")
            states.append(json.loads(out)["state"])
        assert states == ["upcoming", "live", "ended", "ended"]
        status, out, err = await run("video", "put", "launch", "--media-url", "nowhere", **variables)
        assert (status, out) == (1, "")
        assert "media URL" in err
        assert err.count("\n") == 1
        status, _, err = await run("video", "start", "launch", "--title", "x", **variables)
        assert status == 2
        assert "go with put" in err
        await run("video", "start", "second", **variables)
        status, out, err = await run("video", "list", URL=server.url)
        assert (status, out, err) == (0, "second\tlive\nlaunch\tended\tLaunch \\u202e day\n", "")
        status, out, _ = await run("video", "list", "--state", "ended", URL=server.url)
        assert (status, out.split("\t")[0]) == (0, "launch")
        for words in (("list", "launch"), ("list", "--title", "x"), ("show",), ("show", "launch", "--state", "live")):
            assert (await run("video", *words, **variables))[0] == 2


async def test_posts_are_seen_by_tail_through_a_kill(home: Path) -> None:
    """``post`` takes lines, ``tail`` shows each once, says that the connection was lost, and goes on by itself."""
    async with ServerProcess(home) as server:
        environ = {"URL": server.url, "JWT_SECRET": SECRET}
        status, out, err = await run("post", "demo", "first", "--user", "ann", **environ)
        assert (status, err) == (0, "")
        assert re.fullmatch(r"[0-9a-f-]{36}\n", out)
        async with hubbub("tail", "demo", "--json", URL=server.url) as tail:
            assert await texts_of(tail, 1) == ["first"]
            status, out, err = await run("post", "demo", "-", stdin="zwei\n\n drei 🎉\nvier", **environ)
            assert (status, out.count("\n"), err) == (0, 3, "")
            assert await texts_of(tail, 3) == ["zwei", "drei 🎉", "vier"]
            await server.kill()
            assert "trying again in" in await line_of(tail.stderr)
            await server.start()
            status, _, err = await run("post", "demo", "last", **environ)
            assert (status, err) == (0, "")
            assert await texts_of(tail, 1) == ["last"]
            lines = [await line_of(tail.stderr)]
            while "trying again in" in lines[-1]:
                lines.append(await line_of(tail.stderr))
            assert lines[-1] == "hubbub: connected again"


async def test_tail_shows_readable_lines(home: Path) -> None:
    """Time, name and text, plain where there is no terminal; ``--backlog`` bounds what comes first."""
    async with ServerProcess(home) as server:
        environ = {"URL": server.url, "JWT_SECRET": SECRET}
        await run("post", "demo", stdin="one\ntwo\nthree\n", **environ)
        async with hubbub("tail", "demo", "--backlog", "1", URL=server.url) as tail:
            assert re.fullmatch(r"\d\d:\d\d:\d\d me: three", await line_of(tail.stdout))
            await run("post", "demo", "four\nfive \u202e", "--name", "Ann O.", **environ)
            assert re.fullmatch(r"\d\d:\d\d:\d\d Ann O\.: four", await line_of(tail.stdout))
            assert await line_of(tail.stdout) == r"         five \u202e"


@pytest.mark.parametrize("words", [["tail", "demo"], ["post", "demo"]])
async def test_ctrl_c_is_quiet(home: Path, words: list[str]) -> None:
    """Status 130, as shells expect, and not a word: also while waiting for a line to post."""
    async with ServerProcess(home) as server, hubbub(*words, URL=server.url, JWT_SECRET=SECRET) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        if words[0] == "post":
            command.stdin.write(b"one\n")
        else:
            await run("post", "demo", "one", URL=server.url, JWT_SECRET=SECRET)
        await line_of(command.stdout)  # it is at work
        command.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            status = await command.wait()
        assert (status, await command.stdout.read()) == (130, b"")
        assert command.stderr is not None
        assert await command.stderr.read() == b""


async def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    """``hubbub tail demo | head -1`` ends with its reader, without a word."""
    async with ServerProcess(home) as server:
        environ = {"URL": server.url, "JWT_SECRET": SECRET}
        await run("post", "demo", stdin="one\ntwo\n", **environ)
        piped = f"{sys.executable} -m hubbub tail demo | head -1"
        shell = await asyncio.create_subprocess_exec(
            "bash", "-c", piped, stdout=PIPE, stderr=PIPE, env={**os.environ, "HUBBUB_URL": server.url}
        )
        await asyncio.sleep(0)
        ending = asyncio.create_task(shell.communicate())
        async with asyncio.timeout(PATIENCE):
            while not ending.done():  # the pipe breaks at the first comment after `head` has gone
                await run("post", "demo", "more", **environ)
        out, err = ending.result()
    assert out.count(b"\n") == 1
    assert err == b""


async def test_what_the_server_refuses_is_one_line_and_status_1(home: Path) -> None:
    """Its own sentence, with the code to look up."""
    async with ServerProcess(home) as server:
        for words in ("post bad!video x", "tail bad!video", "post demo x --token forged"):
            status, out, err = await run(*words.split(), URL=server.url, JWT_SECRET=SECRET)
            assert (status, out) == (1, "")
            assert re.fullmatch(r"hubbub: .*\(40[01] bad_\w+\)\n", err)


async def test_a_text_that_is_not_utf8_is_refused_before_it_is_sent(home: Path) -> None:
    """What was posted before it stays posted."""
    async with ServerProcess(home) as server:
        status, out, err = await run("post", "demo", stdin="one\n\udcff\udcfe\n", URL=server.url, JWT_SECRET=SECRET)
    assert (status, out.count("\n")) == (1, 1)
    assert err.endswith("is not UTF-8; convert it first.\n")


async def test_a_backup_is_made_while_the_server_runs(home: Path) -> None:
    """The copy serves, with every comment; an existing file is not written over."""
    environ = {"JWT_SECRET": SECRET}
    async with ServerProcess(home) as server:
        await run("post", "demo", "kept", URL=server.url, **environ)
        (home / "copies").mkdir()
        assert (await run("backup", "copies/hubbub.db"))[0] == 0
        status, _, err = await run("backup", "copies/hubbub.db")
        assert status == 2
        assert "exists already" in err
    async with (
        ServerProcess(home / "copies") as restored,
        hubbub("tail", "demo", "--json", URL=restored.url) as tail,
    ):
        assert await texts_of(tail, 1) == ["kept"]


async def test_tokens_of_the_command_are_taken_by_the_server_of_the_same_directory(home: Path, free_port: int) -> None:
    """Both find the development secret beside the store."""
    async with hubbub("serve", "--dev", PORT=str(free_port)) as server:
        await line_of(server.stdout)
        _, token, _ = await run("token", "--user", "ann")
        secret = with_dev_secret(Settings(dev=True)).jwt_secret
        assert secret is not None
        assert jwt.decode(token.strip(), secret, algorithms=["HS256"])["sub"] == "ann"
        status, _, err = await run("post", "demo", "Hello", "--token", token.strip(), PORT=str(free_port))
        assert (status, err) == (0, "")
