"""The parent of several workers: it starts them, replaces those that end, and hands on what it is told.

SIGTERM, SIGINT   every worker drains; a second one hurries them
SIGHUP            the rolling restart: for each worker a new one is started (with the program, settings and certificate
                  as they are by then), and once that serves the old one lets its viewers go

A worker that ends by itself is replaced, the later the more often that happened in a row. When none is left that serves
and several in a row could not begin, nothing that the parent can do will help: it says so and ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from itertools import count
from time import monotonic
from typing import Any

from hubbub.workers.merging import merged
from hubbub.workers.worker import Worker

log = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0
"""Seconds before a worker that ended is replaced: the first time, and at most. Doubled each time in a row."""

_STEADY = 10.0
"""Seconds after which a worker that ends is not counted as one more in a row."""

_GIVE_UP = 5
"""Workers in a row that did not last, with none that serves, after which the parent ends."""

_BEGIN_WITHIN = 60.0
"""Seconds in which a worker must serve: it may wait for another one's migration of the store."""

_OWN_METRICS = """\
# HELP hubbub_workers Workers that serve
# TYPE hubbub_workers gauge
hubbub_workers {ready}
# HELP hubbub_worker_starts_total Workers started since the parent was
# TYPE hubbub_worker_starts_total counter
hubbub_worker_starts_total {starts}
# HELP hubbub_workers_silent Workers that did not tell their metrics in time for this page
# TYPE hubbub_workers_silent gauge
hubbub_workers_silent {silent}
"""


