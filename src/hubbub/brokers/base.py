"""The port to the live log: positions, recent history, and a push to whoever watches.

`hubbub.testing.broker_contract` holds an adapter to every sentence here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from hubbub.model import Entry, Event, Position, Tail

Deliver = Callable[[Entry], None]
"""What a subscriber gives: called on the event loop, returns at once, never raises."""


class Broker(Protocol):
    """One log per video.

    Guarantees
    - `publish` appends to the video's log and returns the position: dense within an epoch (1, 2, 3 …), idempotent by
      event
      id (a repeat returns the first position and pushes nothing new).
    - Pushes come in the order of the log where they come at all: they are hints, each at most once. A missed push shows
      as a
      hole in the offsets, which `after` fills.
    - Publishing a retraction blanks, in the history served from then on, every earlier entry that carries the comment's
      text.
    - What can't be proven complete raises `NotProvable`; nothing is ever skipped silently.

    The caller owes
    - to have stored the event first (`committed` is the position that a `Journal` store gave it);
    - one `subscribe` per video at a time, and to treat whatever arrives before `subscribe` returns as live.
    """

    async def open(self) -> None:
        """Connect. Raises `ConfigError` for settings that can't work."""

    async def close(self) -> None:
        """Let go of connections and locks. Idempotent."""

    async def publish(self, event: Event, committed: Position | None = None) -> Position:
        """Append and push. Raises `BrokerUnavailable` when it can't be confirmed (it may have happened: repeat it)."""

    async def tail(self, video_id: str, limit: int) -> Tail:
        """The log's head and its newest entries."""

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        """Every entry after ``position``, oldest first. Raises `NotProvable` (also for more than ``limit`` entries)."""

    async def subscribe(self, video_id: str, deliver: Deliver) -> None:
        """Push the video's entries to ``deliver`` from now on."""

    async def unsubscribe(self, video_id: str) -> None:
        """Stop. Unknown videos are fine."""


@runtime_checkable
class Immediate(Protocol):
    """A broker inside the process, over a journal: publishing what has its position is a function call."""

    def push(self, event: Event, committed: Position) -> None:
        """`Broker.publish` of an event with its position. Never waits, never raises."""


@runtime_checkable
class Distant(Protocol):
    """A broker across a network: it can be lost and come back, and pushes can be lost with no later one to show it.

    Guarantees
    - `Broker.subscribe` and `Broker.unsubscribe` don't fail for want of a connection: what is wanted is remembered, and
      made so again whenever the broker can be reached, before ``told(True)`` is called.
    - `reachable` turns False at latest a few seconds after the broker stops answering, frozen or cut off alike, and
      whoever asked by `on_reachable` is told of each turn, on the event loop.

    The caller owes a look at `heads` now and then: a head beyond what was pushed, or of another epoch, shows a push, or
    a whole subscription, that was lost.
    """

    @property
    def reachable(self) -> bool:
        """Whether publishing and pushes both work, as far as is known."""

    def on_reachable(self, told: Callable[[bool], None]) -> None:
        """Call ``told`` at each turn of `reachable`. It returns at once and never raises."""

    async def heads(self, video_ids: Sequence[str]) -> dict[str, Position]:
        """Where each log stands, in as few round trips as can be. Raises `BrokerUnavailable`."""
