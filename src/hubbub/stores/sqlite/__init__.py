"""The embedded store: one SQLite file, nothing to install or run beside it.

    failures      what went wrong, in words that say what to change
    waiting       for locks that other processes hold
    connections   opening the file for the writer and for readers
    schema        tables, migrations, the epoch
    rows          the SQL and JSON forms of comments and events
    session       a write transaction: positions and appends
    changes       deleting, hiding, restoring, pinning
    lists         the unpublished list and review flags
    writer        one thread, group commit
    queries       what readers ask
    readers       a few threads, a connection each
    backup        a consistent copy
    store         `SqliteStore`: the port's methods over all of these

Why SQL that speaks JSON and inserts hundreds of rows by one statement: each step of a statement lets go of Python's
global lock and takes it again, and under a busy event loop taking it costs up to 5 ms (`sys.getswitchinterval`). A
batch or a page that is a single step pays that once; row by row, a commit of 100 took 450 ms where this takes 20.
"""

from hubbub.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
