"""What the kernel knows of a process, and which core it may use."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hubbub

ROOT = Path(__file__).resolve().parent.parent


def cores() -> tuple[set[int], set[int]]:
    """The server's core and the load's. On a machine with one they are the same, and figures say little."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, {available[-1]}


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of all threads of some processes, to the nanosecond (proc(5), ``schedstat``)."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid: int) -> int:
    """Resident bytes of a process that are its own (proc(5), ``smaps_rollup``: private pages)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Private_"))


def children(pid: int) -> list[int]:
    """Processes that a process has started, from whichever thread, and that it has not waited for."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # the thread has ended
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def descendants(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    found = [pid]
    for parent in found:
        with suppress(OSError):  # it has ended
            found += children(parent)
    return found[1:]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    release = platform.freedesktop_os_release()
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3),
        "kernel": f"Linux {platform.release().split('-')[0]}",
        "os": release.get("PRETTY_NAME", ""),
        "python": platform.python_version(),
        "hubbub": hubbub.__version__,
    }


def commit() -> str:
    """The commit that is measured, with a + when files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).date().isoformat()