class Supervisor:
    """``command`` starts a worker; ``most`` of them share ``listener``; ``stop_within``: seconds that one may take to
    end. ``on_ready`` gets the URL once all serve.
    """

    def __init__(
        self,
        command: Sequence[str],
        listener: socket.socket,
        *,
        most: int,
        stop_within: float,
        on_ready: Callable[[str], None],
    ) -> None:
        self._command = command
        self._listener = listener
        self._most = most
        self._stop_within = stop_within
        self._on_ready = on_ready
        self._workers: dict[int, Worker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving = False  # all have been ready once
        self._stopping = False
        self._in_a_row = 0
        self._starts = 0
        self._rolling: asyncio.Task[None] | None = None
        self._roll_again = False
        self._gathering: asyncio.Task[bytes] | None = None

    async def run(self) -> int:
        """Until told to stop; the exit status."""
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self.roll)
        try:
            self._run_aside(self._begin())
            return await self._status
        finally:
            await self._end_all()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    # --- beginning ----------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        workers = [await self._start() for _ in range(self._most)]
        for worker in workers:
            if not await self._serves(worker):
                if not self._stopping:
                    log.error("worker %d could not begin to serve; what it said stands above", worker.number)
                    status = await worker.ended()
                    self._finish(status if status > 0 else 1)
                return
        self._serving = True
        for worker in workers:
            if not worker.ready:  # it served, and ended before the last one began
                self._run_aside(self._start_another(_FIRST_DELAY))
        self._on_ready(workers[0].url)

    async def _start(self, *, replacing: bool = False) -> Worker:
        number = next(number for number in count(1) if number not in self._workers)
        worker = self._workers[number] = Worker(number, self.metrics)
        worker.replacing = replacing
        self._starts += 1
        try:
            await worker.start(self._command, os.environ, self._listener)
        except OSError:
            del self._workers[number]
            raise
        log.info("worker %d is process %d", number, worker.pid)
        self._run_aside(self._watch(worker))
        return worker

    async def _serves(self, worker: Worker) -> bool:
        """Wait until it does, or can't."""
        try:
            async with asyncio.timeout(_BEGIN_WITHIN):
                await worker.ready_or_ended.wait()
        except TimeoutError:
            log.error("worker %d does not begin to serve within %g s", worker.number, _BEGIN_WITHIN)
            worker.signal(signal.SIGKILL)
            await worker.ended()
        return worker.ready

    # --- replacing ----------------------------------------------------------------------------------------------------

    async def _watch(self, worker: Worker) -> None:
        status = await worker.ended()
        del self._workers[worker.number]
        if self._stopping or worker.retiring or worker.replacing or not self._serving:
            return
        lasted = monotonic() - worker.began
        self._in_a_row = self._in_a_row + 1 if lasted < _STEADY else 1
        how = f"status {status}" if status >= 0 else f"signal {-status}"
        if self._in_a_row >= _GIVE_UP and not any(other.ready for other in self._workers.values()):
            log.error(
                "worker %d ended by itself (%s), as %d before it did soon after their start, and none is left: giving "
                "up; what they said stands above",
                *(worker.number, how, self._in_a_row - 1),
            )
            self._finish(1)
            return
        delay = min(_FIRST_DELAY * 2 ** (self._in_a_row - 1), _LONGEST_DELAY)
        log.error(
            "worker %d (process %d) ended by itself (%s); another one in %g s", worker.number, worker.pid, how, delay
        )
        await self._start_another(delay)

    async def _start_another(self, delay: float) -> None:
        while True:
            await asyncio.sleep(delay)
            if self._stopping:
                return
            try:
                worker = await self._start()
            except OSError as error:
                log.error("no worker can be started: %s; trying again", error)
                delay = _LONGEST_DELAY
                continue
            if await self._serves(worker):
                log.info("worker %d serves", worker.number)
            return  # if it ended, whoever watches it goes on

    def roll(self) -> None:
        """Replace every worker, one after the other."""
        if self._stopping or not self._serving:
            return
        if self._rolling is not None and not self._rolling.done():
            self._roll_again = True
            return
        self._rolling = self._run_aside(self._roll())

    async def _roll(self) -> None:
        log.info("replacing the workers one by one")
        self._roll_again = True
        while self._roll_again:
            self._roll_again = False
            for old in list(self._workers.values()):
                if self._stopping or not await self._replace(old):
                    return
        log.info("all workers are replaced")

    async def _replace(self, old: Worker) -> bool:
        """A new worker for an old one; False when none can begin, and then the old ones stay."""
        if not old.running:
            return True
        try:
            new = await self._start(replacing=True)
        except OSError as error:
            log.error("no worker can be started: %s; the others stay as they are", error)
            return False
        if not await self._serves(new):
            if not self._stopping:
                log.error(
                    "a new worker could not begin to serve; what it said stands above, the others stay as they are"
                )
            return False
        new.replacing = False
        log.info("worker %d takes over from worker %d", new.number, old.number)
        old.retire()
        await self._end_of(old)
        return True

    # --- ending -------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        hurried, self._stopping = self._stopping, True
        for worker in self._workers.values():
            worker.signal(signal.SIGTERM)
        if not hurried:
            log.info("stopping %d workers", len(self._workers))
            self._run_aside(self._finish_when_ended())

    async def _finish_when_ended(self) -> None:
        await asyncio.gather(*map(self._end_of, list(self._workers.values())))
        self._finish(0)

    async def _end_of(self, worker: Worker) -> None:
        try:
            async with asyncio.timeout(self._stop_within):
                await worker.ended()
        except TimeoutError:
            log.error("worker %d does not end within %g s: killed", worker.number, self._stop_within)
            worker.signal(signal.SIGKILL)
            await worker.ended()

    def _finish(self, status: int) -> None:
        if not self._status.done():
            self._status.set_result(status)

    async def _end_all(self) -> None:
        self._stopping = True
        for worker in self._workers.values():
            worker.signal(signal.SIGTERM)
        await asyncio.gather(*map(self._end_of, list(self._workers.values())))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _run_aside(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the parent of the workers failed", exc_info=error)
            self._finish(1)

    # --- metrics ------------------------------------------------------------------------------------------------------

    async def metrics(self) -> bytes:
        """Those of all workers, each sample with its worker's number; who asks at once shares one asking."""
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.get_running_loop().create_task(self._gather())
        return await asyncio.shield(self._gathering)

    async def _gather(self) -> bytes:
        workers = [worker for worker in self._workers.values() if worker.ready]
        told = await asyncio.gather(*(worker.metrics() for worker in workers))
        pages = {worker.number: page for worker, page in zip(workers, told, strict=True) if page is not None}
        own = _OWN_METRICS.format(
            ready=sum(worker.ready for worker in self._workers.values()),
            starts=self._starts,
            silent=len(workers) - len(pages),
        )
        return (merged(pages) + own).encode()
