"""One server and our two connections to it, kept up: one for commands, one for pushes.

Apart, because Redis ends a connection that is slow to take its pushes, and that must not cost a publish.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hubbub.redis.address import Address, Host
from hubbub.redis.errors import Away, Misconfigured, explain
from hubbub.redis.handshake import connect, facts
from hubbub.redis.link import Link, Push, is_error
from hubbub.redis.script import Script

log = logging.getLogger(__name__)

PING_EVERY = 1.0
PONG_WITHIN = 2.0
"""Seconds. Together they are how long a frozen server, or a cut network, stays unnoticed where nobody publishes."""

RETRY_MIN = 0.05
RETRY_MAX = 1.0
"""Seconds between two attempts to connect: at once for a restart, then once a second."""


class Listener(Protocol):
    """Who takes the pushes of all nodes."""

    def pushed(self, link: Link, push: Push) -> None:
        """A push came. Returns at once and never raises."""

    def answered(self, link: Link, reply: Any) -> None:
        """A reply to `Link.say` came. Returns at once and never raises."""

    def came_up(self, node: Node) -> None:
        """There is a new connection for pushes, without any subscription yet."""


class Node:
    """Keeps connected from `start` to `stop`. ``hosts``: several where it is not known which one is the master."""

    def __init__(
        self,
        hosts: Sequence[Host],
        address: Address,
        scripts: Sequence[Script],
        *,
        listener: Listener | None,
        on_turn: Callable[[Node], None],
    ) -> None:
        self.where = ", ".join(map(str, hosts))
        self.pushes: Link | None = None
        self._hosts = list(hosts)
        self._address = address
        self._scripts = scripts
        self._listener = listener
        self._on_turn = on_turn
        self._commands: Link | None = None
        self._problem: Away | None = None
        self._tried = asyncio.Event()
        self._lost = asyncio.Event()
        self._ponged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether both connections stand, as far as is known."""
        return self._commands is not None

    @property
    def problem(self) -> Away:
        """Why it is not up."""
        return self._problem or Away(f"Redis at {self.where} is not connected yet")

    def commands(self) -> Link:
        """The connection for commands. Raises `Away`."""
        if self._commands is None:
            raise self.problem
        return self._commands

    async def tried(self) -> None:
        """Return once the first attempt to connect has ended, either way."""
        await self._tried.wait()

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def stop(self) -> None:
        """End both connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._tried.set()

    def drop(self, problem: Away) -> None:
        """Connect anew: the server is no longer what it was."""
        for link in (self._commands, self.pushes):
            if link is not None:
                link.drop(problem)

    async def _keep_connected(self) -> None:
        pause = RETRY_MIN
        try:
            while True:
                try:
                    await self._connect()
                except Away as problem:
                    self._went_down(problem)
                else:
                    pause = RETRY_MIN
                    self._went_down(await self._watch())
                self._tried.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MAX)
        finally:
            self._end_links(Away(f"Redis at {self.where} was not needed any more"))

    async def _connect(self) -> None:
        """Both connections, to whichever host is a master. Raises `Away` with the last one's problem."""
        problem: Away | None = None
        for host in self._hosts:
            try:
                await self._connect_to(host)
            except Away as one:
                problem = problem if isinstance(problem, Misconfigured) else one
            else:
                self._hosts.sort(key=lambda other: other != host)  # next time, this one first
                return
        raise problem or Away("no host is named")

    async def _connect_to(self, host: Host) -> None:
        self._lost.clear()
        commands = await connect(host, self._address, self._scripts)
        commands.on_lost = self._lost.set
        if self._listener is not None:
            try:
                self.pushes = await connect(host, self._address)
            except BaseException:
                commands.drop(Away("its other connection failed"))
                raise
            self.pushes.on_lost = self._lost.set
            self.pushes.on_push = self._push_taker(self.pushes)
            self.pushes.on_stray = self._stray_taker(self.pushes)
        self._commands = commands
        self._tried.set()
        if self._problem is not None:
            log.info("Redis at %s is back", host)
        self._problem = None
        if self._listener is not None:
            self._listener.came_up(self)
        self._on_turn(self)

    def _push_taker(self, link: Link) -> Callable[[Push], None]:
        listener = self._listener
        assert listener is not None
        return lambda push: listener.pushed(link, push)

    def _stray_taker(self, link: Link) -> Callable[[Any], None]:
        listener = self._listener
        assert listener is not None

        def taker(reply: Any) -> None:
            if reply == b"PONG":
                self._ponged.set()
            else:
                listener.answered(link, reply)

        return taker

    async def _watch(self) -> Away:
        """Return when a connection is lost or answers no more, or the server is no master any more: with the reason."""
        while True:
            try:
                async with asyncio.timeout(PING_EVERY):
                    await self._lost.wait()
            except TimeoutError:
                problem = await self._ping()
            else:
                problem = next(
                    (link.lost for link in (self._commands, self.pushes) if link is not None and link.lost), None
                )
            if problem is not None:
                return problem

    async def _ping(self) -> Away | None:
        commands, pushes = self._commands, self.pushes
        assert commands is not None
        if pushes is not None:
            self._ponged.clear()
            pushes.say("PING")
        try:
            async with asyncio.timeout(PONG_WITHIN):
                info = await commands.call("INFO", "replication", within=PONG_WITHIN, probe=True)
                if pushes is not None:
                    await self._ponged.wait()
        except TimeoutError:
            return Away(f"Redis at {commands.where} does not answer")
        except Away as problem:
            return problem
        if is_error(info):
            return explain(info, commands.where)
        if facts(info).get("role") != "master":
            return Away(f"Redis at {commands.where} has become a replica")
        return None

    def _went_down(self, problem: Away) -> None:
        if str(problem) != str(self._problem):
            log.warning("%s", problem)
        was_up = self.up
        self._end_links(problem)
        if was_up:
            self._on_turn(self)

    def _end_links(self, problem: Away) -> None:
        commands, pushes = self._commands, self.pushes
        self._commands = self.pushes = None
        self._problem = problem
        for link in (commands, pushes):
            if link is not None:
                link.drop(problem)
