"""The load programs: compiled when needed, driven from here, on the load's core."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.measure import ROOT, cores

BUILD = ROOT / "bench" / ".build"
BLANK_STAMP = b"~00000000.0000000000000000~"
"""What a load program overwrites with a comment's number and time (``load/common.h``)."""


_SHARES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.99)


class BenchError(Exception):
    """A measurement that could not be made; the message says why."""


def program(source: str) -> Path:
    """The compiled form of ``bench/<source>.c``. Raises `BenchError` without a compiler."""
    path = ROOT / "bench" / f"{source}.c"
    binary = BUILD / path.stem
    newest = max(file.stat().st_mtime for file in (path, ROOT / "bench/load/common.h"))
    if not binary.exists() or binary.stat().st_mtime < newest:
        BUILD.mkdir(exist_ok=True)
        try:
            subprocess.run(["cc", "-O2", "-std=gnu17", "-Wall", "-o", binary, path], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BenchError(f"{path.name} can't be compiled: {error}. Install gcc and libc6-dev.") from error
    return binary


def on_core(which: set[int]) -> Callable[[], None]:
    """For ``preexec_fn``: keep a child to some cores."""
    return lambda: os.sched_setaffinity(0, which)


def request_file(folder: Path, name: str, requests: Sequence[bytes]) -> Path:
    """Requests in the form that the load programs read."""
    path = folder / name
    path.write_bytes(b"".join(b"%d\n%b" % (len(request), request) for request in requests))
    return path


class Percentiles:
    """A histogram as a load program prints it; milliseconds."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.count: int = said["count"]
        self.max: float = said["max"]
        self.points: list[tuple[float, float]] = [(share, value) for share, value in said["percentiles"]]

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The same of values that were not measured by a load program. Raises `BenchError` where there are none."""
        if not values:
            raise BenchError("nothing was measured")
        ordered = sorted(values)
        points = [[share, ordered[int(len(ordered) * share / 100)]] for share in _SHARES]
        return cls({"count": len(ordered), "max": ordered[-1], "percentiles": points})

    def at(self, percent: float) -> float:
        """The value below which ``percent`` of them lie."""
        return dict(self.points)[percent]


class Read:
    """What `watch` counted since its mark."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.seconds: float = said["seconds"]
        self.viewers: int = said["viewers"]
        self.deliveries: int = said["stamps"]
        self.reads: int = said["reads"]
        self.bytes: int = said["bytes"]
        self.fewest: int = said["fewest"]
        self.most: int = said["most"]
        self.sums: list[int] = said["sums"]
        self.odd: int = said["odd"]
        self.resets: int = said["resets"]
        self.cpu_share: float = said["cpu_share"]
        self.delay = Percentiles(said["delay_ms"])

    def must_be_whole(self, count: int, first: int = 0) -> None:
        """Raise `BenchError` unless every viewer had the comments numbered from ``first``, each once.

        With several groups, ``count`` is a multiple of their number, and their videos took turns in being posted to.
        """
        groups = len(self.sums)
        each = count // groups
        expected = [sum(range(first + group, first + count, groups)) for group in range(groups)]
        if (self.fewest, self.most, self.odd, self.sums) != (each, each, 0, expected):
            raise BenchError(
                f"viewers had {self.fewest} to {self.most} comments instead of {each}; {self.odd} had other ones"
            )


class Watch:
    """The program ``watch``: a crowd of viewers. Leaving the context cuts them all off.

    ``groups``: how many videos ``watching`` goes through in turn; each group's viewers are compared with each other.
    """

    def __init__(
        self, port: int, folder: Path, watching: Sequence[bytes], post: bytes | None = None, *, groups: int = 1
    ) -> None:
        arguments = [str(program("load/watch")), str(port), str(request_file(folder, "watching", watching))]
        if post is not None:
            arguments.append(str(request_file(folder, "volley", [post])))
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=on_core(cores()[1]),  # noqa: PLW1509 # there are no threads here
        )
        if groups > 1:
            self.tell(f"groups {groups}")
            self.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):
            self._process.communicate()

    def tell(self, command: str) -> None:
        """Give a command and do not wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The answer of the oldest command that has none yet. Raises `BenchError` when the program has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError("the viewers have ended; what they said is above")
        said: dict[str, Any] = json.loads(line)
        return said

    def open(self, window: int = 256) -> float:
        """Connect everybody; the seconds it took."""
        self.tell(f"open {window}")
        return float(self.answer()["seconds"])

    def mark(self) -> None:
        """Count from here."""
        self.tell("mark")
        self.answer()

    def volley(self, times: int, *, sleeping: bool = False) -> Read:
        """Post ``times``, each when everybody has the one before. ``sleeping``: the load sleeps when it has nothing to
        do, which costs the server the waking (decision 9).
        """
        self.tell(f"volley {times} {sleeping:d}")
        return Read(self.answer())

    def run(self, seconds: float) -> Read:
        """Let it run."""
        self.tell(f"run {seconds}")
        return Read(self.answer())

    def resume(self, window: int) -> None:
        """Whoever is cut off comes back from now on, at most ``window`` at a time."""
        self.tell(f"resume {window}")
        self.answer()

    def wait(self, count: int, seconds: float) -> Read:
        """Until everybody has ``count`` comments."""
        self.tell(f"wait {count} {seconds}")
        return Read(self.answer())


class Asked:
    """What `ask` measured."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.seconds: float = said["seconds"]
        self.answered: int = said["answered"]
        self.statuses: dict[str, int] = said["statuses"]
        self.broken: int = said["broken"]
        self.cpu_share: float = said["cpu_share"]
        self.latency = Percentiles(said["latency_ms"])

    def must_be_all(self, status: int) -> Self:
        """Raise `BenchError` unless every answer had that status."""
        if set(self.statuses) != {str(status)} or self.broken:
            raise BenchError(f"answers other than {status}: {self.statuses}, {self.broken} broken off")
        return self


def seconds_for(count: int, rate: float) -> float:
    """For how long `Ask` is to go on to ask so many times: half a turn longer, whichever way a fraction is rounded."""
    return (count + 0.5) / rate


class Ask:
    """The program ``ask``, under way; requests and their answers over keep-alive connections.

    ``rate`` 0: as fast as answers come. Stamps are numbered from ``first``.
    """

    def __init__(
        self,
        port: int,
        folder: Path,
        requests: Sequence[bytes],
        *,
        connections: int,
        seconds: float,
        rate: float = 0,
        first: int = 0,
    ) -> None:
        path = request_file(folder, f"asking-{first}", requests)
        arguments = [program("load/ask"), port, connections, seconds, rate, first, path]
        self._process = subprocess.Popen(
            list(map(str, arguments)),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=on_core(cores()[1]),  # noqa: PLW1509 # there are no threads here
        )

    def result(self) -> Asked:
        """Wait for its end."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise BenchError("the load program failed; what it said is above")
        return Asked(json.loads(out))
