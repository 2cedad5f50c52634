"""A Cluster whose slots move and whose nodes die, while people post and watch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.brokers.over_redis import opened, published, said, until

from hubbub.brokers.redis import RedisBroker
from hubbub.brokers.redis.keys import Keys
from hubbub.errors import BrokerUnavailable, NotProvable
from hubbub.model import Entry, Position
from hubbub.redis.topology import slot_of
from hubbub.testing.redis_server import RedisCluster, RedisServer, redis_cluster

VIDEO = "v"
SLOT = slot_of(Keys("hubbub", None).log(VIDEO))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three masters."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: RedisCluster) -> RedisCluster:
    """The same, empty."""
    for server in nodes.servers:
        server.cli("FLUSHALL")
    return nodes


def _other(cluster: RedisCluster, than: RedisServer) -> RedisServer:
    return next(server for server in cluster.servers if server is not than)


async def test_all_nodes_have_their_share(cluster: RedisCluster) -> None:
    """Videos spread over the nodes, and each gets its pushes from its own."""
    async with opened(cluster.url) as broker:
        pushes: list[Entry] = []
        videos = [f"v{n}" for n in range(60)]
        for video in videos:
            await broker.subscribe(video, pushes.append)
        for video in videos:
            await broker.publish(said(video))
        await until(lambda: len(pushes) == 60)
        assert {push.event.video_id for push in pushes} == set(videos)
        assert len(await broker.heads(videos)) == 60
    assert all(int(server.cli("DBSIZE")) > 5 for server in cluster.servers)


@pytest.mark.parametrize("channels", [None, 5])
async def test_a_slot_that_moves_step_by_step(cluster: RedisCluster, channels: int | None) -> None:
    """At each step of the move a publish is confirmed and pushed, also while the key is where the slot isn't yet."""
    slot = slot_of(Keys("hubbub", channels).log(VIDEO))
    channel = Keys("hubbub", channels).channel(VIDEO).decode()
    async with opened(cluster.url, channels=channels) as broker:
        pushes: list[Entry] = []
        await broker.subscribe(VIDEO, pushes.append)
        await broker.publish(said())
        count = 1
        target = _other(cluster, cluster.owner(slot))
        for step in cluster.moving(slot, target):
            event = said()
            await published(broker, event)
            count += 1
            if step == "moved":
                await until(lambda: channel in target.cli("PUBSUB", "SHARDCHANNELS"))
                await published(broker, event := said())
            await until(lambda wanted=event.id: wanted in {push.event.id for push in pushes})  # type: ignore[misc]
        assert (await broker.tail(VIDEO, 1)).entries[0].event == event


async def test_a_new_video_in_a_slot_on_its_way(cluster: RedisCluster) -> None:
    """Its log begins at the new place at once."""
    async with opened(cluster.url) as broker:
        pushes: list[Entry] = []
        moving = cluster.moving(SLOT, _other(cluster, cluster.owner(SLOT)))
        assert next(moving) == "marked"
        await broker.subscribe(VIDEO, pushes.append)
        first = await broker.publish(said())
        assert first.offset == 1
        await until(lambda: len(pushes) == 1)
        assert await broker.publish(said()) == (first.epoch, 2)
        list(moving)
        assert await published(broker, said()) == (first.epoch, 3)


