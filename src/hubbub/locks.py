"""Who uses a database file: one process with a live log inside it, or several with one between them, never both.

Held by flock(2) for the life of a process: the kernel lets go even after ``kill -9``. The file stays, since removing it
would race with the next holder.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from hubbub.errors import ConfigError


def sole_lock(path: Path) -> IO[str]:
    """Hold ``path`` alone; closing the file lets go. Raises `ConfigError` when another process holds it."""
    lock = _opened(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read(20).strip()
        lock.close()
        raise ConfigError(
            "HUBBUB_BROKER",
            f"local:// serves one process, and {f'process {holder}' if holder else 'another one'} already uses this "
            f"database ({path.name} is locked). Stop that process, or give this one another HUBBUB_STORE.",
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def shared_lock(path: Path) -> IO[str]:
    """Hold ``path`` with others that do. Raises `ConfigError` when a process holds it alone."""
    lock = _opened(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read(20).strip() or "unknown"
        lock.close()
        raise ConfigError(
            "HUBBUB_BROKER",
            f"process {holder} uses this database with local://, so its viewers would not see what is posted here. "
            "Give it the same HUBBUB_BROKER as this one, or stop it.",
        ) from error
    lock.truncate(0)  # whoever held it alone is gone
    return lock


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("a+")
    except OSError as error:
        raise ConfigError("HUBBUB_STORE", f"cannot write the lock file {path}: {error.strerror}") from error
