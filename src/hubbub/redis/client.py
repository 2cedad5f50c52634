"""Running scripts where their keys are, whatever moves meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from hubbub.redis.address import Address, Host
from hubbub.redis.errors import Away, code_of, explain
from hubbub.redis.link import Link, Word, is_error
from hubbub.redis.node import Listener, Node
from hubbub.redis.script import Script
from hubbub.redis.topology import Cluster, OneServer, Topology

_REDIRECTS = 8
_TRY_AGAIN = 0.02
"""Seconds, while a slot is half moved or its new owner does not know of it yet."""


class Client:
    """Redis, one server or many, opened and closed with its owner.

    ``listener`` takes the pushes; without one there are no connections for them. ``on_turn`` is called whenever `up`
    may have changed, or a key may have another node.
    """

    def __init__(
        self,
        address: Address,
        scripts: Sequence[Script],
        *,
        listener: Listener | None = None,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_turn = on_turn

        def make_node(hosts: Sequence[Host]) -> Node:
            return Node(hosts, address, scripts, listener=listener, on_turn=self._turned)

        self.topology: Topology = (
            Cluster(address, make_node, on_turn) if address.cluster else OneServer(address, make_node)
        )

    async def open(self) -> None:
        """Connect. What can't be reached is tried again and again; raises `Misconfigured` for what would be in vain."""
        await self.topology.open()

    async def close(self) -> None:
        """End every connection. Idempotent."""
        await self.topology.close()

    @property
    def up(self) -> bool:
        """Whether every node can be reached, as far as is known."""
        return self.topology.up

    def _turned(self, node: Node) -> None:
        if not node.up:
            self.topology.look_again()
        self._on_turn()

    async def run(
        self,
        script: Script,
        key: bytes,
        *args: Word,
        within: float,
        beside: Sequence[bytes] = (),
        moving: Callable[[Link, Any], None] | None = None,
    ) -> Any:
        """A script's reply. It gets ``key`` and those ``beside`` it (`Topology.together`), and as first argument the
        ``run_id`` of the server that runs it.

        Raises `Away`, after ``within`` seconds at latest. ``moving`` is told the reply when the key's slot is on its
        way to another node: with the connection to the one that had it.
        """
        until = asyncio.get_running_loop().time() + within
        keys = (key, *beside)
        node, asking = self.topology.node_of(key), False
        source: Link | None = None
        for _ in range(_REDIRECTS):
            link = node.commands() if node.up else await self._fresh_link(node, until)
            reply = await self._evaluate(link, script, keys, args, until, asking=asking)
            if not is_error(reply):
                if source is not None and moving is not None:
                    moving(source, reply)
                return reply
            code = code_of(reply)
            if code == "NOSCRIPT":
                await link.call("SCRIPT", "LOAD", script.source, within=self._left(until))
            elif code == "MOVED":
                _, slot, place = str(reply).split(" ")[:3]
                node, asking, source = self.topology.node_at(place), False, None
                self.topology.moved(int(slot), node)
            elif code == "ASK":
                node, asking, source = self.topology.node_at(str(reply).split(" ")[2]), True, link
            elif code == "TRYAGAIN" and self._left(until) > _TRY_AGAIN:
                await asyncio.sleep(_TRY_AGAIN)
            else:
                problem = explain(reply, link.where)
                if code in ("READONLY", "CLUSTERDOWN"):
                    self.topology.look_again()
                if code == "READONLY":
                    node.drop(problem)
                raise problem
        raise Away("Redis sends from node to node and back")

    @staticmethod
    async def _fresh_link(node: Node, until: float) -> Link:
        """Give a node that was heard of a moment ago the time to be tried; one that is down fails at once."""
        try:
            async with asyncio.timeout_at(until):
                await node.tried()
        except TimeoutError:
            raise node.problem from None
        return node.commands()

    async def _evaluate(
        self,
        link: Link,
        script: Script,
        keys: tuple[bytes, ...],
        args: tuple[Word, ...],
        until: float,
        *,
        asking: bool,
    ) -> Any:
        within = self._left(until)
        words = ("EVALSHA", script.digest, len(keys), *keys, link.run_id, *args)
        if asking:  # must be the command just before
            _, reply = await asyncio.gather(
                link.call("ASKING", within=within),
                link.call(*words, within=within),
            )
            return reply
        return await link.call(*words, within=within)

    @staticmethod
    def _left(until: float) -> float:
        return max(until - asyncio.get_running_loop().time(), 0.0)


def connect_to(url: str, scripts: Sequence[Script], **hooks: Any) -> Client:
    """A client by URL. Raises `Misconfigured`."""
    return Client(Address.of(url), scripts, **hooks)
