"""API processes and gateways that are killed, one after another, and a rolling restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds

from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


async def test_a_killed_gateway_costs_its_viewers_nothing(tmp_path: Path, redis: RedisServer) -> None:
    """Its viewers resume at the other one, exactly where they were."""
    async with asyncio.timeout(120), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
        for gateway in fleet.gateways:
            await gateway.server.kill()
            await crowd.until_accepted(50)
            await crowd.until_level()
            await gateway.server.start()
            await crowd.until_accepted(50)
        await crowd.settle("each gateway killed", one_epoch=True)


async def test_a_killed_api_process_leaves_nothing_behind_that_nobody_sees(tmp_path: Path, redis: RedisServer) -> None:
    """Killed between its commit and its publish, its comments reach the viewers by another's sweeper."""
    async with (
        asyncio.timeout(180),
        fleet_of(tmp_path, redis) as fleet,
        crowd_around(fleet, posters=8, rate=400) as crowd,
    ):
        for number in range(round(seconds(6, 2))):
            api = fleet.apis[number % len(fleet.apis)]
            await crowd.until_accepted(100)
            await api.server.kill()
            await crowd.until_accepted(50)
            await api.server.start()
        await crowd.settle("API processes killed", one_epoch=True)


async def test_a_rolling_restart_under_load(tmp_path: Path, redis: RedisServer) -> None:
    """Every member stopped by SIGTERM in turn, its viewers asked to go over a window."""
    window = {"HUBBUB_DRAIN_DELAY": "0.2", "HUBBUB_DRAIN_WINDOW": f"{seconds(5, 1)}"}
    async with asyncio.timeout(180), fleet_of(tmp_path, redis, environ=window) as fleet, crowd_around(fleet) as crowd:
        for member in [*fleet.gateways, *fleet.apis]:
            assert await member.server.terminate() == 0
            await member.server.start()
            await crowd.until_accepted(25)
            await crowd.until_level()
        await crowd.settle("rolling restart", one_epoch=True)


async def test_clocks_five_seconds_apart_lose_nothing(tmp_path: Path, redis: RedisServer) -> None:
    """One API process five seconds ahead, one five behind: within the allowed skew, so all goes on."""
    async with (
        asyncio.timeout(120),
        fleet_of(tmp_path, redis, api_clocks=(+5, -5)) as fleet,
        crowd_around(fleet) as crowd,
    ):
        await crowd.until_accepted(100)
        for gateway in fleet.gateways:
            await gateway.server.kill()
            await gateway.server.start()
            await crowd.until_accepted(50)
        await crowd.settle("API clocks 5 s ahead and 5 s behind", one_epoch=True)
