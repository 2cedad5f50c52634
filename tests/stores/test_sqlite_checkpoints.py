"""The write-ahead log stays small, whoever reads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from hubbub.stores.sqlite.checkpoints import Checkpoints
from hubbub.stores.sqlite.waiting import LockWait

PAGES = 20
FORCED = 60
PAGE = 4096


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[apsw.Connection]:
    """A connection on a table to write to; a test gives it its checkpoints."""
    connection = apsw.Connection(str(tmp_path / "test.db"))
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE t (x)")
    yield connection
    connection.close()


def install(writer: apsw.Connection, *, wait: float) -> None:
    """Checkpoints with small bounds, which wait so many seconds for readers."""
    Checkpoints(LockWait(5), pages=PAGES, forced_pages=FORCED, wait=wait).install(writer)


def write(writer: apsw.Connection, commits: int) -> int:
    """Commit so often, a page or two each; the size that the write-ahead log had at most, in pages."""
    log = Path(writer.filename + "-wal")
    most = 0
    for _ in range(commits):
        writer.execute("INSERT INTO t VALUES (zeroblob(3000))")
        most = max(most, log.stat().st_size // PAGE)
    return most


def reading(path: str) -> apsw.Connection:
    """A connection in the middle of a read."""
    reader = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    begin(reader)
    return reader


def begin(reader: apsw.Connection) -> None:
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM t").get  # noqa: B018  # a read transaction begins with its first read


def test_the_log_begins_anew_though_at_every_moment_somebody_reads(writer: apsw.Connection) -> None:
    """Readers take turns so that one of them always holds a state from before the last commit, as a crowd does."""
    install(writer, wait=20)  # as long as a machine that has others to serve may keep the readers' thread waiting
    stop = threading.Event()
    path = writer.filename

    def take_turns() -> None:
        readers = [reading(path), reading(path)]
        while not stop.is_set():
            for reader in readers:  # the other one goes on reading meanwhile
                reader.execute("COMMIT")
                begin(reader)
                time.sleep(0.005)
        for reader in readers:
            reader.close()

    thread = threading.Thread(target=take_turns)
    thread.start()
    try:
        most = write(writer, 300)
    finally:
        stop.set()
        thread.join()
    assert most < FORCED + 2 * PAGES


def test_one_who_reads_on_and_on_costs_writers_little_and_is_spoken_of_once(
    writer: apsw.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can fold the log away under a backup or another program's open transaction; it shrinks once that ends."""
    caplog.set_level(logging.INFO)
    install(writer, wait=0.02)
    reader = reading(writer.filename)
    began = time.monotonic()
    assert write(writer, FORCED) > FORCED + PAGES
    assert time.monotonic() - began < 5, "each commit waited for the reader"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "a backup, another program that reads the database" in caplog.text
    reader.close()
    write(writer, 2 * PAGES)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert writer.pragma("integrity_check") == "ok"
    assert writer.execute("SELECT count(*) FROM t").get == FORCED + 2 * PAGES
