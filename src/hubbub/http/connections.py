"""Who is connected and does not watch: how many at most, in all and from one address, and how long they may take.

Viewers have bounds of their own (`fanout.seats`); their connections leave these books when they are taken over. So
whoever opens connections and says nothing, or little, can't use up the open files that viewers and the database need.

A connection is idle (between two requests), waiting (we wait for its client: for a head or a body) or busy (its client
waits for us). Where one more has no place, those that keep a place for nothing go: the longest idle one, then one that
has kept us waiting for over a second, then one that has taken nothing of its answer for so long. Only where all are
busy is somebody refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from hubbub.metrics import Metrics

MAX_UNREAD = 64 * 1024 * 1024
"""Bytes that all connections together may hold back: answers that their clients don't read, requests that they sent
ahead. Above it those go that hold most. Looked at once a second.
"""

_GRACE = 1.0
"""Seconds that a client may keep us waiting also when places are short: more than a head takes on a bad line."""


class Patience(NamedTuple):
    """Seconds. ``head``: in which a new connection, or a request that has begun, must bring a whole head. ``body``: in
    which the body must follow it; the largest that is taken has 16 KiB. Both in all, however many bytes come in
    between. ``answer``: in which an unread answer must get on. ``idle``: between two requests; longer than the 60 s
    that proxies keep theirs, else they post into a closing one.
    """

    head: float = 15.0
    body: float = 30.0
    answer: float = 30.0
    idle: float = 75.0


class Guest(Protocol):
    """A connection, as far as these books need it."""

    def held_back(self) -> int:
        """Bytes in memory because its client does not read."""

    def too_slow(self) -> None:
        """Its time is over: say so where that makes sense, and close."""

    def drop(self) -> None:
        """Close at once."""


class Connections:
    """The books. ``most`` bounds all, ``per_address`` (None: unbounded) those of one client.

    ``client_of``: whom a peer's address counts for, None for peers that bring many clients (trusted proxies).
    """

    def __init__(
        self,
        most: int,
        per_address: int | None = None,
        *,
        metrics: Metrics,
        client_of: Callable[[str], str | None] = lambda peer: peer,
        patience: Patience = Patience(),  # noqa: B008  # immutable
    ) -> None:
        self.patience = patience
        self._most = most
        self._per_address = per_address
        self._metrics = metrics
        self._client_of = client_of
        self._all: dict[Guest, str | None] = {}
        self._by_client: Counter[str] = Counter()
        # Both in the order in which they came to be so, the longest first.
        self._idle: dict[Guest, float] = {}
        self._waiting: dict[Guest, tuple[float, float]] = {}  # since when, and for how long at most
        self._unread: dict[Guest, tuple[int, float]] = {}  # how much, and since when it is just as much
        self._sweeping: asyncio.TimerHandle | None = None
        states = {
            "idle": lambda: len(self._idle),
            "waiting": lambda: len(self._waiting),
            "busy": lambda: len(self._all) - len(self._idle) - len(self._waiting),
        }
        for state, count in states.items():
            metrics.connections.labels(state).set_function(count)

    def start(self) -> None:
        """Begin to look after them. Call on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._sweep()

    def stop(self) -> None:
        """End that."""
        if self._sweeping is not None:
            self._sweeping.cancel()

    # --- coming and going ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all)

    def has_place(self) -> bool:
        """Whether one more would be let in, be it at the cost of another."""
        return len(self._all) < self._most or self._dispensable() is not None

    def enter(self, guest: Guest, peer: str) -> str | None:
        """Let one in, as waiting for its first head. Else why not: ``address`` or ``full``."""
        client = self._client_of(peer) if self._per_address is not None else None
        if client is not None and self._by_client[client] >= (self._per_address or 0):
            return "address"
        if len(self._all) >= self._most and not self.make_place():
            return "full"
        self._all[guest] = client
        if client is not None:
            self._by_client[client] += 1
        self.waits(guest, self.patience.head)
        return None

    def leave(self, guest: Guest) -> None:
        """It has gone, or watches from now on. Idempotent."""
        client = self._all.pop(guest, None)
        if client is not None:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
        self._idle.pop(guest, None)
        self._waiting.pop(guest, None)
        self._unread.pop(guest, None)

    def make_place(self) -> bool:
        """Let one go that keeps its place for nothing; False if there is none."""
        found = self._dispensable()
        if found is None:
            return False
        guest, state = found
        self._metrics.evicted.labels(state).inc()
        self.leave(guest)
        guest.drop()
        return True

    def _dispensable(self) -> tuple[Guest, str] | None:
        if self._idle:
            return next(iter(self._idle)), "idle"
        before = self._loop.time() - _GRACE
        if self._waiting:
            guest, (since, _) = next(iter(self._waiting.items()))
            if since < before:
                return guest, "waiting"
        return next(((guest, "unread") for guest, (_, since) in self._unread.items() if since < before), None)

    # --- what they are about ------------------------------------------------------------------------------------------

    def waits(self, guest: Guest, seconds: float) -> None:
        """We wait for its client from now on, so long at most."""
        if guest in self._all:
            self._idle.pop(guest, None)
            self._waiting.pop(guest, None)  # so that it comes to the end
            self._waiting[guest] = self._loop.time(), seconds

    def works(self, guest: Guest) -> None:
        """Its client waits for us."""
        self._idle.pop(guest, None)
        self._waiting.pop(guest, None)

    def rests(self, guest: Guest) -> None:
        """Nobody waits for anything."""
        if guest in self._all:
            self._waiting.pop(guest, None)
            self._idle.pop(guest, None)
            self._idle[guest] = self._loop.time()

    def dropped(self, reason: str) -> None:
        """Count a request, or a connection without one, that was ended before it got to an endpoint."""
        self._metrics.dropped.labels(reason).inc()

    def refused(self, reason: str) -> None:
        """Count a connection that was not let in."""
        self._metrics.refused.labels(reason).inc()

    # --- time ---------------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        # One timer for all instead of several a request.
        self._sweeping = self._loop.call_later(min(max(min(self.patience) / 10, 0.02), 1.0), self._sweep)
        now = self._loop.time()
        late = [guest for guest, (since, seconds) in self._waiting.items() if now - since > seconds]
        late += [guest for guest, since in self._idle.items() if now - since > self.patience.idle]
        for guest in late:
            self.works(guest)  # until its end is noticed: it is late once
            guest.too_slow()
        held_back = 0
        for guest in list(self._all):
            size = guest.held_back()
            held_back += size
            if not size:
                self._unread.pop(guest, None)
                continue
            seen, since = self._unread.get(guest, (0, now))
            if size != seen:
                self._unread[guest] = size, now
            elif now - since > self.patience.answer:
                self._drop_unread(guest)
        if held_back > MAX_UNREAD:
            for guest, (size, _) in sorted(self._unread.items(), key=lambda item: -item[1][0]):
                self._drop_unread(guest)
                held_back -= size
                if held_back <= MAX_UNREAD:
                    break

    def _drop_unread(self, guest: Guest) -> None:
        self.dropped("unread")
        self.leave(guest)
        guest.drop()
