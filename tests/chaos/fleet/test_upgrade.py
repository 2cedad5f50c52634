"""A rolling upgrade from the version before, under load: both run side by side, over one Redis and one store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.chaos.fleet import earlier
from tests.chaos.fleet.crowd import VIDEO, FleetCrowd, crowd_around
from tests.chaos.fleet.fleet import Fleet, fleet_of
from tests.chaos.fleet.lengths import seconds

from hubbub.testing.crowd import whole_history
from hubbub.testing.redis_server import RedisServer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("store", ["SQLite", "DynamoDB"])
async def test_a_rolling_upgrade_from_the_version_before(
    tmp_path: Path, redis: RedisServer, store: str, request: pytest.FixtureRequest
) -> None:
    """Old processes are replaced one by one. Meanwhile old ones show what new ones accept and the other way round, and
    take viewers over from each other.
    """
    table: str | None = request.getfixturevalue("table") if store == "DynamoDB" else None
    before, source = await asyncio.to_thread(earlier.unpacked, tmp_path / "old")
    old = str(source)
    new = str(earlier.SOURCE)
    for wanted in (old, new):  # and not what is installed
        taken = await asyncio.to_thread(earlier.taken_from, wanted, tmp_path)
        assert taken.is_relative_to(wanted), f"{wanted} was asked for and {taken} is run"
    settings = {"HUBBUB_DRAIN_DELAY": "0.2", "HUBBUB_DRAIN_WINDOW": f"{seconds(5, 0.5)}", "PYTHONPATH": old}
    async with (
        asyncio.timeout(240),
        fleet_of(tmp_path, redis, store=table, environ=settings) as fleet,
        crowd_around(fleet, loyal=True) as crowd,
    ):
        for member in [fleet.gateways[0], fleet.apis[0], fleet.gateways[1], fleet.apis[1]]:
            assert await member.server.terminate() == 0
            member.server.change(PYTHONPATH=new)
            await member.server.start()
            for _ in range(round(seconds(3, 1))):
                await side_by_side(fleet, crowd)
        await crowd.settle(f"rolling upgrade from {before} over {store}", one_epoch=True)


async def side_by_side(fleet: Fleet, crowd: FleetCrowd) -> None:
    """Every API process accepts something and shows all, every viewer goes to the other gateway and back."""
    for _ in fleet.gateways:
        for viewer in crowd.viewers:
            viewer.move_on()
        await crowd.until_each_accepted(3)
        await crowd.until_level()
    for api in fleet.apis:
        wanted = set(crowd.accepted.values())
        shown = {comment["id"] for comment in await whole_history(api.url, VIDEO)}
        wanted -= crowd.moderator.tried  # one of them while we read, maybe
        assert wanted <= shown, f"{api.url} does not show {len(wanted - shown)} that were accepted"
