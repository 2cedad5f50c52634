"""Real Redis and Valkey servers for tests: on free loopback ports, in folders of their own, without persistence.

    with RedisServer(tmp_path / "one") as server:
        broker = RedisBroker.from_url(server.url)

Needs ``redis-server`` and ``redis-cli`` on the PATH.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hubbub.testing.ports import free_port

_STARTS_WITHIN = 15.0

SLOTS = 16_384


class RedisServer:
    """A server process. ``engine`` is the command that starts it. ``options`` are lines of redis.conf, as words;
    ``tls`` is a folder with ca.pem, cert.pem and key.pem, and then the server speaks TLS only.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        engine: str = "redis-server",
        port: int = 0,
        password: str | None = None,
        tls: Path | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._engine = engine
        self._options = options
        self._password = password
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What ``HUBBUB_BROKER`` is to be."""
        login = f":{self._password}@" if self._password else ""
        if self._tls is None:
            return f"redis://{login}127.0.0.1:{self.port}"
        return f"rediss://{login}127.0.0.1:{self.port}?ca={self._tls / 'ca.pem'}"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return once it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--bind", "127.0.0.1", "--dir", str(self.folder), "--logfile", "server.log"]
        options += ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]
        if self._tls is None:
            options += ["--port", str(self.port)]
        else:
            options += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            for name, file in (("ca-cert", "ca"), ("cert", "cert"), ("key", "key")):
                options += [f"--tls-{name}-file", str(self._tls / f"{file}.pem")]
        if self._password:
            options += ["--requirepass", self._password, "--masterauth", self._password]
        self._process = subprocess.Popen([self._engine, *options, *self._options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _STARTS_WITHIN
        while "PONG" not in self.cli("PING", check=False):
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.folder / "server.log"
                raise RuntimeError(f"{self._engine} does not start: {log.read_text()[-2000:] if log.exists() else ''}")
            time.sleep(0.02)

    def cli(self, *words: str | int, check: bool = True) -> str:
        """What a command answers, as redis-cli prints it. Raises `RuntimeError` for an error, unless ``check`` is
        False.
        """
        options = ["-p", str(self.port), "-h", "127.0.0.1"]
        if self._password:
            options += ["--no-auth-warning", "-a", self._password]
        if self._tls is not None:
            options += ["--tls", "--cacert", str(self._tls / "ca.pem")]
        command = ["redis-cli", "-e", *options, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def info(self, section: str) -> dict[str, str]:
        """A section of ``INFO``, by name."""
        return dict(line.split(":", 1) for line in self.cli("INFO", section).splitlines() if ":" in line)

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop the process where it stands; connections stay."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class RedisCluster:
    """Masters that share all slots evenly."""

    def __init__(self, servers: Sequence[RedisServer]) -> None:
        self.servers = list(servers)

    @property
    def url(self) -> str:
        """What ``HUBBUB_BROKER`` is to be: the first node only, which knows the others."""
        scheme, _, rest = self.servers[0].url.partition("://")
        return f"{scheme}+cluster://{rest}"

    def form(self) -> None:
        """Make a Cluster of servers that are started already. Returns once each of them calls it whole."""
        share = SLOTS // len(self.servers)
        for number, server in enumerate(self.servers):
            first = number * share
            last = SLOTS - 1 if server is self.servers[-1] else first + share - 1
            server.cli("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            server.cli("CLUSTER", "ADDSLOTSRANGE", first, last)
        for server in self.servers[1:]:
            server.cli("CLUSTER", "MEET", "127.0.0.1", self.servers[0].port)
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Return once every node knows all the others and all slots are served."""
        deadline = time.monotonic() + 30
        for server in self.servers:
            while True:
                info = dict(line.split(":", 1) for line in server.cli("CLUSTER", "INFO").splitlines() if ":" in line)
                if info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) >= len(self.servers):
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the Cluster does not become whole: {info}")
                time.sleep(0.05)

    def owner(self, slot: int) -> RedisServer:
        """Who has a slot, as the first node sees it."""
        for line in self.servers[0].cli("CLUSTER", "NODES").splitlines():
            words = line.split()
            for part in words[8:]:
                first, _, last = part.partition("-")
                if not part.startswith("[") and int(first) <= slot <= int(last or first):
                    port = int(words[1].partition("@")[0].rpartition(":")[2])
                    return next(server for server in self.servers if server.port == port)
        raise LookupError(slot)

    def moving(self, slot: int, target: RedisServer) -> Iterator[str]:
        """Move a slot as ``redis-cli --cluster reshard`` does, stopping after each step; says which."""
        source = self.owner(slot)
        source_id, target_id = source.cli("CLUSTER", "MYID"), target.cli("CLUSTER", "MYID")
        target.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        yield "marked"
        while keys := source.cli("CLUSTER", "GETKEYSINSLOT", slot, 10).split():
            source.cli("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        yield "keys moved"
        target.cli("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        source.cli("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        yield "moved"

    def move(self, slot: int, target: RedisServer) -> None:
        """The same at once."""
        for _ in self.moving(slot, target):
            pass


@contextlib.contextmanager
def redis_cluster(folder: Path, nodes: int = 3, **options: str) -> Iterator[RedisCluster]:
    """A Cluster of so many masters, stopped afterwards. ``options`` go to each `RedisServer`."""
    with contextlib.ExitStack() as stack:
        cluster = RedisCluster(
            [
                stack.enter_context(
                    RedisServer(
                        folder / str(number),
                        *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
                        *("--cluster-config-file", "nodes.conf"),
                        **options,  # type: ignore[arg-type] # engine and password are texts
                    )
                )
                for number in range(nodes)
            ]
        )
        cluster.form()
        yield cluster