async def test_nothing_is_lost_while_slots_move(cluster: RedisCluster) -> None:
    """50 comments a video, 8 videos, posted by one client while every slot of theirs moves there and back; a reader who
    follows pushes, heads and history ends up with each of them.
    """
    videos = [f"w{n}" for n in range(8)]
    slots = [slot_of(Keys("hubbub", None).log(video)) for video in videos]
    accepted: dict[str, set[str]] = {video: set() for video in videos}
    seen: dict[str, set[str]] = {video: set() for video in videos}
    at: dict[str, Position] = {}
    holes = 0

    def take(entry: Entry) -> None:
        seen[entry.event.video_id].add(entry.event.id)

    async def look(reader: RedisBroker, video: str, head: Position) -> None:
        """What a gateway does about a head that is not where it stands. (The store would fill in the rest.)"""
        nonlocal holes
        try:
            entries = await reader.after(video, at.get(video, Position(head.epoch, 0)), 1_000)
        except NotProvable:
            entries = (await reader.tail(video, 1_000)).entries
            holes += 1
        for entry in entries:
            take(entry)
            at[video] = entry.position

    async def post(writer: RedisBroker, video: str) -> None:
        for _ in range(50):
            event = said(video)
            await published(writer, event)
            accepted[video].add(event.id)
            await asyncio.sleep(0.01)

    async def follow(reader: RedisBroker) -> None:
        while True:
            await asyncio.sleep(0.05)
            try:
                for video, head in (await reader.heads(videos)).items():
                    await look(reader, video, head)
            except BrokerUnavailable:
                continue

    async with opened(cluster.url) as writer, opened(cluster.url) as reader:
        for video in videos:
            await reader.subscribe(video, take)
        following = asyncio.get_running_loop().create_task(follow(reader))
        posting = asyncio.gather(*(post(writer, video) for video in videos))
        for _ in range(2):
            for slot in slots:
                target = _other(cluster, cluster.owner(slot))
                await asyncio.to_thread(cluster.move, slot, target)
        await posting
        await until(lambda: seen == accepted, within=20)
        following.cancel()
        assert reader.reachable


async def test_a_node_that_dies_and_comes_back(tmp_path: Path) -> None:
    """The broker counts as lost meanwhile; videos of the other nodes go on being published."""
    with redis_cluster(tmp_path) as cluster:
        async with opened(cluster.url) as broker:
            dead = cluster.servers[2]
            videos = [f"v{n}" for n in range(30)]
            theirs = [v for v in videos if cluster.owner(slot_of(Keys("hubbub", None).log(v))) is dead]
            others = [v for v in videos if v not in theirs]
            pushes: list[Entry] = []
            await broker.subscribe(theirs[0], pushes.append)
            dead.kill()
            await until(lambda: not broker.reachable)
            with pytest.raises(BrokerUnavailable):
                await broker.publish(said(theirs[0]))
            cluster.servers[0].cli("CONFIG", "SET", "cluster-require-full-coverage", "no")
            cluster.servers[1].cli("CONFIG", "SET", "cluster-require-full-coverage", "no")
            await published(broker, said(others[0]))
            dead.start()
            await until(lambda: broker.reachable)
            await published(broker, said(theirs[0]))
            await until(lambda: len(pushes) == 1)


async def _promoted(replica: RedisServer) -> None:
    """An election takes that most masters know the replica, and one that fails is not held again by itself."""

    def is_master() -> bool:
        return replica.info("replication")["role"] == "master"

    for _ in range(10):
        replica.cli("CLUSTER", "FAILOVER", check=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await until(is_master)
            return
    raise AssertionError("the replica is not elected")


async def test_a_replica_takes_over(tmp_path: Path) -> None:
    """A master's replica is promoted by hand: the broker follows, in a new epoch, and pushes come."""
    with (
        redis_cluster(tmp_path) as cluster,
        RedisServer(
            tmp_path / "replica",
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-config-file", "nodes.conf"),
        ) as replica,
    ):
        master = cluster.owner(SLOT)
        replica.cli("CLUSTER", "MEET", "127.0.0.1", master.port)
        master_id = master.cli("CLUSTER", "MYID")
        await until(lambda: master_id in replica.cli("CLUSTER", "NODES"))
        replica.cli("CLUSTER", "REPLICATE", master_id)
        await until(lambda: replica.info("replication").get("master_link_status") == "up")
        async with opened(cluster.url) as broker:
            pushes: list[Entry] = []
            await broker.subscribe(VIDEO, pushes.append)
            before = await broker.publish(said())
            await until(lambda: len(pushes) == 1)
            await _promoted(replica)
            after = await published(broker, said())
            assert after.epoch != before.epoch
            await until(lambda: "hubbub:{v}:live" in replica.cli("PUBSUB", "SHARDCHANNELS"))
            await until(lambda: broker.reachable)
            await published(broker, event := said())
            await until(lambda: event.id in {push.event.id for push in pushes})
