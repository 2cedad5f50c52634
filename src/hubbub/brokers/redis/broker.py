"""`hubbub.brokers.base.Broker` over Redis or Valkey. What the scripts do is said in lua/log.lua."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from hubbub.brokers.base import Deliver
from hubbub.brokers.redis.entries import kept_entry, publish_args
from hubbub.brokers.redis.keys import Bounds, Keys
from hubbub.brokers.redis.subscriptions import Subscriptions
from hubbub.errors import BrokerUnavailable, ConfigError, NotProvable
from hubbub.model import Entry, Event, Position, Tail
from hubbub.redis import Address, Away, Client, Link, Misconfigured, Script, Word

log = logging.getLogger(__name__)

PUBLISH_WITHIN = 0.4
READ_WITHIN = 2.0
"""Seconds until a call is given up: a publish before its poster's patience ends (`hubbub.comments.publishing`)."""

HEADS_AT_ONCE = 100
"""Logs asked for by one script, which takes Redis about a millisecond; nobody is served meanwhile."""

_PACKAGE = "hubbub.brokers.redis.lua"
PUBLISH = Script(_PACKAGE, "log.lua", "publish.lua")
READ = Script(_PACKAGE, "log.lua", "read.lua")
HEADS = Script(_PACKAGE, "log.lua", "heads.lua")


class RedisBroker:
    """One log a video in Redis; see `Broker` and `Distant`. Needs no store that numbers events, and heeds none."""

    def __init__(
        self, address: Address, *, prefix: str = "hubbub", channels: int | None = None, history: Bounds | None = None
    ) -> None:
        self._keys = Keys(prefix, channels)
        self._bounds = history or Bounds()
        self._subscriptions = Subscriptions(self._turned)
        self._client = Client(address, [PUBLISH, READ, HEADS], listener=self._subscriptions, on_turn=self._moved)
        self._subscriptions.client = self._client
        self._reachable = False
        self._told: list[Callable[[bool], None]] = []
        self._epochs = map(f"{os.urandom(8).hex()}{{:x}}".format, count())

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RedisBroker:
        """A broker by ``HUBBUB_BROKER``'s value. Raises `ConfigError`."""
        try:
            return cls(Address.of(url), **options)
        except Misconfigured as problem:
            raise ConfigError("HUBBUB_BROKER", str(problem)) from None

    async def open(self) -> None:
        """Connect. A Redis that can't be reached is waited for in the background."""
        try:
            await self._client.open()
        except Misconfigured as problem:
            raise ConfigError("HUBBUB_BROKER", f"{problem}.") from None
        self._subscriptions.start()

    async def close(self) -> None:
        self._told.clear()
        await self._subscriptions.stop()
        await self._client.close()

    # --- the log -----------------------------------------------------------------------------------------------------

    async def publish(self, event: Event, committed: Position | None = None) -> Position:
        """See `Broker.publish`; ``committed``, a store's own count, means nothing here."""
        channel = self._keys.channel(event.video_id)

        def push_where_they_listen(source: Link, reply: list[Any]) -> None:
            # A key that has gone ahead of its slot was pushed at its new place, and subscribers are still at the old.
            if len(reply) > 2:
                source.call("SPUBLISH", channel, reply[2], within=READ_WITHIN).add_done_callback(_let_be)

        key, args = self._keys.log(event.video_id), publish_args(event, channel)
        reply = await self._run(PUBLISH, key, *args, within=PUBLISH_WITHIN, moving=push_where_they_listen)
        return _position(*reply[:2])

    async def tail(self, video_id: str, limit: int) -> Tail:
        reply = await self._read(video_id, "tail", limit)
        return Tail(_position(*reply[:2]), _entries(reply, video_id))

    async def after(self, video_id: str, position: Position, limit: int) -> list[Entry]:
        reply = await self._read(video_id, "after", position.epoch, position.offset, limit)
        if len(reply) == 2:
            head = _position(*reply[:2])
            raise NotProvable(f"the log in Redis stands at {head}, its history does not go back to {position}")
        return _entries(reply, video_id)

    async def _read(self, video_id: str, *what: str | int) -> list[Any]:
        return await self._run(READ, self._keys.log(video_id), *what, within=READ_WITHIN)

    async def _run(
        self,
        script: Script,
        key: bytes,
        *args: Word,
        within: float,
        beside: Sequence[bytes] = (),
        moving: Callable[[Link, Any], None] | None = None,
    ) -> list[Any]:
        epoch = next(self._epochs)
        try:
            reply: list[Any] = await self._client.run(
                script, key, epoch, *self._bounds, *args, within=within, beside=beside, moving=moving
            )
        except Away as problem:
            raise BrokerUnavailable(str(problem)) from None
        return reply

    # --- pushes ------------------------------------------------------------------------------------------------------

    async def subscribe(self, video_id: str, deliver: Deliver) -> None:
        await self._subscriptions.add(video_id, self._keys.channel(video_id), deliver)

    async def unsubscribe(self, video_id: str) -> None:
        self._subscriptions.remove(video_id, self._keys.channel(video_id))

    # --- hubbub.brokers.base.Distant ---------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        """See `Distant.reachable`: every node answers, and every subscription stood when that began."""
        return self._reachable

    def on_reachable(self, told: Callable[[bool], None]) -> None:
        self._told.append(told)

    async def heads(self, video_ids: Sequence[str]) -> dict[str, Position]:
        """See `Distant.heads`. To be called at least once a minute for a video that is watched: a log that is neither
        written nor looked at is let go, and goes on in a new epoch.
        """
        videos = {self._keys.log(video_id): video_id for video_id in video_ids}
        groups = [
            keys[start : start + HEADS_AT_ONCE]
            for keys in self._client.topology.together(videos)
            for start in range(0, len(keys), HEADS_AT_ONCE)
        ]
        found = await asyncio.gather(*map(self._heads, groups))
        return {videos[key]: head for heads in found for key, head in heads.items()}

    async def _heads(self, keys: list[bytes]) -> dict[bytes, Position]:
        found: dict[bytes, Position] = {}
        while left := keys[len(found) :]:  # a script stops early rather than hold everybody up
            reply = await self._run(HEADS, left[0], within=READ_WITHIN, beside=left[1:])
            found.update(zip(left, map(_position, reply[::2], reply[1::2]), strict=False))
        return found

    def _moved(self) -> None:
        self._subscriptions.place()
        self._turned()

    def _turned(self) -> None:
        """Tell of a turn, if it is one."""
        up = self._client.up
        reachable = up and (self._reachable or self._subscriptions.complete)
        if reachable is self._reachable:
            return
        self._reachable = reachable
        log.log(logging.INFO if reachable else logging.WARNING, "Redis is %s", "reached" if reachable else "lost")
        for told in self._told:
            told(reachable)


def _position(epoch: bytes, offset: int) -> Position:
    return Position(epoch.decode(), offset)


def _entries(reply: list[Any], video_id: str) -> list[Entry]:
    epoch, _, first, *kept = reply
    position_of = Position(epoch.decode(), 0)._replace
    try:
        return [kept_entry(data, video_id, position_of(offset=offset)) for offset, data in enumerate(kept, start=first)]
    except (ValueError, AttributeError) as error:  # somebody else's hand: an entry is not there, or not ours
        raise NotProvable(f"the log of {video_id} in Redis is damaged: {error}") from None


def _let_be(future: asyncio.Future[Any]) -> None:
    """Take a result that nobody needs."""
    if not future.cancelled():
        future.exception()
