"""The service in parts, as it is run on many machines, on this one: Redis, API processes, gateways, nginx."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.measure import ROOT, cpu_seconds
from bench.programs import BenchError
from bench.targets import Hubbub, Program, wait_for_viewers
from hubbub.testing.ports import free_port
from hubbub.testing.proxy_files import NginxFiles

_ROUTED = 'hash "$hubbub_video/$hubbub_shard" consistent;'


class Redis(Program):
    """As it comes, without persistence, on the server's core."""

    name = "Redis"

    def start(self) -> None:
        self.port = free_port()
        options = ["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir", str(self.folder)]
        try:
            self.spawn(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *options])
        except OSError as error:
            raise BenchError(f"redis-server can't be run: {error}. Run scripts/install-bench-packages.") from None
        self.wait_until_it_listens()

    @property
    def url(self) -> str:
        """What ``HUBBUB_BROKER`` is to be."""
        return f"redis://127.0.0.1:{self.port}"

    def sent(self) -> int:
        """Bytes that it has sent so far, to whomever."""
        return int(self._info("stats")["total_net_output_bytes"])

    def scripts_run(self) -> int:
        """How often a script was run so far."""
        said = self._info("commandstats").get("cmdstat_evalsha", "calls=0")
        return int(said.partition(",")[0].removeprefix("calls="))

    def subscriptions(self) -> int:
        """Subscriptions of sharded channels there are, of all connections together."""
        lines = self._ask(b"CLIENT LIST\r\n").splitlines()
        return sum(int(word[5:]) for line in lines for word in line.split() if word.startswith(b"ssub="))

    def _info(self, section: str) -> dict[str, str]:
        lines = self._ask(f"INFO {section}\r\n".encode()).decode().splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines)}

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            answer = connection.makefile("rb")
            connection.sendall(command)
            return answer.read(int(answer.readline()[1:]))


class Nginx(Program):
    """Debian's, with the configuration that we ship, before ``gateways`` and ``apis``. ``routed``: whether a video's
    viewers meet on one gateway, as that has it, or are spread over all.
    """

    name = "nginx"

    def __init__(self, folder: Path, gateways: Sequence[Hubbub], apis: Sequence[Hubbub], *, routed: bool) -> None:
        super().__init__(folder)
        self._routed = routed
        self._gateways = gateways
        self._apis = apis

    def start(self) -> None:
        self.port = free_port()
        files = NginxFiles(ROOT / "deploy/nginx", self.folder / "conf")
        files.listen(self.port)
        files.addresses([gateway.port for gateway in self._gateways], [api.port for api in self._apis])
        if not self._routed:
            first = "zone hubbub_gateways 256k; # what is known of each is known to all workers\n    "
            files.edit("hubbub-upstreams.conf", (first + _ROUTED, first + "random;"))
        try:
            self.spawn(files.command)
        except OSError as error:
            raise BenchError(f"nginx can't be run: {error}. Run scripts/install-bench-packages.") from None
        self.wait_until_it_listens()


@dataclass
class Service:
    """What runs; ``port`` is where viewers and posters go."""

    redis: Redis
    apis: list[Hubbub]
    gateways: list[Hubbub]
    nginx: Nginx

    @property
    def port(self) -> int:
        """nginx's."""
        return self.nginx.port

    def watching(self, video: str) -> bytes:
        """The request of somebody who watches."""
        return self.gateways[0].watching(video)

    def posting(self, video: str) -> bytes:
        """The request that posts a comment."""
        return self.apis[0].posting(video)

    def wait_for_viewers(self, count: int) -> None:
        """Return once so many are let in, on all gateways together. Raises `BenchError`."""
        wait_for_viewers(self.gateways, count)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part; those who have died count no more."""
        return {
            "gateways": sum(cpu_seconds(gateway.pids) for gateway in self.gateways if gateway.runs),
            "API processes": sum(cpu_seconds(api.pids) for api in self.apis),
            "Redis": cpu_seconds(self.redis.pids),
            "nginx": cpu_seconds(self.nginx.pids),
        }

    def places(self, videos: Iterable[str]) -> dict[str, Hubbub]:
        """Where nginx sends each video's viewers; nobody else may come or go meanwhile. Raises `BenchError`."""
        found: dict[str, Hubbub] = {}
        with ExitStack() as stack:
            counts = [gateway.metric("hubbub_viewers") for gateway in self.gateways]
            before = sum(counts)
            for number, video in enumerate(videos, 1):
                viewer = stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
                viewer.sendall(self.watching(video))
                wait_for_viewers(self.gateways, before + number)
                now = [gateway.metric("hubbub_viewers") for gateway in self.gateways]
                [found[video]] = [
                    gateway for gateway, was, is_ in zip(self.gateways, counts, now, strict=True) if is_ > was
                ]
                counts = now
        wait_for_viewers(self.gateways, before)
        return found


def part(folder: Path, role: Literal["api", "gateway"], redis: Redis, **environ: str) -> Hubbub:
    """An API process or a gateway. All with the same ``folder`` share its database."""
    return Hubbub(folder, role=role, HUBBUB_BROKER=redis.url, HUBBUB_TRUSTED_PROXIES="127.0.0.1/32", **environ)


@contextmanager
def service(
    folder: Path, *, gateways: int = 2, apis: int = 2, routed: bool = True, **environ: str
) -> Iterator[Service]:
    """So many of each over one Redis and one SQLite file, behind nginx; all stopped at the end. ``routed``: as
    `Nginx` has it; ``environ``: the ``HUBBUB_*`` settings of Hubbub's processes.
    """
    with ExitStack() as stack:
        redis = stack.enter_context(Redis(folder / "redis"))
        api_parts = [stack.enter_context(part(folder / "hubbub", "api", redis, **environ)) for _ in range(apis)]
        gateway_parts = [
            stack.enter_context(part(folder / "hubbub", "gateway", redis, **environ)) for _ in range(gateways)
        ]
        nginx = stack.enter_context(Nginx(folder / "nginx", gateway_parts, api_parts, routed=routed))
        yield Service(redis, api_parts, gateway_parts, nginx)
