"""Copying the file while it is in use."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import apsw

from hubbub.errors import ConfigError
from hubbub.stores.sqlite.schema import forget_epoch

_SETTING = "backup FILE"


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
        _write(source, partial)
        _place(partial, target)
    except apsw.Error as error:
        raise ConfigError(_SETTING, f"{target} could not be written. {error}") from error
    except FileExistsError as error:
        raise ConfigError(_SETTING, f"{target} exists already; choose another name.") from error
    except OSError as error:
        raise ConfigError(_SETTING, f"{target} could not be written: {error.strerror}.") from error
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                partial.with_name(partial.name + suffix).unlink()


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
