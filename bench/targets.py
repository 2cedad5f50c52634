"""Servers under load, all driven alike: a port, a request that watches, a request that posts."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.measure import children, cores, cpu_seconds
from bench.programs import BLANK_STAMP, BenchError, on_core
from hubbub.comments.identity import mint_token
from hubbub.testing.ports import free_port

SECRET = "a secret for benchmarks only, of more than 32 bytes"
TEXT = BLANK_STAMP + b" what a goal, did you see how he turned there? unbelievable"
"""A comment's text: 84 characters, with everything around it a frame of about 300 bytes."""


def http_request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Program(ABC):
    """A server on the server's core, from entering the context to leaving it."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it, and return once it listens on ``port``."""

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        assert self._process is not None
        return self._process.poll() is None

    @property
    def pids(self) -> list[int]:
        """It and its workers."""
        return [self.pid, *children(self.pid)]

    def spawn(self, command: Sequence[str | Path], **environ: str) -> None:
        """Run it on the server's core, with input and output held by us. Warnings go to our standard error."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        self._process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**clean, **environ},
            preexec_fn=on_core(cores()[0]),  # noqa: PLW1509 # there are no threads here
        )

    def wait_until_it_listens(self) -> None:
        """Return once the port takes connections. Raises `BenchError`."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise BenchError(f"{self.name} ended at once with {self._process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise BenchError(f"{self.name} does not listen on its port")

    def stop(self) -> str:
        """End it; what it had printed."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.communicate(timeout=20)[0]
        except subprocess.TimeoutExpired:
            self.kill()
            return ""

    def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True, parents=True)
        try:
            self.start()
        except BaseException:
            if self._process is not None:
                self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Target(Program):
    """One that people can watch and post at."""

    @abstractmethod
    def watching(self, video: str) -> bytes:
        """The request of somebody who watches from now on."""

    @abstractmethod
    def posting(self, video: str, text: bytes = TEXT) -> bytes:
        """The request that posts a comment."""


class Hubbub(Target):
    """``hubbub serve``, or another ``role``, as it comes, limits on but too high to be reached. ``environ``:
    ``HUBBUB_*`` settings.
    """

    name = "Hubbub"

    def __init__(self, folder: Path, *, query: str = "backlog=0", role: str = "serve", **environ: str) -> None:
        super().__init__(folder)
        self._query = query
        self._role = role
        self._environ = environ
        self._token = mint_token(SECRET, "bench", None, ("post",), 7200)

    def start(self) -> None:
        self.port = self.port or free_port()
        settings = {
            "HUBBUB_PORT": str(self.port),
            "HUBBUB_STORE": f"sqlite:///{self.folder / 'bench.db'}",
            "HUBBUB_JWT_SECRET": SECRET,
            "HUBBUB_POST_LIMIT": "1000000/s",
            "HUBBUB_ADDRESS_LIMIT": "1000000/s",
            "HUBBUB_GLOBAL_LIMIT": "1000000/s",
            "HUBBUB_DRAIN_DELAY": "0",
            "HUBBUB_DRAIN_WINDOW": "0",
            "HUBBUB_LOG_LEVEL": "warning",
            **self._environ,
        }
        self.spawn([sys.executable, "-m", "hubbub", self._role], **settings)
        self.wait_until_it_listens()

    def watching(self, video: str) -> bytes:
        target = f"/v1/videos/{video}/comments/stream?{self._query}"
        return http_request("GET", target, {"Accept": "text/event-stream"})

    def posting(self, video: str, text: bytes = TEXT) -> bytes:
        return self.posting_as(self._token, video, text)

    def posting_as(self, token: str, video: str, text: bytes = TEXT) -> bytes:
        """A post with a token of one's own."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return http_request("POST", f"/v1/videos/{video}/comments", headers, b'{"text":"%b"}' % text)

    def end(self, video: str, began: int) -> None:
        """Tell that a video began at that time (ms) and has ended."""
        token = mint_token(SECRET, "host", None, ("moderate",), 7200)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.port}/v1/videos/{video}"
        began_at = b'{"started_at":%d}' % began
        for method, call, body in (("PUT", "", began_at), ("POST", "/end", None)):
            urllib.request.urlopen(urllib.request.Request(address + call, body, headers, method=method)).close()

    def wait_for_viewers(self, count: int) -> None:
        """Return once so many are let in: an answer's head comes a moment before, and a comment posted in between would
        rightly be none of theirs. Raises `BenchError`.
        """
        wait_for_viewers([self], count)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part: there is one."""
        return {self.name: cpu_seconds(self.pids)}

    def metric(self, name: str) -> float:
        """What a metric says at this moment; ``name`` may end in labels, as ``hubbub_joins_total{rung="log"}``. Without
        them it is the sum of all; 0 where there is none yet.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as metrics:
            lines = metrics.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((name + " ", name + "{")))

    def captured_frame(self, video: str) -> bytes:
        """A live comment's frame just as it goes to a plain viewer, chunk and all, with a blank stamp in it."""
        with socket.create_connection(("127.0.0.1", self.port)) as viewer:
            viewer.settimeout(10)
            viewer.sendall(self.watching(video))
            while b"event: welcome" not in viewer.recv(65536):
                pass
            poster = http.client.HTTPConnection("127.0.0.1", self.port)
            head, _, body = self.posting(video).partition(b"\r\n\r\n")
            poster.request(
                "POST",
                f"/v1/videos/{video}/comments",
                body,
                dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[2:]),
            )
            poster.getresponse().read()
            poster.close()
            frame = b""
            while not frame.endswith(b"\n\n\r\n"):
                frame += viewer.recv(65536)
            return frame


def wait_for_viewers(servers: Sequence[Hubbub], count: float) -> None:
    """Return once so many are let in, on all of them together. Raises `BenchError`."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if sum(server.metric("hubbub_viewers") for server in servers) == count:
            return
        time.sleep(0.05)
    raise BenchError(f"{count:g} viewers were not let in within 20 s")
