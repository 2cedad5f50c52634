"""Taking connections in: no more than there is place for, and none when the open files run out.

The event loops have acceptors of their own, which know no bound: asyncio's logs and retries thousands of times when the
files run out (CPython's issue 127529), libuv's closes whoever waits. This one asks `Connections` first, and takes a few
at a turn, so that those who came before are served in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable

from hubbub.errors import Unavailable
from hubbub.http.connections import Connections
from hubbub.http.problems import problem_answer
from hubbub.http.takeover import TakeoverProtocol

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that the kernel keeps for us until we take them (at most ``net.core.somaxconn`` of them)."""

_SNDBUF = 128 * 1024
"""Bytes of an answer that the kernel keeps for a client that does not read it (Linux doubles it; left to itself it
keeps megabytes). Viewers' sockets get ``HUBBUB_SNDBUF`` later.
"""

_AT_ONCE = 100
"""Connections taken in one turn of the event loop."""

_AT_ONCE_SHARED = 2
"""The same where other processes take from the listener too: a crowd that comes at once is then spread over all."""

_FULL_FOR = 1.0
"""Seconds for which newcomers are left with the kernel when all places are busy. Most often that is a crowd of viewers
who return, and each place is free again in a moment. Then they are refused.
"""

_LOOK_AGAIN = 0.05
_NO_FILES_FOR = 1.0
"""Seconds until the next try to accept when there is no open file left for it."""

_KEPT = 10
"""Connections that are never closed for want of files: whoever asks after our health has one of them."""

_LINGERING = 32
"""Refused connections that stay for a second, so that the answer is not lost in a reset (RFC 9112, section 9.6)."""

_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_FULL = problem_answer(
    Unavailable("Too many connections are open; come back in a moment.", code="too_many_connections", retry_after=5)
)


class Doorman:
    """Accepts from ``listener``, which stays its caller's; ``greet`` makes the protocol of a connection. ``shared``:
    other processes accept from it as well.
    """

    def __init__(
        self,
        listener: socket.socket,
        connections: Connections,
        greet: Callable[[socket.socket], TakeoverProtocol],
        *,
        tls: ssl.SSLContext | None = None,
        shared: bool = False,
    ) -> None:
        self._listener = listener
        self._connections = connections
        self._greet = greet
        self._tls = tls
        self._at_once = _AT_ONCE_SHARED if shared else _AT_ONCE
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._full_since: float | None = None
        self._full_seen = 0.0
        self._without_files = False
        self._complain_after = 0.0
        self._refused: deque[socket.socket] = deque()

    def open(self) -> None:
        """Begin."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SNDBUF)  # those accepted inherit it
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def turn_away(self) -> None:
        """Take no more."""
        self._loop.remove_reader(self._listener.fileno())
        if self._resting is not None:
            self._resting.cancel()

    def close(self) -> None:
        """Take no more, and let nobody in who is on the way; who is in stays."""
        self.turn_away()
        for task in self._joining:
            task.cancel()
        while self._refused:
            self._refused.popleft().close()

    def _accept(self) -> None:
        for _ in range(self._at_once):
            if self._connections.has_place():
                self._full_since = None
            elif not self._has_been_full():
                self._rest(_LOOK_AGAIN)
                return
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:  # its client went before its turn
                continue
            except OSError as error:
                self._could_not(error)
                return
            self._without_files = False
            self._take_in(connection, str(address[0]) if isinstance(address, tuple) else "")

    def _has_been_full(self) -> bool:
        now = self._loop.time()
        if self._full_since is None or now - self._full_seen > _FULL_FOR:  # nobody came for a while: that was then
            self._full_since = now
        self._full_seen = now
        return now - self._full_since >= _FULL_FOR

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._resting = self._loop.call_later(seconds, self._loop.add_reader, self._listener.fileno(), self._accept)

    def _could_not(self, error: OSError) -> None:
        made_place = False
        if error.errno in _OUT_OF_FILES:
            self._connections.refused("no_files")
            # At the second try: a crowd that just came in may be viewers, who are not in the books in a moment.
            if self._without_files and len(self._connections) > _KEPT:
                made_place = self._connections.make_place()
            self._without_files = True
        if (now := self._loop.time()) >= self._complain_after:
            self._complain_after = now + 60
            log.error(
                "no connection can be taken in: %s; those that come wait. Raise the limit of open files (ulimit -n), "
                "or lower HUBBUB_MAX_VIEWERS or HUBBUB_MAX_CONNECTIONS.",
                error,
            )
        self._rest(_LOOK_AGAIN if made_place else _NO_FILES_FOR)

    def _take_in(self, connection: socket.socket, peer: str) -> None:
        connection.setblocking(False)
        protocol = self._greet(connection)
        reason = self._connections.enter(protocol, peer)
        if reason is not None:
            self._connections.refused(reason)
            self._refuse(connection)
            return
        task = self._loop.create_task(self._join(connection, protocol))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, connection: socket.socket, protocol: TakeoverProtocol) -> None:
        timeout = None if self._tls is None else self._connections.patience.head
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._tls, ssl_handshake_timeout=timeout
            )
        except OSError as error:  # a TLS handshake that failed or was too slow, a client that went
            log.debug("a connection came to nothing: %s", error)
            self._connections.dropped("tls")
            self._connections.leave(protocol)
            connection.close()
        except BaseException:
            self._connections.leave(protocol)
            connection.close()
            raise

    def _refuse(self, connection: socket.socket) -> None:
        if self._tls is None:
            with contextlib.suppress(OSError):
                connection.send(_FULL)
                connection.shutdown(socket.SHUT_WR)
        self._refused.append(connection)
        if len(self._refused) > _LINGERING:
            self._close_refused(self._refused[0])
        self._loop.call_later(1.0, self._close_refused, connection)

    def _close_refused(self, connection: socket.socket) -> None:
        if connection not in self._refused:
            return
        self._refused.remove(connection)
        with contextlib.suppress(OSError):  # what it has sent is taken away, else closing is a reset
            connection.recv(65_536)
        connection.close()
