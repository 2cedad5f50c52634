"""Opening the file: which settings SQLite runs with, and why."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import unquote

import apsw

from hubbub.errors import ConfigError
from hubbub.stores.sqlite.checkpoints import Checkpoints
from hubbub.stores.sqlite.failures import describe
from hubbub.stores.sqlite.schema import identify, is_blank, migrate
from hubbub.stores.sqlite.waiting import LockWait

_SCHEME = "sqlite:///"

# Hot pages of the writer's trees, in KiB; what does not fit is read again from the file.
_WRITER_CACHE = 32_768
_READER_CACHE = 8_192

# After a burst (a long read or a backup holds it open) the write-ahead log shrinks to this.
_LOG_SIZE_LIMIT = 64 * 1024 * 1024


def path_of(url: str) -> Path:
    """The file of ``sqlite:///relative.db`` or ``sqlite:////absolute/path.db``. Raises `ConfigError` for other URLs."""
    name = unquote(url.removeprefix(_SCHEME))
    if not url.startswith(_SCHEME) or not name or "?" in url or "\0" in name:
        raise ConfigError(
            "HUBBUB_STORE", f"{url!r} names no file; write sqlite:///hubbub.db, or sqlite:////var/lib/hubbub/hubbub.db."
        )
    if name.startswith(":memory:"):
        raise ConfigError(
            "HUBBUB_STORE",
            "a database in memory is gone with the process, and an accepted comment must not be; name a file, "
            "such as sqlite:///hubbub.db.",
        )
    return Path(name).absolute()


def connect_writer(path: Path, *, wait: LockWait, create: bool) -> tuple[apsw.Connection, str]:
    """A connection that commits durably, on a file checked and migrated; and the file's epoch.

    ``wait``: for other processes' locks. ``create``: at the start, a missing file is made, and
    whatever makes the place unusable is a `ConfigError`. Without it, for opening anew while running, a missing file is
    an error rather than an empty store, and `apsw.Error` comes out as it is.
    """
    _check_place(path, create=create)
    try:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
        try:
            return connection, _prepare(connection, path, wait)
        except BaseException:
            with suppress(apsw.Error):
                connection.close()
            raise
    except apsw.Error as error:
        if not create:
            raise
        raise ConfigError("HUBBUB_STORE", f"{path} can't be used. {describe(error)}") from error


def connect_reader(path: Path, *, timeout: float) -> apsw.Connection:
    """A connection that can only read. It sees each commit at once and never waits for the writer (WAL)."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(int(timeout * 1000))
    connection.pragma("cache_size", -_READER_CACHE)
    return connection


def connect_source(path: Path, *, timeout: float) -> apsw.Connection:
    """A reading connection to copy from, also where no server runs or one of another release does: a file of an older
    schema stays of that schema. Raises `ConfigError` when there is no database of ours to copy.
    """
    try:
        if not path.is_file():
            raise ConfigError(
                "HUBBUB_STORE", f"there is no database at {path}, so nothing to copy; name the right one."
            )
        connection = connect_reader(path, timeout=timeout)
        try:
            identify(connection)
            if is_blank(connection):
                raise ConfigError("HUBBUB_STORE", f"{path} is empty, so there is nothing to copy; name the right one.")
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise ConfigError("HUBBUB_STORE", f"{path} can't be reached: {error.strerror}.") from error
    except apsw.Error as error:
        raise ConfigError("HUBBUB_STORE", f"{path} can't be read. {describe(error)}") from error
    return connection


def _check_place(path: Path, *, create: bool) -> None:
    try:
        if path.is_dir():
            raise ConfigError("HUBBUB_STORE", f"{path} is a folder; name a file in it.")
        if not path.parent.is_dir():
            raise ConfigError("HUBBUB_STORE", f"the folder {path.parent} does not exist; create it or name another.")
        if not create and not path.exists():
            raise ConfigError("HUBBUB_STORE", f"{path} is gone; put it back (or a backup) and start the service anew.")
    except OSError as error:
        raise ConfigError("HUBBUB_STORE", f"{path} can't be reached: {error.strerror}.") from error


def _prepare(connection: apsw.Connection, path: Path, wait: LockWait) -> str:
    wait.install(connection)
    identify(connection)  # before the first write: a file that is not ours stays as it is
    if connection.readonly("main"):
        raise ConfigError(
            "HUBBUB_STORE", f"{path} is read-only; make it and its folder writable, or name another file."
        )
    if _enter_wal(connection, wait.seconds) != "wal":
        raise ConfigError("HUBBUB_STORE", f"{path} is on a disk without shared memory for WAL; use a local disk.")
    # FULL: each commit is followed by an fsync, so that a `201` outlives a power cut
    # (https://sqlite.org/pragma.html#pragma_synchronous).
    connection.pragma("synchronous", "full")
    # ON: what is erased is overwritten with zeros, also the pages that a long text leaves free, which FAST passes over.
    # Deleting takes a tenth longer, posting no more than before.
    connection.pragma("secure_delete", "on")
    connection.pragma("cache_size", -_WRITER_CACHE)
    connection.pragma("journal_size_limit", _LOG_SIZE_LIMIT)
    Checkpoints(wait).install(connection)
    return migrate(connection)


def _enter_wal(connection: apsw.Connection, timeout: float) -> str:
    """Switch the journal, and say what it is then. Two processes that do so at once don't wait for each other: SQLite
    refuses one of them without its busy timeout, since each holds what the other needs.
    """
    deadline = monotonic() + timeout
    while True:
        try:
            return str(connection.pragma("journal_mode", "wal"))
        except apsw.BusyError:
            if monotonic() >= deadline:
                raise
            sleep(0.01)
