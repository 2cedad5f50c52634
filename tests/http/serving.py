"""A small ASGI application behind the service's own HTTP side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from hubbub.http.connections import Connections, Patience
from hubbub.http.listening import listen
from hubbub.http.server import Server, server_config
from hubbub.metrics import Metrics

USUAL = Patience()


@asynccontextmanager
async def serving(
    app: ASGIApp, patience: Patience = USUAL, *, metrics: Metrics | None = None
) -> AsyncIterator[tuple[int, Server]]:
    """The port that ``app`` is served on, and its server."""
    listener = listen("127.0.0.1", 0)
    ready = asyncio.Event()

    async def no_drain() -> None:
        return

    server = Server(
        server_config(app, tls_cert=None, tls_key=None),
        Connections(100, metrics=metrics or Metrics(), patience=patience),
        on_ready=ready.set,
        drain=no_drain,
    )
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    await ready.wait()
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        await task
