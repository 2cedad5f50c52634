"""That a ``201`` follows an fsync, read from the server's own system calls.

``kill -9`` can't show it: what a dead process had written is still in the kernel's page cache. So the server runs under
strace(1), which stops a thread before and after each system call and writes all threads' calls into one file: the end
of a call that stands above the beginning of another happened before it.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hubbub.testing.crowd import eventually
from hubbub.testing.raw import Connection, Stream, request_bytes
from hubbub.testing.server import ServerProcess, token

READS = ("read", "readv", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
FILE_WRITES = ("pwrite64", "pwritev")
SYNCS = ("fsync", "fdatasync")

SEQUENTIAL = 20
BURST = 100

_LINE = re.compile(
    r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()"
    r"(?P<rest>.*?)(?P<unfinished> <unfinished \.\.\.>)?"
)
_TARGET = re.compile(r"(?P<fd>\d+)<(?P<path>[^>]*)>")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RESULT = re.compile(r" = (?P<result>-?\d+)[^=]*$")
_MARK = re.compile(rb"mark-\d{4}")
_FRAME_HEADER = 24


class Call(NamedTuple):
    """A finished system call. ``began`` and ``ended`` are line numbers; ``data`` is what was read or written."""

    name: str
    target: str
    began: int
    ended: int
    data: bytes
    result: int

    @property
    def marks(self) -> set[bytes]:
        """The comments that the data carries."""
        return set(_MARK.findall(self.data))


def read_trace(text: str) -> Iterator[Call]:
    """The calls of a trace made with ``strace -f -y``, in the order of their ends."""
    begun: dict[tuple[str, str], tuple[int, str]] = {}
    for number, line in enumerate(text.splitlines()):
        match = _LINE.fullmatch(line)
        if match is None:
            continue  # a signal, or the end of a thread
        name = match["name"] or match["resumed"]
        key = (match["thread"], name)
        if match["unfinished"]:
            begun[key] = number, match["rest"]
            continue
        began, first = begun.pop(key, (number, "")) if match["resumed"] else (number, "")
        whole = first + match["rest"]
        result = _RESULT.search(whole)
        target = _TARGET.match(whole)
        if result is None or target is None:
            continue
        # strace escapes as C does, in octal, which is how Python writes bytes too.
        data = b"".join(ast.literal_eval("b" + string) for string in _STRING.findall(whole[: result.start()]))
        yield Call(name, f"{target['fd']} {target['path']}", began, number, data, int(result["result"]))


class Commit(NamedTuple):
    """A transaction in the write-ahead log: its comments, and the lines where its last frame and a sync had ended."""

    marks: set[bytes]
    written: int
    synced: int


def commits_in(calls: list[Call]) -> list[Commit]:
    """The transactions with a comment in them. Raises `AssertionError` for one that no sync of the log followed.

    SQLite writes a frame as a header of 24 bytes and a page; bytes 4 to 8 of the header are not zero in a transaction's
    last frame (https://www.sqlite.org/fileformat2.html#walformat).
    """
    log = [call for call in calls if call.target.endswith("hubbub.db-wal")]
    syncs = [call for call in log if call.name in SYNCS and call.result == 0]
    found: list[Commit] = []
    seen: set[bytes] = set()
    marks: set[bytes] = set()
    is_last = False
    for call in log:
        if call.name not in FILE_WRITES:
            continue
        assert call.result == len(call.data), "strace must be told to show whole pages"
        if len(call.data) == _FRAME_HEADER:
            is_last = call.data[4:8] != bytes(4)
            continue
        # A page also carries the comments of earlier transactions.
        marks |= call.marks - seen
        if not is_last:
            continue
        if marks:
            synced = next((sync.ended for sync in syncs if sync.began > call.ended), None)
            assert synced is not None, f"no sync after {marks}"
            found.append(Commit(marks, call.ended, synced))
        seen |= marks
        marks, is_last = set(), False
    return found


class Told(NamedTuple):
    """What the outside saw of a comment: when its post was read, and the first lines that gave it away."""

    read: int
    answered: int
    shown: int


def told_in(calls: list[Call]) -> dict[bytes, Told]:
    """By comment: its request, its 201, and the first write to any socket that carried its text."""
    asked: dict[str, bytes] = {}
    read: dict[bytes, int] = {}
    answered: dict[bytes, int] = {}
    shown: dict[bytes, int] = {}
    for call in calls:
        if call.name in READS and call.marks:
            (asked[call.target],) = call.marks
            read[asked[call.target]] = call.ended
        if call.name in WRITES and "socket:" in call.target:
            for mark in call.marks:
                shown.setdefault(mark, call.began)
            if call.data.startswith(b"HTTP/1.1 201 ") and call.target in asked:
                answered[asked.pop(call.target)] = call.began
    return {mark: Told(read[mark], answered[mark], shown[mark]) for mark in answered}


def post_bytes(number: int, bearer: str) -> bytes:
    """A post whose text names it."""
    body = b'{"text":"mark-%04d"}' % number
    return request_bytes("POST", "/v1/videos/v/comments", headers=[("Authorization", f"Bearer {bearer}")], body=body)


async def post_all(server: ServerProcess, bearer: str) -> None:
    """``SEQUENTIAL`` posts one after another, then ``BURST`` at once."""
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(await Connection.open(server.url)) for _ in range(BURST)]
        await asyncio.gather(*(connection.request("GET", "/healthz") for connection in connections))
        for number in range(SEQUENTIAL):
            await connections[0].send(post_bytes(number, bearer))
            assert (await connections[0].answer()).status == 201
        os.kill(server.pid, signal.SIGSTOP)  # so that it finds all of them waiting
        try:
            for number, connection in enumerate(connections, SEQUENTIAL):
                await connection.send(post_bytes(number, bearer))
        finally:
            os.kill(server.pid, signal.SIGCONT)
        answers = await asyncio.gather(*(connection.answer() for connection in connections))
        assert {answer.status for answer in answers} == {201}


@pytest.fixture
def strace() -> str:
    """Where strace is; a machine without it fails, since nothing else can show what these tests show."""
    found = shutil.which("strace")
    if found is None:
        pytest.fail("strace is missing; scripts/install-test-packages installs it.")
    return found


@pytest.mark.slow
async def test_a_201_and_every_frame_follow_a_sync_and_a_burst_shares_them(strace: str, tmp_path: Path) -> None:
    """Between reading a post and the first byte of its 201, or of a viewer's frame with it, the commit that holds it is
    synced to disk; posts that come together share commits."""
    trace = tmp_path / "trace"
    command = [strace, "-D", "-f", "-y", "-s", "20000", "-o", str(trace)]
    command += ["-e", "trace=" + ",".join((*READS, *WRITES, *FILE_WRITES, *SYNCS))]
    # -D: the server, not strace, is our child, so that signals and the exit status are its own.
    async with asyncio.timeout(60), ServerProcess(tmp_path, command=command) as server:
        async with Stream.open(server.url, "v") as viewer:
            await viewer.until("welcome")
            await post_all(server, token())
            for _ in range(SEQUENTIAL + BURST):
                await viewer.until("comment")
        assert await server.terminate() == 0
        await eventually(lambda: f"\n{server.pid} " in _ended(trace))

    calls = list(read_trace(trace.read_text()))
    commits = commits_in(calls)
    told = told_in(calls)
    holding = {mark: commit for commit in commits for mark in commit.marks}
    posts = {b"mark-%04d" % number for number in range(SEQUENTIAL + BURST)}
    assert set(told) == set(holding) == posts
    for mark, (read, answered, shown) in told.items():
        commit = holding[mark]
        assert read < commit.written < commit.synced < min(answered, shown), mark

    alone = {holding[b"mark-%04d" % number].synced for number in range(SEQUENTIAL)}
    together = {holding[b"mark-%04d" % number].synced for number in range(SEQUENTIAL, SEQUENTIAL + BURST)}
    assert len(alone) == SEQUENTIAL, "posts made one after another need a sync each"
    assert len(together) <= BURST // 10, "posts made at once must share commits"


def _ended(trace: Path) -> str:
    """The lines that say a process or thread has ended."""
    return "\n" + "\n".join(line for line in trace.read_text().splitlines() if line.endswith("+++"))
