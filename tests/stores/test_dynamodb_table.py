"""The table of the DynamoDB store: making it, knowing it, what expires, and what its URL may say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from tests.stores.dynamodb_tables import PATIENCE, reopened, table_name

from hubbub.errors import ConfigError
from hubbub.model import Kind
from hubbub.stores.base import Appended, IdempotencyKey, Store
from hubbub.stores.dynamodb import DynamoStore
from hubbub.stores.dynamodb.connections import Place, connect, place_of
from hubbub.stores.dynamodb.keys import BUCKET_MS, bucket_of
from hubbub.stores.dynamodb.tables import definition
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.samples import ago, make_change, make_comment, make_video_id

DAY_S = 24 * 60 * 60


@pytest.fixture
async def client(dynamodb_local: DynamoDBLocal) -> AsyncIterator[Any]:
    """The driver's own, to look at the table with."""
    async with AsyncExitStack() as stack:
        yield await connect(place_of(dynamodb_local.url("any-table")), patience=PATIENCE, stack=stack)


async def items_of(client: Any, table: str) -> list[dict[str, Any]]:
    """Everything in a small table."""
    items: list[dict[str, Any]] = (await client.scan(TableName=table, ConsistentRead=True))["Items"]
    return items


async def test_creating_makes_a_table_that_opens(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """Billed by request, protected against deletion, with expiry switched on; before, a start says what to do."""
    table = table_name()
    store = DynamoStore.from_url(dynamodb_local.url(table), store_timeout=PATIENCE)
    with pytest.raises(ConfigError, match=r"no table .*hubbub store create"):
        await store.open()
    said = await store.create()
    assert said[0].startswith(f"Made the table {table}")
    described = (await client.describe_table(TableName=table))["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["DeletionProtectionEnabled"]
    expiry = (await client.describe_time_to_live(TableName=table))["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    await store.open()
    await store.ping()
    await store.close()


async def test_creating_again_changes_nothing(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """And says so; comments stay."""
    table = table_name()
    comment = make_comment(make_video_id())
    async with reopened(dynamodb_local.url(table)) as store:
        await store.append(comment)
        before = await items_of(client, table)
        said = await store.create()
        assert said[0] == f"The table {table} is there."
        assert await items_of(client, table) == before


async def test_a_dry_run_makes_nothing(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """It says what it would make."""
    table = table_name()
    store = DynamoStore.from_url(dynamodb_local.url(table), store_timeout=PATIENCE)
    assert "Would make the table" in (await store.create(dry_run=True))[0]
    assert table not in (await client.list_tables())["TableNames"]


async def test_two_who_create_at_once_make_one_table(dynamodb_local: DynamoDBLocal) -> None:
    """As two machines of a new deployment may."""
    url = dynamodb_local.url(table_name())
    stores = [DynamoStore.from_url(url, store_timeout=PATIENCE) for _ in range(3)]
    await asyncio.gather(*(store.create() for store in stores))
    await stores[0].open()
    await stores[0].close()


async def test_somebody_elses_table_is_left_alone(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """Neither opened nor made ours, whether its keys differ or not."""
    table = table_name()
    await client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoStore.from_url(dynamodb_local.url(table), store_timeout=PATIENCE)
    for call in (store.create(), store.create(dry_run=True), store.open()):
        with pytest.raises(ConfigError) as refusal:
            await call
        assert refusal.value.setting == "HUBBUB_STORE"
        assert "Name another table" in str(refusal.value)
    assert await items_of(client, table) == []


async def test_a_table_whose_keys_are_of_another_type_is_left_alone(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """Nothing is switched on in it."""
    table = table_name()
    wanted = definition(table)
    wanted["AttributeDefinitions"][0]["AttributeType"] = "N"
    await client.create_table(**wanted)
    store = DynamoStore.from_url(dynamodb_local.url(table), store_timeout=PATIENCE)
    for call in (store.create(dry_run=True), store.create()):
        with pytest.raises(ConfigError, match="has other keys"):
            await call
    expiry = (await client.describe_time_to_live(TableName=table))["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"


async def test_expiry_by_another_attribute_is_said(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """For then nothing of ours would ever go."""
    table = table_name()
    await client.create_table(**definition(table))
    other = {"Enabled": True, "AttributeName": "other"}
    await client.update_time_to_live(TableName=table, TimeToLiveSpecification=other)
    with pytest.raises(ConfigError, match="expires items by the attribute other"):
        await DynamoStore.from_url(dynamodb_local.url(table), store_timeout=PATIENCE).create()


async def test_a_mark_that_says_no_version_is_none(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """It is refused as another layout."""
    table = table_name()
    url = dynamodb_local.url(table)
    async with reopened(url):
        pass
    await client.put_item(TableName=table, Item={"pk": {"S": "meta"}, "sk": {"S": "schema"}})
    with pytest.raises(ConfigError, match=r"version 0, and this release reads 1"):
        await DynamoStore.from_url(url, store_timeout=PATIENCE).open()


ENDPOINTS = ["http://a_b:8000", "http://127.0.0.1:99999", "http://[::1", "http://:80"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_endpoint_that_can_not_be_one_is_refused(endpoint: str) -> None:
    """By the setting's name, before anything is asked of it."""
    with pytest.raises(ConfigError) as refusal:
        await DynamoStore.from_url(f"dynamodb://hubbub?region=local&endpoint={endpoint}", store_timeout=PATIENCE).open()
    assert refusal.value.setting == "HUBBUB_STORE"


@pytest.mark.parametrize("body", [b"<html></html>", b"{}", b"[]"])
async def test_some_web_server_is_not_taken_for_dynamodb(dynamodb_local: DynamoDBLocal, body: bytes) -> None:
    """Whatever it answers, it is said what to look at."""

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with RawTestServer(answer, host="127.0.0.1") as server:
        url = f"dynamodb://hubbub?region=local&endpoint=http://127.0.0.1:{server.port}"
        store = DynamoStore.from_url(url, store_timeout=PATIENCE)
        for call in (store.open(), store.create()):
            with pytest.raises(ConfigError, match="endpoint"):
                await call


async def test_the_region_may_stand_in_the_environment(
    dynamodb_local: DynamoDBLocal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Lambda and ECS put it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    url = f"dynamodb://{table_name()}?endpoint={dynamodb_local.endpoint}"
    async with reopened(url) as store:  # the tests' credentials name it in AWS_REGION
        await store.ping()
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(ConfigError, match="set AWS_REGION"):
        await DynamoStore.from_url(url, store_timeout=PATIENCE).open()


async def test_a_key_whose_comment_is_gone_makes_another(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """As after a deletion by hand, or where it expired before its key."""
    table, video_id = table_name(), make_video_id()
    key = IdempotencyKey("ann", video_id, "k", b"f")
    async with reopened(dynamodb_local.url(table)) as store:
        gone, another = make_comment(video_id), make_comment(video_id)
        await store.append(gone, key=key)
        (item,) = [item for item in await items_of(client, table) if item["pk"]["S"].startswith("c#")]
        await client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        assert await store.append(another, key=key) == Appended(True, another, None)
        assert not (await store.append(make_comment(video_id), key=key)).created


async def test_a_table_of_a_newer_release_is_refused(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """Rather than misread."""
    table = table_name()
    url = dynamodb_local.url(table)
    async with reopened(url):
        pass
    mark = {"pk": {"S": "meta"}, "sk": {"S": "schema"}, "version": {"N": "99"}}
    await client.put_item(TableName=table, Item=mark)
    with pytest.raises(ConfigError, match=r"version 99, and this release reads 1\. Use the newer release"):
        await DynamoStore.from_url(url, store_timeout=PATIENCE).open()


async def test_with_ttl_comments_and_changes_expire_and_so_do_their_hours(
    dynamodb_local: DynamoDBLocal, client: Any
) -> None:
    """So many days after they were made; the hour a day after its last comment can. Keys expire after a day always."""
    table = table_name()
    comment = make_comment(make_video_id())
    born = comment.created_at // 1000
    async with reopened(dynamodb_local.url(table, ttl=30)) as store:
        await store.append(comment, key=IdempotencyKey(comment.user.id, comment.video_id, "k", b"f"))
        change = make_change(Kind.PINNED, comment)
        await store.apply(change)
    expiry = {
        item["pk"]["S"][0]: int(item["expires"]["N"]) for item in await items_of(client, table) if "expires" in item
    }
    assert expiry["c"] == expiry["v"] == born + 30 * DAY_S
    assert expiry["j"] == change.at // 1000 + 30 * DAY_S
    assert expiry["b"] == (int(bucket_of(comment.id), 16) + 1) * BUCKET_MS // 1000 + 31 * DAY_S
    assert expiry["k"] == born + DAY_S + 1


async def test_without_ttl_only_keys_expire(dynamodb_local: DynamoDBLocal, client: Any) -> None:
    """Comments are kept for ever."""
    table = table_name()
    comment = make_comment(make_video_id())
    async with reopened(dynamodb_local.url(table)) as store:
        await store.append(comment, key=IdempotencyKey(comment.user.id, comment.video_id, "k", b"f"), due=0)
        await store.apply(make_change(Kind.PINNED, comment))
    expiring = [item["pk"]["S"] for item in await items_of(client, table) if "expires" in item]
    assert len(expiring) == 1
    assert expiring[0].startswith("k#")


async def test_an_hour_outlives_the_comments_of_whoever_keeps_them_longest(
    dynamodb_local: DynamoDBLocal, client: Any
) -> None:
    """Processes with different settings share a table while they are upgraded."""
    table, video_id = table_name(), make_video_id()
    found = []
    for options in ({"ttl": 1}, {"ttl": 30}, {"ttl": 2}, {}):
        async with reopened(dynamodb_local.url(table, **options)) as store:
            await store.append(make_comment(video_id))
        (hour,) = [item for item in await items_of(client, table) if item["pk"]["S"].startswith("b#")]
        found.append(int(hour["expires"]["N"]) if "expires" in hour else None)
    assert found[1] == found[0] + 29 * DAY_S  # type: ignore[operator]
    assert found[2:] == [found[1], None]


async def test_the_number_of_shards_may_change(dynamodb_local: DynamoDBLocal) -> None:
    """Hours keep the number that they began with: whatever the setting, everybody finds everything."""
    table, video_id = table_name(), make_video_id()
    comments = [make_comment(video_id, at=ago(hours * BUCKET_MS)) for hours in (5, 4, 3, 3, 0, 0, 0)]
    for shards, part in ((1, comments[:3]), (8, comments[3:5]), (2, comments[5:])):
        async with reopened(dynamodb_local.url(table, shards=shards)) as store:
            for comment in part:
                await store.append(comment)
    for shards in (1, 8, 2):
        async with reopened(dynamodb_local.url(table, shards=shards)) as store:
            assert await store.newest(video_id, 10) == sorted(comments, key=lambda one: one.id)
            for comment in comments:
                assert await store.get(video_id, comment.id) == comment


async def test_processes_share_a_table(dynamodb_local: DynamoDBLocal) -> None:
    """What one writes the others read at once, and a key counts for all."""
    url, video_id = dynamodb_local.url(table_name()), make_video_id()
    async with reopened(url) as first, reopened(url) as second:
        stores: list[Store] = [first, second]
        comments = [make_comment(video_id) for _ in range(20)]
        await asyncio.gather(*(stores[n % 2].append(comment) for n, comment in enumerate(comments)))
        for store in stores:
            assert await store.newest(video_id, 50) == comments
        key = IdempotencyKey("ann", video_id, "k", b"f")
        twice = await asyncio.gather(*(store.append(make_comment(video_id), key=key) for store in stores))
        assert sorted(appended.created for appended in twice) == [False, True]
        assert twice[0].comment == twice[1].comment


def test_a_url_says_where_and_how() -> None:
    """The table, and options that all have their sense."""
    assert place_of("dynamodb://hubbub") == Place("hubbub")
    url = "dynamodb://hubbub?region=eu-west-1&endpoint=http://127.0.0.1:8000&ttl=30&shards=8&connections=100"
    assert place_of(url) == Place("hubbub", "eu-west-1", "http://127.0.0.1:8000", 30, 8, 100)


WRONG_URLS = [
    ("dynamodb://", "names no table"),
    ("dynamodb://ab", "names no table"),
    ("dynamodb:///file.db", "names no table"),
    ("dynamodb://hubbub/else", "names no table"),
    ("dynamodb://hubbub#there", "names no table"),
    ("dynamodb://[", "it is no URL"),
    ("dynamodb://hub\uff0fbub", "it is no URL"),
    ("dynamodb://key:secret@hubbub", "credentials don't belong there"),
    ("dynamodb://hubbub?regoin=eu-west-1", "there is no regoin="),
    ("dynamodb://hubbub?region=eu-west-1&region=us-east-1", "says region= twice"),
    ("dynamodb://hubbub?region=", "region= can't be ''"),
    ("dynamodb://hubbub?endpoint=127.0.0.1:8000", "endpoint= can't be"),
    ("dynamodb://hubbub?ttl=0", "ttl= is a whole number from 1 to 36500"),
    ("dynamodb://hubbub?ttl=1d", "ttl= is a whole number"),
    ("dynamodb://hubbub?shards=65", "shards= is a whole number from 1 to 64"),
    ("dynamodb://hubbub?shards=" + "9" * 5_000, "shards= is a whole number"),
]


@pytest.mark.parametrize(("url", "word"), WRONG_URLS, ids=[word for _, word in WRONG_URLS])
def test_a_url_that_says_something_else_is_refused(url: str, word: str) -> None:
    """In a sentence that shows how to write one, without secrets."""
    with pytest.raises(ConfigError) as refusal:
        DynamoStore.from_url(url)
    assert word in str(refusal.value)
    assert "dynamodb://hubbub?region=eu-west-1" in str(refusal.value)
    assert "secret" not in str(refusal.value)
