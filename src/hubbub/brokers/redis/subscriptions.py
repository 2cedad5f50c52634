"""Which channels are wanted, and where each is subscribed: made so again after whatever happens.

By state, not by command. Redis ends a sharded subscription by itself when its slot moves, and answers some commands by
a push and some by an error; so each push and each error only changes what is known, and what is wanted and not known to
be subscribed is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from hubbub.brokers.base import Deliver
from hubbub.brokers.redis.entries import pushed_entry
from hubbub.model import Position
from hubbub.redis import Away, Client, Link
from hubbub.redis.errors import code_of, explain
from hubbub.redis.link import Push, is_error
from hubbub.redis.node import Node

log = logging.getLogger(__name__)

ASK_AGAIN = 1.0
"""Seconds without an answer after which a channel is asked for once more."""

CONFIRM_WITHIN = 1.0
"""Seconds that a newcomer waits for a confirmation. Without one by then, something is wrong that ends in `reachable`
turning False, or in a subscription that is made a little later and a hole that is fetched."""


class Subscriber:
    """Where a video's pushes go. ``pushed``: the newest one's position, since each comes once and in order."""

    __slots__ = ("deliver", "pushed")

    def __init__(self, deliver: Deliver) -> None:
        self.deliver = deliver
        self.pushed = Position("", 0)


class Subscriptions:
    """`hubbub.redis.node.Listener`. ``client`` is given later, since it wants its listener first."""

    client: Client

    def __init__(self, on_settled: Callable[[], None]) -> None:
        self._on_settled = on_settled
        self._subscribers: dict[str, Subscriber] = {}
        self._videos: dict[bytes, set[str]] = {}  # by channel: what is wanted
        self._links: dict[bytes, Link] = {}  # where it is subscribed
        self._missing: set[bytes] = set()  # wanted, and not known to be subscribed where it should be
        self._asked: dict[bytes, tuple[Link, float]] = {}
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._garbled = 0

    def start(self) -> None:
        """Begin to look after what is missing."""
        self._task = asyncio.get_running_loop().create_task(self._settle_forever())

    async def stop(self) -> None:
        """Look after nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def complete(self) -> bool:
        """Whether all that is wanted is subscribed."""
        return not self._missing

    async def add(self, video_id: str, channel: bytes, deliver: Deliver) -> None:
        """Want a video's pushes; return once they come, or can't be had for now."""
        self._subscribers[video_id] = Subscriber(deliver)
        videos = self._videos.setdefault(channel, set())
        videos.add(video_id)
        if channel not in self._links:
            self._missing.add(channel)
            self._ask_for(channel)
        if channel in self._missing and self.client.up:
            confirmed = self._waiting.setdefault(channel, asyncio.get_running_loop().create_future())
            await asyncio.wait([confirmed], timeout=CONFIRM_WITHIN)

    def remove(self, video_id: str, channel: bytes) -> None:
        """Want them no more."""
        self._subscribers.pop(video_id, None)
        videos = self._videos.get(channel)
        if videos is None:
            return
        videos.discard(video_id)
        if videos:
            return
        del self._videos[channel]
        self._missing.discard(channel)
        asked = self._asked.pop(channel, None)
        self._confirm(channel)
        link = self._links.pop(channel, None) or (asked[0] if asked else None)
        if link is not None:
            link.say("SUNSUBSCRIBE", channel)

    def place(self) -> None:
        """Connections, or the nodes of keys, have changed: look for each channel whether it is where it should be."""
        for channel in self._videos:
            if self._links.get(channel) is not self._link_for(channel):
                old = self._links.pop(channel, None)
                if old is not None:
                    old.say("SUNSUBSCRIBE", channel)
                self._missing.add(channel)
        self._ask()

    # --- hubbub.redis.node.Listener ----------------------------------------------------------------------------------

    def pushed(self, link: Link, push: Push) -> None:
        what, channel = push[0], push[1]
        if what == b"smessage":
            self._deliver(push[2])
        elif what == b"ssubscribe":
            if channel not in self._videos:
                link.say("SUNSUBSCRIBE", channel)  # was wanted once, and was asked for at two nodes
            elif self._link_for(channel) is link:
                self._links[channel] = link
                self._missing.discard(channel)
                self._confirm(channel)
                if not self._missing:
                    self._on_settled()
        elif what == b"sunsubscribe" and channel in self._videos and self._links.get(channel) is link:
            # Not by us, who would have forgotten the link first: the slot has moved.
            del self._links[channel]
            self._asked.pop(channel, None)
            self._missing.add(channel)
            self.client.topology.look_again()

    def answered(self, link: Link, reply: Any) -> None:
        if not is_error(reply):
            return
        topology = self.client.topology
        if code_of(reply) == "MOVED":
            _, slot, place = str(reply).split(" ")[:3]
            for channel in self._missing:
                self._asked.pop(channel, None)
            topology.moved(int(slot), topology.node_at(place))
        else:
            log.warning("%s", explain(reply, link.where))
            topology.look_again()

    def came_up(self, node: Node) -> None:
        self.place()

    # --- asking ------------------------------------------------------------------------------------------------------

    def _link_for(self, channel: bytes) -> Link | None:
        try:
            return self.client.topology.node_of(channel).pushes
        except Away:
            return None

    def _ask(self) -> None:
        for channel in self._missing:
            self._ask_for(channel)

    def _ask_for(self, channel: bytes) -> None:
        link, now = self._link_for(channel), asyncio.get_running_loop().time()
        asked = self._asked.get(channel)
        if link is None or (asked is not None and asked[0] is link and now - asked[1] < ASK_AGAIN):
            return
        self._asked[channel] = (link, now)
        link.say("SSUBSCRIBE", channel)

    async def _settle_forever(self) -> None:
        while True:
            await asyncio.sleep(ASK_AGAIN / 2)
            self._ask()

    def _confirm(self, channel: bytes) -> None:
        self._asked.pop(channel, None)
        waiting = self._waiting.pop(channel, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    # --- delivering --------------------------------------------------------------------------------------------------

    def _deliver(self, data: bytes) -> None:
        try:
            entry = pushed_entry(data)
        except ValueError:
            self._garbled += 1
            if self._garbled & (self._garbled - 1) == 0:  # the 1st, 2nd, 4th, 8th …
                log.warning("%d pushes could not be read, most likely of another program's; dropped", self._garbled)
            return
        subscriber = self._subscribers.get(entry.event.video_id)
        if subscriber is None:
            return  # a neighbour on a shared channel
        last = subscriber.pushed
        if entry.position.epoch == last.epoch and entry.position.offset <= last.offset:
            return
        subscriber.pushed = entry.position
        subscriber.deliver(entry)
