"""A video's comments in order of id, out of buckets and shards.

Only buckets that exist are read: one after the other while they are full, more and more at once while they are not. The
shards of a bucket are read together, each a little further than its share, and merged.
"""

from __future__ import annotations

from collections import deque
from math import isqrt
from typing import Any, NamedTuple

from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.buckets import Bucket
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.items import Item, text_of
from hubbub.stores.dynamodb.requests import Requests, next_page, together
from hubbub.stores.rules import AFTER_ALL_IDS

BEFORE_ALL_IDS = " "
"""A sort key can't be empty."""

_BUCKETS_AT_ONCE = 8


class Stretch(NamedTuple):
    """Which comments: ids from ``low`` to ``high``, both included, that are visible or (``every``) of any status.

    A consistent read sees all that was written before it and costs twice as much.
    """

    video_id: str
    low: str = BEFORE_ALL_IDS
    high: str = AFTER_ALL_IDS
    descending: bool = False
    consistent: bool = True
    every: bool = False


def just_after(id: str) -> str:
    """The place behind an id, before any other."""
    return id + " "


async def walk(context: Context, stretch: Stretch, limit: int) -> list[Item]:
    """The first ``limit`` items of a stretch, in its order. No tombstones."""
    if limit <= 0 or stretch.low > stretch.high:
        return []
    found: list[Item] = []
    at_once = 1
    buckets = context.buckets.between(
        context.requests,
        stretch.video_id,
        stretch.low if stretch.low == BEFORE_ALL_IDS else keys.bucket_of(stretch.low),
        AFTER_ALL_IDS if stretch.high == AFTER_ALL_IDS else keys.bucket_of(stretch.high),
        descending=stretch.descending,
        consistent=stretch.consistent,
    )
    async for names in buckets:
        while names:
            wave, names = names[:at_once], names[at_once:]
            need = limit - len(found)
            parts = await together(*(_read_bucket(context.requests, stretch, bucket, need) for bucket in wave))
            for part in parts:
                found += part
            if len(found) >= limit:
                return found[:limit]
            at_once = min(at_once * 2, _BUCKETS_AT_ONCE)
    return found


async def _read_bucket(requests: Requests, stretch: Stretch, bucket: Bucket, need: int) -> list[Item]:
    share = need if bucket.shards == 1 else -(-need // bucket.shards)
    page = share if bucket.shards == 1 else share + isqrt(share) + 1
    shards = [_Shard(requests, stretch, bucket, shard) for shard in range(bucket.shards)]
    pick = max if stretch.descending else min
    found: list[Item] = []
    while len(found) < need:
        short = [shard for shard in shards if shard.more and not shard.items]
        if short:
            await together(*(shard.read(page) for shard in short))
            continue  # a page may be empty where everything on it is hidden
        full = [shard for shard in shards if shard.items]
        if not full:
            break
        found.append(pick(full, key=_Shard.next_id).items.popleft())
    return found


class _Shard:
    """One shard of a bucket, read page by page."""

    def __init__(self, requests: Requests, stretch: Stretch, bucket: Bucket, shard: int) -> None:
        self.items: deque[Item] = deque()
        self.more = True
        self._page = 0
        self._requests = requests
        self._request = _request(stretch, keys.comments(bucket.video_id, bucket.name, shard))

    def next_id(self) -> str:
        """The id of its next item."""
        return text_of(self.items[0], "sk")

    async def read(self, page: int) -> None:
        """Read on: at least ``page`` items, of which those that are not asked for are left out."""
        self._page = max(self._page, page)
        items, last = await self._requests.query(**self._request, Limit=self._page)
        self._page = next_page(self._page, len(items))
        self.items.extend(items)
        self.more = last is not None
        if last is not None:
            self._request["ExclusiveStartKey"] = last


def _request(stretch: Stretch, pk: str) -> dict[str, Any]:
    request: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
        "FilterExpression": "attribute_exists(body)",
        "ExpressionAttributeValues": {
            ":pk": {"S": pk},
            ":low": {"S": stretch.low},
            ":high": {"S": stretch.high},
        },
        "ScanIndexForward": not stretch.descending,
        "ConsistentRead": stretch.consistent,
    }
    if not stretch.every:
        request["FilterExpression"] += " AND #status = :visible"
        request["ExpressionAttributeNames"] = {"#status": "status"}
        request["ExpressionAttributeValues"][":visible"] = {"S": "visible"}
    return request
