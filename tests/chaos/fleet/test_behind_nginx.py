"""The fleet behind nginx, with the configuration that is shipped: viewers know no gateway, only the proxy."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds
from tests.deploy.proxies import Nginx

from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


async def test_a_rolling_restart_of_all_gateways_behind_nginx(tmp_path: Path, redis: RedisServer) -> None:
    """Each gateway lets its viewers go over its window and is started again; they come back, when they were told to,
    through nginx, which finds them another one.
    """
    settings = {
        "HUBBUB_TRUSTED_PROXIES": "127.0.0.1/32",
        "HUBBUB_DRAIN_DELAY": f"{seconds(1, 0.2)}",
        "HUBBUB_DRAIN_WINDOW": f"{seconds(5, 1)}",
        "HUBBUB_RETRY_MIN": f"{seconds(1, 0.1)}",
        "HUBBUB_RETRY_MAX": f"{seconds(4, 0.5)}",
    }
    async with (
        asyncio.timeout(240),
        fleet_of(tmp_path, redis, gateways=round(seconds(3, 2)), environ=settings) as fleet,
        Nginx(tmp_path / "nginx", fleet.gateway_urls(), fleet.api_urls()) as nginx,
        crowd_around(fleet, viewers=12, proxy=nginx.url) as crowd,
    ):
        for _ in range(round(seconds(2, 1))):
            for gateway in fleet.gateways:
                assert await gateway.server.terminate() == 0
                await gateway.server.start()
                await crowd.until_accepted(25)
                await crowd.until_level()
        assert all(viewer.connections > 1 for viewer in crowd.viewers), "somebody's gateway was not restarted"
        await crowd.settle("rolling restart of all gateways behind nginx", one_epoch=True)
