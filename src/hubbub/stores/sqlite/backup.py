"""Copying the file while it is in use."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

import apsw

from hubbub.errors import ConfigError
from hubbub.stores.sqlite.schema import forget_epoch

_SETTING = "backup FILE"

_STALE = 3600.0
"""Seconds without a write after which nobody is taken to be at work on a partial copy any more."""


_SUFFIXES = ("", "-journal", "-wal", "-shm")
"""Of the files that SQLite makes of one database."""


def copy_database(source: apsw.Connection, target: Path) -> None:
    """Copy the database as of now to ``target``, which appears whole or not at all.

    SQLite's backup in a single step reads one snapshot: writers go on, and what they commit meanwhile is not in the
    copy (https://sqlite.org/c3ref/backup_finish.html). The copy has no epoch, see `hubbub.stores.sqlite.schema`. Raises
    `ConfigError` when ``target`` exists or can't be written.
    """
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        if target.exists():
            raise FileExistsError
        _remove_stale(target)
        _write(source, partial)
        _place(partial, target)
    except apsw.Error as error:
        raise ConfigError(_SETTING, f"{target} could not be written. {error}") from error
    except FileExistsError as error:
        raise ConfigError(_SETTING, f"{target} exists already; choose another name.") from error
    except OSError as error:
        raise ConfigError(_SETTING, f"{target} could not be written: {error.strerror}.") from error
    finally:
        for suffix in _SUFFIXES:
            with suppress(OSError):
                partial.with_name(partial.name + suffix).unlink()


def _remove_stale(target: Path) -> None:
    """Remove what backups to ``target`` left behind that were killed: partial copies not written to for an hour."""
    left = re.compile(rf"(\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.partial)(?:{'|'.join(_SUFFIXES)})")
    copies: dict[str, list[Path]] = {}
    with suppress(OSError):  # a folder that may be written and not read, files of others: no reason not to copy
        for path in target.parent.iterdir():
            if match := left.fullmatch(path.name):
                copies.setdefault(match[1], []).append(path)
    for files in copies.values():
        with suppress(OSError):
            # All or none: a journal may be old while its database still grows.
            if max(file.lstat().st_mtime for file in files) < time.time() - _STALE:
                for file in files:
                    file.unlink()


def _write(source: apsw.Connection, partial: Path) -> None:
    copy = apsw.Connection(str(partial))
    try:
        with copy.backup("main", source, "main") as backup:
            backup.step(-1)
        copy.pragma("journal_mode", "delete")  # one file, without a write-ahead log beside it
        copy.pragma("synchronous", "full")
        forget_epoch(copy)
    finally:
        copy.close()


def _place(partial: Path, target: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(partial, target)  # fails, unlike a rename, when somebody has made the target meanwhile
    except FileExistsError:
        raise
    except OSError:  # FAT and some network disks know no links
        partial.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
