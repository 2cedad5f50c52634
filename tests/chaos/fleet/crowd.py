"""A crowd around a fleet, and the check that ends each of these tests: every viewer has exactly what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.fleet.fleet import Fleet

from hubbub.testing.crowd import Follower, Poster, eventually, running, whole_history
from hubbub.testing.raw import Connection
from hubbub.testing.server import token

VIDEO = "v"

_LEVEL_WITHIN = 60.0
"""Seconds after which a viewer who still lacks what was accepted will never have it."""


class Moderator:
    """Deletes one accepted comment after another, each until it is done."""

    def __init__(self, urls: list[str], posters: list[Poster]) -> None:
        self.deleted: set[str] = set()
        self.tried: set[str] = set()  # those under way, too
        self._urls = urls
        self._posters = posters
        self._token = token("mod", ("read", "moderate"))

    async def run(self, stop: asyncio.Event) -> None:
        """A deletion about every half second until ``stop`` is set."""
        while not stop.is_set():
            await asyncio.sleep(0.5)
            texts = [poster.accepted for poster in self._posters if poster.accepted]
            if texts:
                newest = max(id for accepted in texts for id in accepted.values())
                await self._delete(newest)

    async def _delete(self, comment_id: str) -> None:
        self.tried.add(comment_id)
        for attempt in range(1_000):
            url = self._urls[attempt % len(self._urls)]
            with contextlib.suppress(OSError, EOFError):
                async with asyncio.timeout(5), await Connection.open(url) as connection:
                    answer = await connection.request(
                        "DELETE", f"/v1/videos/{VIDEO}/comments/{comment_id}", token=self._token
                    )
                if answer.status == 204:
                    self.deleted.add(comment_id)
                    return
                assert answer.status == 503, answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"{comment_id} could not be deleted")


class FleetCrowd:
    """Posters, viewers and a moderator at work; made by `crowd_around`."""

    def __init__(
        self, fleet: Fleet, *, posters: int, viewers: int, rate: float, proxy: str | None, loyal: bool
    ) -> None:
        assert fleet.apis
        assert fleet.gateways

        def apis(number: int) -> list[str]:
            urls = [proxy] if proxy else fleet.api_urls(number)
            return urls[:1] if loyal else urls

        self.posters = [
            Poster(apis(n), VIDEO, f"poster-{n}", token(f"poster-{n}"), pause=posters / rate) for n in range(posters)
        ]
        self.viewers = [
            Follower([proxy], VIDEO, batch=n % 2 == 1, shard=n, patient=True)
            if proxy
            else Follower(fleet.gateway_urls(n), VIDEO, batch=n % 2 == 1)
            for n in range(viewers)
        ]
        self.moderator = Moderator([proxy] if proxy else fleet.api_urls(), self.posters)
        self.tasks: list[asyncio.Task[None]] = []
        self.stop = asyncio.Event()
        self._fleet = fleet

    @property
    def accepted(self) -> dict[str, str]:
        """Each text answered ``201`` so far, with its id."""
        return {text: id for poster in self.posters for text, id in poster.accepted.items()}

    @property
    def refused(self) -> Counter[str]:
        """The reasons of all ``503`` so far."""
        return sum((poster.refused for poster in self.posters), Counter())

    async def until_accepted(self, more: int) -> None:
        """Wait until that many more posts are accepted."""
        target = len(self.accepted) + more
        await eventually(lambda: len(self.accepted) >= target, self.tasks)

    async def until_each_accepted(self, more: int) -> None:
        """Wait until every poster has had that many more accepted."""
        targets = [len(poster.accepted) + more for poster in self.posters]
        await eventually(
            lambda: all(len(p.accepted) >= target for p, target in zip(self.posters, targets, strict=True)), self.tasks
        )

    async def until_level(self) -> None:
        """Wait until every viewer has what is accepted by now, or was told that it is gone."""
        wanted = set(self.accepted.values())

        def missing(viewer: Follower) -> list[str]:
            return sorted(wanted.difference(viewer.seen, viewer.retracted))

        try:
            async with asyncio.timeout(_LEVEL_WITHIN):
                await eventually(lambda: not any(map(missing, self.viewers)), self.tasks)
        except TimeoutError:
            behind = {
                number: f"misses {missing(viewer)[:3]} and {len(missing(viewer))} in all, told {viewer.names}"
                for number, viewer in enumerate(self.viewers)
                if missing(viewer)
            }
            raise AssertionError(f"not everybody got what was accepted: {behind}") from None

    async def settle(self, what: str, *, one_epoch: bool) -> None:
        """Stop posting and check: history and every viewer have exactly the accepted comments, retractions applied.
        ``one_epoch``: all were served from one log, so also in one order, each once. Prints a line that begins with
        ``what``.
        """
        self.stop.set()
        await eventually(lambda: all(task.done() for task in self.tasks[len(self.viewers) :]), self.tasks)
        began = time.monotonic()
        accepted, deleted = set(self.accepted.values()), self.moderator.deleted
        everyone_told = asyncio.timeout(30)
        late = ""
        try:
            async with everyone_told:
                await eventually(
                    lambda: all(
                        accepted <= set(viewer.seen) | viewer.retracted and deleted <= viewer.retracted
                        for viewer in self.viewers
                    ),
                    self.tasks,
                )
        except TimeoutError:
            late = "; not everyone got everything"
        report = self._report(what, time.monotonic() - began) + late
        sys.stdout.write(report + "\n")
        history = await whole_history(self._fleet.apis[0].url, VIDEO)
        assert {comment["id"] for comment in history} == accepted - deleted, report
        assert len(history) == len(accepted - deleted), f"a comment is there twice; {report}"
        for number, viewer in enumerate(self.viewers):
            missing = accepted - set(viewer.seen) - viewer.retracted
            assert not missing, f"viewer {number} misses {len(missing)}: {sorted(missing)[:3]}; {report}"
            assert set(viewer.seen) <= accepted, f"viewer {number} saw what was never accepted; {report}"
            assert deleted <= viewer.retracted, f"viewer {number} still shows what was deleted; {report}"
            assert "reset" not in viewer.names, f"viewer {number} was reset; {report}"
            if one_epoch:
                doubles = [id for id, times in Counter(viewer.seen).items() if times > 1]
                assert not doubles, f"viewer {number} had doubles: {where(doubles, viewer.seen)}; {report}"
                order = [id for id in viewer.seen if id not in deleted]
                first = [id for id in self.viewers[0].seen if id not in deleted]
                apart = next((n for n, (one, other) in enumerate(zip(order, first, strict=True)) if one != other), None)
                assert apart is None, (
                    f"viewer {number} had another order from comment {apart} on: {order[apart : apart + 4]}, "
                    f"not {first[apart : apart + 4]}; {report}"
                )

    def _report(self, what: str, shown: float) -> str:
        refused = self.refused
        doubles = sum(len(viewer.seen) - len(set(viewer.seen)) for viewer in self.viewers)
        return (
            f"{what}: {len(self.accepted)} accepted, {len(self.moderator.deleted)} deleted, {refused.total()} refused "
            f"with 503 {dict(refused)}, {sum(p.unanswered for p in self.posters)} unanswered, "
            f"{sum(p.replayed for p in self.posters)} replayed; the slowest post took "
            f"{max(p.longest for p in self.posters):.2f} s; {len(self.viewers)} viewers connected "
            f"{sum(v.connections for v in self.viewers)} times, had {doubles} doubles, "
            f"{sum(v.names.get('reset', 0) for v in self.viewers)} resets, waited "
            f"{max(v.longest_wait for v in self.viewers):.2f} s at most between two events "
            f"and {shown:.2f} s for the last"
        )


def where(ids: list[str], seen: list[str]) -> dict[str, list[int]]:
    """The first few of ``ids``, and at which places of what was seen each stands."""
    return {id: [place for place, one in enumerate(seen) if one == id] for id in ids[:5]}


@asynccontextmanager
async def crowd_around(
    fleet: Fleet,
    *,
    posters: int = 4,
    viewers: int = 8,
    rate: float = 50.0,
    proxy: str | None = None,
    loyal: bool = False,
) -> AsyncIterator[FleetCrowd]:
    """A crowd at work until `FleetCrowd.settle`: ``rate`` comments a second in all. Viewers are all let in, and some
    comments accepted, when this is entered.

    ``proxy``: the URL that all go through; then each viewer has a shard of its own, and comes back when it was told to.
    ``loyal``: each poster keeps to one API process, also while that is away.
    """
    crowd = FleetCrowd(fleet, posters=posters, viewers=viewers, rate=rate, proxy=proxy, loyal=loyal)
    workers = [*(poster.run(crowd.stop) for poster in crowd.posters), crowd.moderator.run(crowd.stop)]
    async with running(*(viewer.run() for viewer in crowd.viewers)) as watching:
        await eventually(lambda: all(viewer.connections for viewer in crowd.viewers), watching)
        async with running(*workers) as working:
            crowd.tasks = [*watching, *working]
            await crowd.until_accepted(10)
            yield crowd
