"""uvicorn, set up for streams and for leaving politely."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from hubbub.http.connections import Connections, Patience
from hubbub.http.doorman import Doorman
from hubbub.http.takeover import TakeoverProtocol

log = logging.getLogger(__name__)

_FINISH_WITHIN = 10
"""Seconds that requests under way get after the drain."""

OWN_FILES = 100
"""Files kept for ourselves: the database and its readers, logs, a fetch of keys, connections being refused."""


class Server(uvicorn.Server):
    """Stops in three steps: ``drain`` (listening still, viewers leave), finish requests, close.

    A second SIGINT or SIGTERM cuts the drain short. ``shares_port``: other processes accept from the same listeners.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        connections: Connections,
        *,
        on_ready: Callable[[], None],
        drain: Callable[[], Awaitable[None]],
        shares_port: bool = False,
    ):
        super().__init__(config)
        self.retired = False
        self._shares_port = shares_port
        self.connections = connections
        self._doormen: list[Doorman] = []
        self._on_ready = on_ready
        self._drain = drain
        self._hurry = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])  # it would accept without a bound
        self.connections.start()
        for listener in sockets or []:
            doorman = Doorman(listener, self.connections, self._protocol, tls=self.config.ssl, shared=self._shares_port)
            self._doormen.append(doorman)
            doorman.open()
        self._on_ready()

    def _protocol(self, opened: socket.socket) -> TakeoverProtocol:
        return TakeoverProtocol(
            self.config, self.server_state, self.lifespan.state, connections=self.connections, opened=opened
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        draining = asyncio.ensure_future(self._drain())
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait([draining, hurry], return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, hurry):
            task.cancel()
        for doorman in self._doormen:
            doorman.close()
        await super().shutdown(sockets)
        self.connections.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's, does not raise the signal again at the end: the store has still to be closed."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        try:
            for number in signals:
                loop.add_signal_handler(number, self.handle_exit, number, None)
        except (ValueError, RuntimeError):  # not the main thread: whoever runs us there sets should_exit
            yield
            return
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def retire(self) -> None:
        """Stop as one of several on a port: newcomers are the others' from this moment on."""
        for doorman in self._doormen:
            doorman.turn_away()
        self.retired = self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self._hurry.set()
        self.should_exit = True


def server_config(app: ASGIApp, *, tls_cert: str | None, tls_key: str | None) -> uvicorn.Config:
    """uvicorn's settings for ``app``."""
    return uvicorn.Config(
        app,
        http="httptools",  # for its name only: `Server` makes the protocols
        ws="none",
        lifespan="off",
        proxy_headers=False,  # it would believe any local process; HUBBUB_TRUSTED_PROXIES decides instead
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=round(Patience().idle),
        timeout_graceful_shutdown=_FINISH_WITHIN,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (it has none for Windows), else None: asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def open_files() -> int:
    """How many files may be open at once, after raising that limit as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def room_for_viewers() -> int:
    """How many viewers fit beside everything else."""
    return max(int(open_files() * 0.9) - OWN_FILES, 10)


def room_for_connections(viewers: int) -> int:
    """How many connections that don't watch fit beside so many viewers. Each takes some 10 KB: not without end."""
    return min(max(open_files() - viewers - OWN_FILES, 10), 10_000)
