"""A whole server for tests: in this event loop, or as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any, Self

from hubbub.comments.identity import mint_token
from hubbub.config import Role, Settings
from hubbub.http.app import Services
from hubbub.http.listening import listen, url_of
from hubbub.http.server import Server
from hubbub.wiring import build, make_server, opened

SECRET = "a secret for tests only, of more than 32 bytes"


def token(user: str = "ada", scopes: Sequence[str] = ("read", "post"), *, lifetime: float = 3600, **more: Any) -> str:
    """A token that servers started here accept; ``more`` goes to `mint_token`."""
    return mint_token(SECRET, user, more.pop("name", user.title()), scopes, lifetime, **more)


@dataclass
class Running:
    """A server in this event loop: its base URL, and its insides for tests that look there."""

    url: str
    services: Services
    settings: Settings
    server: Server


@asynccontextmanager
async def running_server(directory: Path, **settings: Any) -> AsyncIterator[Running]:
    """Serve from a database in ``directory`` on a free loopback port, limits off; stops at the end as SIGTERM would.

    ``settings`` override fields of `Settings`; besides, ``role`` chooses a part of the service.
    """
    role = settings.pop("role", Role.SERVE)
    chosen = Settings(
        **{
            "port": 0,
            "store": f"sqlite:///{directory / 'hubbub.db'}",
            "jwt_secret": SECRET,
            "post_limit": None,
            "address_limit": None,
            "global_limit": None,
            "drain_delay": 0.0,
            "drain_window": 0.0,
            **settings,
        }
    )
    services = build(chosen, role)
    listener = listen(chosen.host, chosen.port)
    ready = asyncio.Event()
    try:
        async with opened(services):
            server = make_server(chosen, services, ready.set)
            serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
            readying = asyncio.get_running_loop().create_task(ready.wait())
            await asyncio.wait([serving, readying], return_when=asyncio.FIRST_COMPLETED)
            readying.cancel()
            try:
                yield Running(url_of(listener, tls=chosen.tls_cert is not None), services, chosen, server)
            finally:
                server.should_exit = True
                await serving
    finally:
        listener.close()


class ServerProcess:
    """``hubbub serve`` (or another ``role``) as a child process with its database in ``directory``; survives being
    killed and started again.

    ``port`` 0 lets the first start choose; later starts reuse it, as a restarted service would.
    """

    def __init__(
        self, directory: Path, *, role: str = "serve", port: int = 0, command: Sequence[str] = (), **environ: str
    ) -> None:
        self._directory = directory
        self._port = port
        self._command = [*command, sys.executable, "-m", "hubbub", role]
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def change(self, **environ: str) -> None:
        """What is told to it besides from the next start on, as by an operator who upgrades."""
        self._environ.update(environ)

    async def start(self) -> None:
        """Start, and return once it answers."""
        if not self._port:
            with contextlib.closing(listen("127.0.0.1", 0)) as probe:
                self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        environ = {
            # The developer's own settings are none of the test's.
            **{name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")},
            "HUBBUB_PORT": str(self._port),
            "HUBBUB_STORE": f"sqlite:///{self._directory / 'hubbub.db'}",
            "HUBBUB_JWT_SECRET": SECRET,
            "HUBBUB_POST_LIMIT": "off",
            "HUBBUB_ADDRESS_LIMIT": "off",
            "HUBBUB_GLOBAL_LIMIT": "off",
            "HUBBUB_DRAIN_DELAY": "0",
            "HUBBUB_DRAIN_WINDOW": "0",
            **self._environ,
        }
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=self._directory, env=environ)
        await self._answers()

    async def _answers(self) -> None:
        async with asyncio.timeout(30):
            while True:
                assert self._process is not None
                if self._process.returncode is not None:
                    raise RuntimeError(f"the server ended with {self._process.returncode}")
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    def signal(self, number: Signals) -> None:
        """Send it a signal, as SIGSTOP or SIGCONT."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """``kill -9``, where it was started."""
        if self._process is not None:
            await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM, and wait; the exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
