"""Which server has which key: always the same one, or by the slots of a Cluster."""

from __future__ import annotations

import asyncio
import logging
from binascii import crc_hqx
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from hubbub.redis.address import Address, Host
from hubbub.redis.errors import Away, Misconfigured, explain
from hubbub.redis.handshake import connect
from hubbub.redis.link import Link, is_error
from hubbub.redis.node import Node

log = logging.getLogger(__name__)

SLOTS = 16_384
REFRESH_EVERY = 10.0
REFRESH_PAUSE = 0.2
"""Seconds: between two looks at who has which slot when nothing seems wrong, and at least, however much does."""

ASK_WITHIN = 2.0
GUEST = 60.0
"""Seconds for which a node without a slot is kept after an error reply named it: one is on its way there."""

MakeNode = Callable[[Sequence[Host]], Node]


class Topology(Protocol):
    """Nodes, and the way to them."""

    async def open(self) -> None:
        """Connect, as far as that goes. Raises `Misconfigured`."""

    async def close(self) -> None:
        """End every connection."""

    def node_of(self, key: bytes) -> Node:
        """Who has a key (or a sharded channel). Raises `Away` where that is not known yet."""

    def together(self, keys: Iterable[bytes]) -> list[list[bytes]]:
        """Keys in groups that one script may have."""

    def node_at(self, place: str) -> Node:
        """The node that an error reply names (``HOST:PORT``), from now on one of ours."""

    def moved(self, slot: int, node: Node) -> None:
        """A slot was found to be ``node``'s."""

    def look_again(self) -> None:
        """Something does not fit what is known."""

    @property
    def up(self) -> bool:
        """Whether every node can be reached."""


class OneServer:
    """`Topology` without a choice."""

    def __init__(self, address: Address, make_node: MakeNode) -> None:
        self._node = make_node(address.hosts)

    async def open(self) -> None:
        self._node.start()
        await self._node.tried()
        if isinstance(self._node.problem, Misconfigured):
            raise self._node.problem

    async def close(self) -> None:
        await self._node.stop()

    def node_of(self, key: bytes) -> Node:
        return self._node

    def together(self, keys: Iterable[bytes]) -> list[list[bytes]]:
        return [list(keys)]

    def node_at(self, place: str) -> Node:
        raise Misconfigured(f"Redis at {self._node.where} is a node of a Cluster; write redis+cluster://")

    def moved(self, slot: int, node: Node) -> None:
        """There are no slots."""

    def look_again(self) -> None:
        """There is nothing to see."""

    @property
    def up(self) -> bool:
        return self._node.up


class Cluster:
    """`Topology` by hash slots (Redis Cluster specification), asked for again whenever something does not fit."""

    def __init__(self, address: Address, make_node: MakeNode, on_change: Callable[[], None]) -> None:
        self._address = address
        self._make_node = make_node
        self._on_change = on_change
        self._nodes: dict[Host, Node] = {}
        self._guests: dict[Host, float] = {}  # until when each is kept at least
        self._owners: list[Node | None] = [None] * SLOTS
        self._problem = Away("the Cluster's nodes are not known yet")
        self._stale = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        try:
            await self._refresh()
            await asyncio.gather(*(node.tried() for node in self._nodes.values()))
            for node in self._nodes.values():
                if not node.up and isinstance(node.problem, Misconfigured):
                    raise node.problem
        except Misconfigured:
            raise
        except Away as problem:
            self._problem = problem
            log.warning("%s", problem)
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for node in list(self._nodes.values()):
            await node.stop()
        if self._stopping:
            await asyncio.wait(self._stopping)

    def node_of(self, key: bytes) -> Node:
        node = self._owners[slot_of(key)]
        if node is None:
            raise self._problem
        return node

    def together(self, keys: Iterable[bytes]) -> list[list[bytes]]:
        return [[key] for key in keys]  # while a slot moves, no node may have two keys of it

    def node_at(self, place: str) -> Node:
        name, _, port = place.rpartition(":")
        host = Host(name.strip("[]"), int(port))
        self._guests[host] = asyncio.get_running_loop().time() + GUEST
        return self._known(host)

    def moved(self, slot: int, node: Node) -> None:
        self._owners[slot] = node
        self._on_change()
        self.look_again()

    def look_again(self) -> None:
        self._stale.set()

    @property
    def up(self) -> bool:
        return None not in self._owners and all(node.up for node in set(self._owners) if node is not None)

    def _known(self, host: Host) -> Node:
        node = self._nodes.get(host)
        if node is None:
            self._nodes[host] = node = self._make_node([host])
            node.start()
        return node

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_EVERY if self.up else 1.0):
                    await self._stale.wait()
            self._stale.clear()
            try:
                await self._refresh()
            except Away as problem:
                if str(problem) != str(self._problem):
                    log.warning("who has which slot can't be found out: %s", problem)
                self._problem = problem
            await asyncio.sleep(REFRESH_PAUSE)

    async def _refresh(self) -> None:
        """Ask who has which slot, and follow it. Raises `Away`."""
        asked, ranges = await self._ask()
        owners: list[Node | None] = [None] * SLOTS
        for first, last, master, *_ in ranges:
            name = master[0].decode() if master[0] else asked.name  # empty: the one we asked at
            node = self._known(Host(asked.name if name == "?" else name, master[1]))
            owners[first : last + 1] = [node] * (last + 1 - first)
        self._problem = Away("a part of the Cluster's slots is served by nobody")
        changed = owners != self._owners
        self._owners = owners
        in_use, now = set(owners), asyncio.get_running_loop().time()
        self._guests = {host: until for host, until in self._guests.items() if until > now}
        for host, node in list(self._nodes.items()):
            if node not in in_use and host not in self._guests:
                del self._nodes[host]
                stopping = asyncio.get_running_loop().create_task(node.stop())
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)
        if changed:
            self._on_change()

    async def _ask(self) -> tuple[Host, list[Any]]:
        problem = Away("no node of the Cluster is named")
        for host in [*self._nodes, *self._address.hosts]:
            node = self._nodes.get(host)
            try:
                if node is not None and node.up:
                    return host, await _slots(node.commands())
                link = await connect(host, self._address, master=False)
                try:
                    return host, await _slots(link)
                finally:
                    link.drop(problem)
            except Away as one:
                problem = problem if isinstance(problem, Misconfigured) else one
        raise problem


async def _slots(link: Link) -> list[Any]:
    reply = await link.call("CLUSTER", "SLOTS", within=ASK_WITHIN)
    if is_error(reply):
        raise explain(reply, link.where)
    ranges: list[Any] = reply
    return ranges


def slot_of(key: bytes) -> int:
    """The slot of a key or channel of ours: of what stands in its braces."""
    start = key.find(b"{") + 1
    return crc_hqx(key[start : key.find(b"}", start)], 0) % SLOTS
