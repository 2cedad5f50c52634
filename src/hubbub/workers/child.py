"""A worker's own side: a server on the listener that its parent opened."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from itertools import count

from hubbub.config import Role, Settings
from hubbub.http.listening import url_of
from hubbub.http.server import Server
from hubbub.metrics import Metrics
from hubbub.wiring import build, make_server, opened, run_in_loop
from hubbub.workers.channel import Kind, Message, read_message, write_message
from hubbub.workers.merging import merged
from hubbub.workers.place import WorkerPlace

_ALL_WITHIN = 4.0
"""Seconds for the metrics of all; afterwards a worker shows its own, marked as such."""


def run_worker(settings: Settings, role: Role, place: WorkerPlace) -> None:
    """Serve until told to stop, or until the parent is gone. Raises `ConfigError`."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the parent's, also where somebody sends it to everybody
    run_in_loop(_serve(settings, role, place))


async def _serve(settings: Settings, role: Role, place: WorkerPlace) -> None:
    listener = socket.socket(fileno=place.listener)
    listener.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=place.channel))
    services = build(settings, role)
    try:
        async with opened(services):
            url = url_of(listener, tls=settings.tls_cert is not None)

            def on_ready() -> None:
                write_message(writer, Message(Kind.READY, body=url.encode()))

            server = make_server(settings, services, on_ready, shares_port=True)
            line = _Line(place.number, reader, writer, services.metrics, server)
            services.metrics.ask_all = line.metrics_of_all
            listening = asyncio.get_running_loop().create_task(line.listen())
            try:
                await server.serve(sockets=[listener])
            finally:
                listening.cancel()
                await asyncio.wait([listening])
    finally:
        writer.close()
        listener.close()


class _Line:
    """The worker's end of the channel."""

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        metrics: Metrics,
        server: Server,
    ) -> None:
        self._number = number
        self._reader = reader
        self._writer = writer
        self._metrics = metrics
        self._server = server
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}

    async def listen(self) -> None:
        """Do what the parent says; when it is gone, stop as if it had said so."""
        does: dict[Kind, Callable[[Message], None]] = {
            Kind.RETIRE: lambda message: self._server.retire(),
            Kind.GIVE_METRICS: self._give_metrics,
            Kind.ALL_METRICS: self._got_all,
        }
        while (message := await read_message(self._reader)) is not None:
            if (do := does.get(message.kind)) is not None:
                do(message)
        self._server.handle_exit(signal.SIGTERM, None)

    async def metrics_of_all(self) -> bytes:
        """The page of all workers, by the parent."""
        number = next(self._numbers) & 0xFFFFFFFF
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        write_message(self._writer, Message(Kind.ASK_ALL, number))
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ALL_WITHIN):
                    page: bytes = await future
                    return page
        finally:
            del self._waiting[number]
        return merged({self._number: self._metrics.render().decode()}).encode()

    def _give_metrics(self, message: Message) -> None:
        write_message(self._writer, Message(Kind.METRICS, message.number, self._metrics.render()))

    def _got_all(self, message: Message) -> None:
        future = self._waiting.get(message.number)
        if future is not None and not future.done():
            future.set_result(message.body)
