"""The table itself: what it is made of, making it, and telling whether a table is one of ours."""

from __future__ import annotations

import asyncio
from typing import Any

from botocore.exceptions import ClientError

from hubbub.errors import ConfigError, StoreUnavailable
from hubbub.ids import now_ms
from hubbub.stores.dynamodb.failures import ConditionFailed, NotDynamoDB, code_of
from hubbub.stores.dynamodb.items import number, number_of
from hubbub.stores.dynamodb.keys import SCHEMA
from hubbub.stores.dynamodb.requests import Requests

VERSION = 1
"""Of the layout that `hubbub.stores.dynamodb.keys` describes. A release that needs another one raises it."""

_POLL = 0.25

_MAKING_S = 90
"""How long a new table may take, which is some 10 s as a rule."""

_EXPIRES = "expires"

_KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
_TEXTS = ("pk", "sk", "list", "place")
_LISTS = {
    "IndexName": "lists",
    "KeySchema": [{"AttributeName": "list", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}],
    # Keys only: a comment is read from the table, as it stands, and its changes cost the index nothing.
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def definition(table: str) -> dict[str, Any]:
    """What CreateTable is asked for."""
    return {
        "TableName": table,
        "KeySchema": _KEYS,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in _TEXTS],
        "GlobalSecondaryIndexes": [_LISTS],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
    }


async def check_schema(requests: Requests) -> None:
    """Raise `ConfigError` unless the table is laid out as this release reads it."""
    try:
        item = await requests.get(SCHEMA)
    except ClientError as error:
        if code_of(error) != "ValidationException":
            raise
        raise _other_keys(requests.table) from error
    if item is None:
        raise ConfigError(
            "HUBBUB_STORE",
            f"the table {requests.table} bears no mark of Hubbub's. Make it one with `hubbub store create`, or name "
            "another table; if it is one, look at the endpoint.",
        )
    version = number_of(item, "version") if "version" in item else 0
    if version != VERSION:
        newer = version > VERSION
        raise ConfigError(
            "HUBBUB_STORE",
            f"the table {requests.table} is laid out in version {version}, and this release reads {VERSION}. "
            + ("Use the newer release that made it." if newer else "Bring it up to date with the release in between."),
        )


async def create(client: Any, requests: Requests) -> list[str]:
    """Make whatever is missing of a table, and say so, a line each. Raises `ConfigError` for a table that can't be
    ours.
    """
    table = requests.table
    said = []
    description = await _describe(client, table)
    if description is None and await _create(client, table):
        said.append(f"Made the table {table}, billed by request, protected against deletion, with the index lists.")
    elif description is not None:
        _check_keys(table, description)
        said.append(f"The table {table} is there.")
    else:
        said.append(f"Somebody else is making the table {table}.")
    for _ in range(int(_MAKING_S / _POLL)):
        if _is_active(await _describe(client, table)):
            break
        await asyncio.sleep(_POLL)
    else:
        raise StoreUnavailable(f"The table {table} is still being made after {_MAKING_S} s. Run this again in a while.")
    try:
        item = {**SCHEMA.item(), "version": number(VERSION), "at": number(now_ms())}
        await requests.put(Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ConditionFailed:
        await check_schema(requests)
    else:
        said.append(f"Marked it as Hubbub's, layout version {VERSION}.")
    said.append(await _switch_on_expiry(client, table))
    said += await _advice(client, table)
    return said


async def plan(client: Any, requests: Requests) -> list[str]:
    """What `create` would do, without doing it."""
    table = requests.table
    description = await _describe(client, table)
    if description is not None:
        _check_keys(table, description)
        return [f"The table {table} is there. What it lacks of expiry and of Hubbub's mark would be added."]
    return [
        f"Would make the table {table}: keys pk and sk, billed by request, protected against deletion;",
        "the index lists: keys list and place, keys only;",
        "expiry by the attribute expires (for idempotency keys, and for ttl= in HUBBUB_STORE);",
        f"and the item that marks it as Hubbub's, layout version {VERSION}.",
    ]


async def _create(client: Any, table: str) -> bool:
    """Whether it was made by this call."""
    try:
        await client.create_table(**definition(table))
    except ClientError as error:
        if code_of(error) == "ResourceInUseException":  # somebody was quicker
            return False
        raise
    return True


async def _describe(client: Any, table: str) -> dict[str, Any] | None:
    try:
        answer = await client.describe_table(TableName=table)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
    except (AttributeError, TypeError, ValueError):  # the driver stumbles over what it can't be meant to read
        raise NotDynamoDB from None
    found: dict[str, Any] | None = answer.get("Table")
    if found is None:
        raise NotDynamoDB
    return found


def _is_active(description: dict[str, Any] | None) -> bool:
    if description is None:
        return False
    indexes = description.get("GlobalSecondaryIndexes", [])
    return all(one.get("TableStatus", one.get("IndexStatus")) == "ACTIVE" for one in [description, *indexes])


def _check_keys(table: str, description: dict[str, Any]) -> None:
    indexes = {one["IndexName"]: one["KeySchema"] for one in description.get("GlobalSecondaryIndexes", [])}
    types = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    are_texts = all(types.get(name) == "S" for name in _TEXTS)
    if description["KeySchema"] != _KEYS or indexes.get("lists") != _LISTS["KeySchema"] or not are_texts:
        raise _other_keys(table)


def _other_keys(table: str) -> ConfigError:
    return ConfigError(
        "HUBBUB_STORE",
        f"the table {table} has other keys or lacks the index lists: it is not Hubbub's. Name another table.",
    )


async def _expiry_is_on(client: Any, table: str) -> bool:
    answer = (await client.describe_time_to_live(TableName=table))["TimeToLiveDescription"]
    is_on = answer.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if is_on and answer.get("AttributeName") != _EXPIRES:
        raise ConfigError(
            "HUBBUB_STORE",
            f"the table {table} expires items by the attribute {answer.get('AttributeName')}, and Hubbub's say it in "
            f"{_EXPIRES}. Switch that off (aws dynamodb update-time-to-live), and run this again.",
        )
    return is_on


async def _switch_on_expiry(client: Any, table: str) -> str:
    if await _expiry_is_on(client, table):
        return "Expiry is on."
    expiry = {"Enabled": True, "AttributeName": _EXPIRES}
    try:
        await client.update_time_to_live(TableName=table, TimeToLiveSpecification=expiry)
    except ClientError as error:
        if code_of(error) != "ValidationException" or not await _expiry_is_on(client, table):
            raise  # else somebody was quicker
        return "Expiry is on."
    return "Switched on expiry by the attribute expires."


async def _advice(client: Any, table: str) -> list[str]:
    try:
        answer = await client.describe_continuous_backups(TableName=table)
    except ClientError:  # not allowed to ask, or DynamoDB Local, which has no backups
        status = None
    else:
        backups = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        status = backups.get("PointInTimeRecoveryStatus")
    if status == "ENABLED":
        return ["Point-in-time recovery is on."]
    command = f"aws dynamodb update-continuous-backups --table-name {table}"
    return [
        "For backups, switch on point-in-time recovery:",
        f"  {command} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
    ]
