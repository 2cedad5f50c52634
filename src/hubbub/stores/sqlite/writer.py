"""Group commit: one thread takes whatever waits, commits it together, and answers all of it at once.

An fsync costs the same for one row as for five hundred. So nothing waits on purpose: while one commit is under way the
next batch gathers, and the busier the service, the larger the batches.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, TypeVar, overload

import apsw

from hubbub.errors import ConfigError, Refusal, StoreUnavailable
from hubbub.stores.base import Appended
from hubbub.stores.sqlite.appends import Collision, append, append_fresh
from hubbub.stores.sqlite.failures import RETRY_AFTER, is_environment, unavailable
from hubbub.stores.sqlite.rows import Append
from hubbub.stores.sqlite.session import WriteSession

_log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Append | Callable[[WriteSession], Any]
"""Something to do within a transaction. It raises a `Refusal` only before it has written anything."""

OnCommit = Callable[[int, float], None]
"""Told, on the event loop, of each commit: how many writes it held, and its seconds."""

_Waiting = tuple["asyncio.Future[Any]", Job]

# Over as soon as the lock goes or space comes; the connection is as good as before.
_PASSING = (apsw.BusyError, apsw.FullError)

# Writes in one commit at most. Past a few hundred the fsync is paid off; more would only make the first of them wait.
_MAX_BATCH = 512

_QUIET = 10.0
"""Seconds between two outages that are worth a line in the log."""


class Writer:
    """The thread that owns the writing connection.

    ``connect(create)`` opens it, in the thread. At ``pending_writes`` waiting writes further ones are refused with
    `StoreUnavailable`: a queue that grows faster than the disk writes only turns into timeouts.
    """

    def __init__(
        self, connect: Callable[[bool], WriteSession], *, pending_writes: int, on_commit: OnCommit | None = None
    ) -> None:
        self._connect = connect
        self._pending_writes = pending_writes
        self._on_commit = on_commit
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._pending = 0
        self._accepting = False
        self._session: WriteSession | None = None
        self._stopping = False
        self._away = False
        self._quiet_until = 0.0

    async def start(self) -> None:
        """Open the file. Raises what ``connect`` raises."""
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        # A daemon, so that a program that dies without `close` is not kept alive by a thread that waits for work.
        self._thread = threading.Thread(target=self._run, name="hubbub-sqlite-writer", daemon=True)
        self._thread.start()
        try:
            await self._opened
        except BaseException:
            self._queue.put(None)  # cancelled, or failed: either way the thread has nothing to stay for
            raise
        self._accepting = True

    async def close(self) -> None:
        """Commit everything that was accepted, then close the file."""
        if self._accepting:
            self._accepting = False
            self._queue.put(None)
        await self._stopped
        self._thread.join()

    @overload
    def submit(self, job: Append) -> asyncio.Future[Appended]: ...
    @overload
    def submit(self, job: Callable[[WriteSession], T]) -> asyncio.Future[T]: ...
    def submit(self, job: Job) -> asyncio.Future[Any]:
        """Queue a job; the result is set once it is committed. Cancelling the future does not take the job back."""
        if not self._accepting:
            raise StoreUnavailable("The store is closed.", retry_after=RETRY_AFTER)
        if self._pending >= self._pending_writes:
            raise StoreUnavailable(
                f"{self._pending} writes wait for the disk, as many as HUBBUB_PENDING_WRITES allows. Try again.",
                retry_after=RETRY_AFTER,
            )
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending += 1
        self._queue.put((future, job))
        return future

    def _settle(self, batch: list[_Waiting], outcomes: list[Any], seconds: float | None) -> None:
        self._pending -= len(batch)
        for (future, _), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # cancelled: its caller has gone, the commit stands
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if seconds is not None and self._on_commit is not None:
            self._on_commit(len(batch), seconds)

    # What follows runs in the thread.

    def _run(self) -> None:
        try:
            self._session = self._connect(True)
        except Exception as error:  # noqa: BLE001  # handed to whoever awaits `start`
            self._on_loop(_finish, self._opened, error)
            return
        self._on_loop(_finish, self._opened, None)
        while not self._stopping:
            batch = self._take(_MAX_BATCH, wait=True)
            if not batch:
                break
            started = perf_counter()
            try:
                outcomes = self._commit([job for _, job in batch])
            except StoreUnavailable as error:
                # Whoever waits now has waited out the same lock or disk: refused together, so that nobody waits twice.
                batch += self._take(self._pending_writes, wait=False)
                self._on_loop(self._settle, batch, [_copy(error) for _ in batch], None)
            else:
                self._on_loop(self._settle, batch, outcomes, perf_counter() - started)
        self._drop_session(checkpoint=True)
        self._on_loop(_finish, self._stopped, None)

    def _on_loop(self, function: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop was closed without `close`: nobody is left to answer
            self._stopping = True

    def _take(self, limit: int, *, wait: bool) -> list[_Waiting]:
        batch: list[_Waiting] = []
        with suppress(Empty):
            while len(batch) < limit and not self._stopping:
                item = self._queue.get(block=wait and not batch)
                if item is None:
                    self._stopping = True
                else:
                    batch.append(item)
        return batch

    def _commit(self, jobs: list[Job]) -> list[Any]:
        """What came of each job: its result or exception. Raises `StoreUnavailable` where that is what came of all."""
        try:
            try:
                outcomes = self._transact(jobs, bulk=True)
            except Collision:
                outcomes = self._transact(jobs, bulk=False)
        except Exception as error:
            refusal = self._explain(error)
            if refusal is error:
                raise
            if refusal is not None:
                raise refusal from error
            return self._commit_singly(jobs) if len(jobs) > 1 else [_invalid(error)]
        if self._away:
            self._away = False
            _log.info("the store takes writes again")
        return outcomes

    def _commit_singly(self, jobs: list[Job]) -> list[Any]:
        """One of the jobs can't be stored at all: alone, it fails alone."""
        outcomes: list[Any] = []
        try:
            for job in jobs:
                outcomes += self._commit([job])
        except StoreUnavailable as error:  # for this one and those after it; the ones before are committed
            outcomes += [_copy(error) for _ in jobs[len(outcomes) :]]
        return outcomes

    def _transact(self, jobs: list[Job], *, bulk: bool) -> list[Any]:
        if self._session is None:
            self._session = self._connect(False)
        session = self._session
        try:
            session.begin()
            outcomes: list[Any] = []
            for appending, run in groupby(jobs, key=_is_append):
                if appending and bulk:
                    outcomes += append_fresh(session, list(run))  # type: ignore[arg-type]  # _is_append saw to it
                else:
                    outcomes += [_outcome(session, job) for job in run]
            session.commit()
        except BaseException as error:
            self._undo(session, error)
            raise
        return outcomes

    def _undo(self, session: WriteSession, error: BaseException) -> None:
        session.note_cause(error)
        try:
            session.rollback()
        except apsw.Error:
            self._drop_session(checkpoint=False)
        # After a failing disk the connection may hold on to what is no longer so: the next batch opens the file anew.
        if isinstance(error, apsw.Error) and is_environment(error) and not isinstance(error, _PASSING):
            self._drop_session(checkpoint=False)

    def _drop_session(self, *, checkpoint: bool) -> None:
        if self._session is not None:
            self._session.close(checkpoint=checkpoint)
            self._session = None

    def _explain(self, error: Exception) -> StoreUnavailable | None:
        """The refusal for everyone, where the disk, the file or another program is the cause."""
        if isinstance(error, apsw.Error) and is_environment(error):
            refusal = unavailable(error)
        elif isinstance(error, StoreUnavailable):  # the file is no longer in its place
            refusal = error
        elif isinstance(error, ConfigError):  # while opening anew; its words hold a path, which strangers need not see
            refusal = StoreUnavailable(
                "The database file can't be opened again; the service's log says why.", retry_after=RETRY_AFTER
            )
        else:
            return None
        # Once, not for every batch of an outage; nor for every batch that a nearly full disk does not take.
        if not self._away and perf_counter() >= self._quiet_until:
            self._away, self._quiet_until = True, perf_counter() + _QUIET
            _log.error("the store takes no writes: %s (%s)", refusal.detail, error)
        return refusal


def _is_append(job: Job) -> bool:
    return type(job) is Append


def _outcome(session: WriteSession, job: Job) -> Any:
    try:
        return append(session, job) if isinstance(job, Append) else job(session)
    except Refusal as refusal:
        return refusal


def _invalid(error: Exception) -> Exception:
    """For what validated input never causes: a number beyond 64 bits, a lone surrogate, an unknown status."""
    if isinstance(error, apsw.ConstraintError | apsw.TooBigError | OverflowError | UnicodeError):
        invalid = ValueError(f"the store can't hold this: {error}")
        invalid.__cause__ = error
        return invalid
    return unavailable(error) if isinstance(error, apsw.Error) else error


def _copy(error: StoreUnavailable) -> StoreUnavailable:
    return StoreUnavailable(error.detail, retry_after=error.retry_after)


def _finish(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(None)
