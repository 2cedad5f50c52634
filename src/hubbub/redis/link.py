"""One connection to a Redis server: commands out, replies in the same order, pushes whenever they come (RESP3).

Whoever calls at once is pipelined: what one turn of the event loop asks for leaves in one write. Replies are read as
they arrive, without a task. A server that stops answering is noticed by the oldest call, which waits for its time and
no longer; from then on new calls fail at once, until the server says anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from hiredis import HiredisError, PushNotification, Reader, ReplyError, pack_command

from hubbub.redis.errors import Away

Word = bytes | str | int
Push = list[Any]

MAX_CALLS = 10_000
MAX_UNSENT = 16 * 1024 * 1024
"""Calls without a reply yet, and bytes the server has not taken. One more is refused: it would have to wait longer than
anybody does."""

_LOOK = 0.05
"""Seconds between two looks at how long the oldest call waits."""

_NOTHING = object()


class Link(asyncio.Protocol):
    """A connection, made by `hubbub.redis.handshake.connect`.

    ``where`` is for messages. ``run_id`` is the server's, read when the connection was made: it holds as long as the
    connection does, since a server gets another one only by starting anew.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.run_id = b""
        self.lost: Away | None = None
        self.silent = False
        self.on_push: Callable[[Push], None] = lambda push: None
        self.on_stray: Callable[[Any], None] = lambda reply: None  # replies to `say`
        self.on_lost: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._calls: deque[tuple[asyncio.Future[Any], float]] = deque()  # with the loop's time until which each waits
        self._out: list[bytes] = []
        self._looking: asyncio.TimerHandle | None = None

    def call(self, *words: Word, within: float, probe: bool = False) -> asyncio.Future[Any]:
        """Send a command. The future gives the reply (an error reply as a `ReplyError` value) or raises `Away`, after
        ``within`` seconds at latest. Raises `Away` at once where waiting makes no sense; a ``probe`` waits even so.
        """
        if self.lost is not None:
            raise self.lost
        if self.silent and not probe:
            raise Away(f"Redis at {self.where} has stopped answering")
        transport = cast(asyncio.Transport, self._transport)
        if len(self._calls) >= MAX_CALLS or transport.get_write_buffer_size() > MAX_UNSENT:
            raise Away(f"Redis at {self.where} can't keep up: {len(self._calls)} commands wait for it")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._calls.append((future, self._loop.time() + within))
        self._send(words)
        if self._looking is None:
            self._looking = self._loop.call_later(_LOOK, self._look)
        return future

    def say(self, *words: Word) -> None:
        """Send a command whose reply, if one comes, goes to ``on_stray``. Not to be mixed with `call`."""
        if self.lost is None:
            self._send(words)

    def _send(self, words: tuple[Word, ...]) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(pack_command(words))  # type: ignore[arg-type] # its stub says that there is one word

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None and self.lost is None:
            self._transport.write(b"".join(out))

    def _look(self) -> None:
        """Let go of who has waited long enough. The replies may still come, in their order, for nobody."""
        self._looking = None
        now = self._loop.time()
        for future, until in self._calls:
            if until <= now and not future.done():
                self.silent = True
                future.set_exception(Away(f"Redis at {self.where} did not answer in time"))
        if self._calls:
            self._looking = self._loop.call_later(_LOOK, self._look)

    def drop(self, problem: Away) -> None:
        """End the connection; every call that waits raises ``problem``."""
        if self.lost is not None:
            return
        self.lost = problem
        if self._looking is not None:
            self._looking.cancel()
        if self._transport is not None:
            self._transport.abort()
        calls, self._calls = self._calls, deque()
        for future, _ in calls:
            if not future.done():
                future.set_exception(problem)
        self.on_lost()

    # --- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.silent = False
        reader, calls = self._reader, self._calls
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOTHING:
                if type(reply) is PushNotification:
                    self.on_push(reply)
                elif calls:
                    future, _ = calls.popleft()
                    if not future.done():
                        future.set_result(reply)
                else:
                    self.on_stray(reply)
        except HiredisError as error:
            self.drop(Away(f"{self.where} does not speak Redis's protocol: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        self.drop(Away(f"Redis at {self.where} has closed the connection" + (f" ({error})" if error else "")))


def is_error(reply: object) -> bool:
    """Whether a reply says that the command failed."""
    return isinstance(reply, ReplyError)
