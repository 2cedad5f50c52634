"""Reading beside the writer: a few threads, each query on a connection of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from hubbub.errors import StoreUnavailable
from hubbub.stores.sqlite.failures import RETRY_AFTER, unavailable

P = ParamSpec("P")
T = TypeVar("T")

# Queries waiting for a thread at most; further ones are refused at once. At a fraction of a millisecond each, a full
# queue is about a second's work.
_PENDING_READS = 2_000


class Readers:
    """Threads that run queries. In WAL mode they see a snapshot, so they neither wait for the writer nor hold it up."""

    def __init__(self, connect: Callable[[], apsw.Connection], *, threads: int) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hubbub-sqlite-reader")
        self._idle: deque[apsw.Connection] = deque()
        self._pending = 0
        self._closed = False

    async def run(self, query: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``query`` in a thread. Raises `StoreUnavailable` for driver errors and when too many wait."""
        if self._closed:
            raise StoreUnavailable("The store is closed.", retry_after=RETRY_AFTER)
        if self._pending >= _PENDING_READS:
            raise StoreUnavailable("Too many reads wait for the store. Try again shortly.", retry_after=RETRY_AFTER)
        self._pending += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: self._query(query, *args, **kwargs))
        finally:
            self._pending -= 1

    def close(self) -> None:
        """Wait for running queries, then let go of threads and connections."""
        self._closed = True
        self._threads.shutdown()
        while self._idle:
            with suppress(apsw.Error):
                self._idle.pop().close()

    def _query(self, query: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        connection = None
        try:
            connection = self._idle_or_new()
            result = query(connection, *args, **kwargs)
        except apsw.Error as error:
            if connection is not None:  # the file may have healed by the next query; this connection may not
                with suppress(apsw.Error):
                    connection.close()
            raise unavailable(error) from error
        except BaseException:
            if connection is not None:
                self._idle.append(connection)
            raise
        self._idle.append(connection)
        return result

    def _idle_or_new(self) -> apsw.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()
