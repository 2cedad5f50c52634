"""A network that lets one process reach what the others reach."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds
from tests.chaos.hardship import ask, until_ready

from hubbub.testing.crowd import eventually
from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("role", ["gateway", "API process"])
async def test_one_that_cannot_reach_redis(tmp_path: Path, redis: RedisServer, role: str) -> None:
    """A gateway's viewers are served from the store meanwhile. What an API process accepts is published by another's
    sweeper, to viewers whose gateways see nothing amiss.
    """
    async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        [cut_off, *_] = fleet.gateways if role == "gateway" else fleet.apis
        cut_off.redis_link.cut()
        await asyncio.sleep(seconds(20, 8))
        await crowd.until_level()
        cut_off.redis_link.mend()
        await crowd.until_accepted(100)
        await crowd.settle(f"one {role} cut off from Redis", one_epoch=role != "gateway")


async def test_connections_to_redis_that_break_off(tmp_path: Path, redis: RedisServer) -> None:
    """Each member's in turn, again and again."""
    async with asyncio.timeout(120), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        for _ in range(round(seconds(10, 3))):
            for member in [*fleet.apis, *fleet.gateways]:
                member.redis_link.break_off()
                await crowd.until_accepted(10)
        await crowd.settle("connections to Redis broken off", one_epoch=True)


async def test_an_api_process_that_cannot_reach_its_store(tmp_path: Path, redis: RedisServer, table: str) -> None:
    """Its posts are refused with the reason, and those that were under way are kept once, under their key. The other
    process and all viewers go on.
    """
    async with (
        asyncio.timeout(180),
        fleet_of(tmp_path, redis, store=table) as fleet,
        crowd_around(fleet, loyal=True) as crowd,
    ):
        cut_off, other = fleet.apis
        through_it, through_other = crowd.posters[0].accepted, crowd.posters[1].accepted
        cut_off.store_link.cut()
        cut = asyncio.create_task(asyncio.sleep(seconds(20, 6)))
        asked = asyncio.create_task(ask(cut_off.server, "/readyz"))
        enough = len(through_other) + 20
        await eventually(lambda: len(through_other) >= enough, crowd.tasks)
        await crowd.until_level()
        assert (await ask(other.server, "/readyz")).status == 200
        await eventually(lambda: bool(crowd.refused), crowd.tasks)
        assert all("HUBBUB_STORE" in reason for reason in crowd.refused), crowd.refused
        unready = await asked
        assert unready.status == 503
        assert "HUBBUB_STORE" in unready.json()["detail"]
        await cut
        cut_off.store_link.mend()
        enough = len(through_it) + 5
        await eventually(lambda: len(through_it) >= enough, crowd.tasks)
        await until_ready(cut_off.server)
        await crowd.settle("one API process cut off from its store", one_epoch=True)
