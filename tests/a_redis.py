"""A Redis server of a test's own: on a free loopback port, keeping nothing, gone with the test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Self


class ARedis:
    """``redis-server`` as a child process, in ``folder``; an async context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and return once it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            while not await self._answers():
                assert self._process.returncode is None, "redis-server ended"
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()

    async def command(self, *words: str) -> bytes:
        """A command's reply, as it came, up to its first line's end or its bulk string's."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"*{len(words)}\r\n".encode() + b"".join(_bulk(word) for word in words))
            head = await reader.readline()
            return await reader.readexactly(int(head[1:])) if head[:1] == b"$" and head[1:2] != b"-" else head.strip()
        finally:
            writer.close()

    async def kill(self) -> None:
        """``kill -9``."""
        await self._end(signal.SIGKILL)

    def freeze(self, frozen: bool) -> None:
        """SIGSTOP, or SIGCONT."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end(signal.SIGKILL)


def _bulk(word: str) -> bytes:
    raw = word.encode()
    return b"$%d\r\n%b\r\n" % (len(raw), raw)
