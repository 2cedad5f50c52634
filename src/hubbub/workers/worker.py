"""One worker, as its parent sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from time import monotonic

from hubbub.workers.channel import Kind, Message, read_message, write_message
from hubbub.workers.place import PLACE_VARIABLE

_ANSWER_WITHIN = 2.0
"""Seconds for a worker's metrics: one that stands still must not hide the others'."""


class Worker:
    """A child process. ``asked`` is called when it wants the metrics of all."""

    def __init__(self, number: int, asked: Callable[[], Awaitable[bytes]]) -> None:
        self.number = number
        self.url = ""
        self.ready = False
        self.retiring = False
        self.replacing = False  # until it is ready, nobody minds its end
        self.began = monotonic()
        self.ready_or_ended = asyncio.Event()
        self._asked = asked
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def start(self, command: Sequence[str], environ: Mapping[str, str], listener: socket.socket) -> None:
        """Begin. Raises `OSError`."""
        ours, theirs = socket.socketpair()
        files = (listener.fileno(), theirs.fileno())
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env={**environ, PLACE_VARIABLE: ":".join(map(str, (self.number, *files)))},
                stdin=subprocess.DEVNULL,
                pass_fds=files,
                process_group=0,  # Ctrl-C at the terminal is the parent's, who hands it on once
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end; the exit status, or the signal's number below zero."""
        status = await self._process.wait()
        self.ready = False
        self.ready_or_ended.set()
        self._reading.cancel()
        self._writer.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(b"")
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def retire(self) -> None:
        """Have it take nobody in any more, let its viewers go, and end."""
        self.retiring = True
        write_message(self._writer, Message(Kind.RETIRE))

    async def metrics(self) -> str | None:
        """Its metrics; None if it doesn't say."""
        number = next(self._numbers) & 0xFFFFFFFF
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            write_message(self._writer, Message(Kind.GIVE_METRICS, number))
            async with asyncio.timeout(_ANSWER_WITHIN):
                return (await answer).decode() or None
        except TimeoutError:
            return None
        finally:
            self._answers.pop(number, None)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while (message := await read_message(reader)) is not None:
            if message.kind is Kind.READY:
                self.url, self.ready = message.body.decode(), True
                self.ready_or_ended.set()
            elif message.kind is Kind.METRICS:
                answer = self._answers.get(message.number)
                if answer is not None and not answer.done():
                    answer.set_result(message.body)
            elif message.kind is Kind.ASK_ALL:
                task = asyncio.get_running_loop().create_task(self._answer(message.number))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    async def _answer(self, number: int) -> None:
        write_message(self._writer, Message(Kind.ALL_METRICS, number, await self._asked()))
