"""Redis somewhere else than a moment ago: a replica promoted, a Cluster's slots moved while comments come in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.chaos.fleet.crowd import VIDEO, crowd_around
from tests.chaos.fleet.fleet import fleet_of
from tests.chaos.fleet.lengths import seconds

from hubbub.brokers.redis.keys import Keys
from hubbub.redis.topology import slot_of
from hubbub.testing.redis_server import RedisServer, redis_cluster

pytestmark = pytest.mark.slow


async def test_a_replica_promoted(tmp_path: Path, redis: RedisServer) -> None:
    """The first one dies, and its address is given to its replica: what it had not passed on is in the store."""
    replica = RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(redis.port))
    with replica:
        until_in_step(replica)
        async with asyncio.timeout(180), fleet_of(tmp_path, redis) as fleet, crowd_around(fleet) as crowd:
            await crowd.until_accepted(50)
            redis.kill()
            await crowd.until_accepted(50)
            await asyncio.to_thread(replica.cli, "REPLICAOF", "NO", "ONE")
            for member in [*fleet.apis, *fleet.gateways]:
                member.redis_link.lead_to("127.0.0.1", replica.port)
            await crowd.until_accepted(100)
            await crowd.settle("a replica promoted", one_epoch=False)


def until_in_step(replica: RedisServer) -> None:
    """Return once the replica has what its master has."""
    while replica.info("replication").get("master_link_status") != "up":
        time.sleep(0.05)


async def test_slots_of_a_cluster_moved(tmp_path: Path) -> None:
    """The video's slot goes round the three nodes, with pauses where it is half moved."""
    with redis_cluster(tmp_path / "redis") as cluster:
        async with asyncio.timeout(180), fleet_of(tmp_path, cluster) as fleet, crowd_around(fleet) as crowd:
            slot = slot_of(Keys("hubbub", None).log(VIDEO))
            for _ in range(round(seconds(3, 1))):
                for target in cluster.servers:
                    if target is cluster.owner(slot):
                        continue
                    steps = cluster.moving(slot, target)
                    while await asyncio.to_thread(next, steps, None):
                        await crowd.until_accepted(20)
            await crowd.settle("slots of a Cluster moved", one_epoch=False)  # each node has its own
