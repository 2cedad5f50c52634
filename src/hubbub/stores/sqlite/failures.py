"""SQLite's errors in words for people: what happened, and what to change."""

from __future__ import annotations

import os

import apsw

from hubbub.errors import StoreUnavailable

RETRY_AFTER = 1.0
"""Seconds after which a refused write is worth repeating: a lock or a full disk rarely goes sooner."""

# The first class that matches counts (result codes: https://sqlite.org/rescode.html).
_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (
        apsw.BusyError,
        "Another program holds the database locked. Close that program, or point HUBBUB_STORE at a file of its own.",
    ),
    (apsw.LockedError, "A table of the database is locked from within. Try again in a moment."),
    (
        apsw.FullError,
        "The disk that holds the database is full. Free space on it, or move the file and change HUBBUB_STORE.",
    ),
    (
        apsw.ReadOnlyError,
        "The database is read-only: make its file, folder and disk writable, or change HUBBUB_STORE.",
    ),
    (
        apsw.CantOpenError,
        "The database file can't be opened: check that what HUBBUB_STORE names is there and may be read and written.",
    ),
    (
        apsw.IOError,
        "The disk failed ({code}){system}. Check its space, quota and health, or move it and change HUBBUB_STORE.",
    ),
    (
        apsw.CorruptError,
        "The database file is damaged ({code}). Stop the service and restore a backup at the place of HUBBUB_STORE.",
    ),
    (
        apsw.NotADBError,
        "The file named by HUBBUB_STORE is not a database. Restore a backup there, or change HUBBUB_STORE.",
    ),
    (apsw.PermissionsError, "The system denies access to the database. Check the permissions of HUBBUB_STORE's file."),
    (apsw.ProtocolError, "The database's locks can't be had. Check that HUBBUB_STORE is not on a network drive."),
    (apsw.NoMemError, "There is no memory left for the store."),
    (apsw.InterruptError, "The store was interrupted."),
)


def describe(error: apsw.Error) -> str:
    """A sentence that names the cause and what to do about it."""
    code = str(apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", -1), type(error).__name__))
    for cause, sentence in _CAUSES:
        if isinstance(error, cause):
            return sentence.format(code=code, system="".join(f": {note}" for note in getattr(error, "__notes__", ())))
    return f"The store failed: {error} ({code})."


def note_system_error(error: BaseException, number: int) -> None:
    """Keep with a failure of the disk what the system called it, for `describe`; ``number`` is errno(3), 0 for none."""
    if isinstance(error, apsw.IOError) and number:
        error.add_note(os.strerror(number))


def is_environment(error: Exception) -> bool:
    """True when the disk, the file or another program is the cause, so that every write would fail alike."""
    return any(isinstance(error, cause) for cause, _ in _CAUSES)


def unavailable(error: apsw.Error) -> StoreUnavailable:
    """The error as callers of the port know it."""
    return StoreUnavailable(describe(error), retry_after=RETRY_AFTER)
