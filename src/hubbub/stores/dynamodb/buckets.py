"""The index of buckets: which hours of a video have comments, and over how many shards each is spread.

An hour is entered before its first comment is written and is never changed: where a comment stands follows from its id,
for every process and whatever the setting is by then. A new number of shards counts from the next hour.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import NamedTuple

from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.failures import ConditionFailed
from hubbub.stores.dynamodb.items import Item, expiring, number, number_of, text_of
from hubbub.stores.dynamodb.keys import BUCKET_MS, Key, bucket_of
from hubbub.stores.dynamodb.requests import Requests, together

_REMEMBERED = 10_000
"""Buckets of which this process knows that they are there; the one unused for longest is then asked for again."""

_PAGE = 50
"""Names of buckets read at once: about 3 KB, less than what the smallest read is charged for."""

_DAY_S = 24 * 60 * 60


class Bucket(NamedTuple):
    """An hour of a video."""

    video_id: str
    name: str
    shards: int


class Buckets:
    """Opens buckets and finds them. ``shards`` is for those that are opened from now on; ``lifetime`` is that of a
    comment in seconds (None: no end).
    """

    def __init__(self, shards: int, lifetime: int | None) -> None:
        self._shards = shards
        self._lifetime = lifetime
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def opened(self, requests: Requests, video_id: str, comment_id: str) -> Key:
        """The key of a comment that is going to be written."""
        name = bucket_of(comment_id)
        shards = self._recall(video_id, name) or await self._open(requests, video_id, name)
        return keys.comment(video_id, comment_id, shards)

    async def found(self, requests: Requests, video_id: str, comment_id: str) -> Key | None:
        """The key of a comment that may be there; None where there is no such bucket, or no such id."""
        try:
            name = bucket_of(comment_id)
        except ValueError:
            return None
        shards = await self._shards_of(requests, video_id, name)
        return None if shards is None else keys.comment(video_id, comment_id, shards)

    async def found_all(self, requests: Requests, wanted: Iterable[tuple[str, str]]) -> list[Key]:
        """The keys of many comments (video and id) that may be there. Each of their hours is asked for once."""
        hours: dict[tuple[str, str], list[str]] = {}
        for video_id, comment_id in wanted:
            hours.setdefault((video_id, bucket_of(comment_id)), []).append(comment_id)
        shards = await together(*(self._shards_of(requests, *hour) for hour in hours))
        return [
            keys.comment(video_id, comment_id, many)
            for ((video_id, _), ids), many in zip(hours.items(), shards, strict=True)
            if many is not None
            for comment_id in ids
        ]

    async def between(
        self, requests: Requests, video_id: str, low: str, high: str, *, descending: bool, consistent: bool
    ) -> AsyncIterator[list[Bucket]]:
        """The buckets from ``low`` to ``high``, both included, a page after the other."""
        start: dict[str, Item] = {}
        while True:
            items, last = await requests.query(
                KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
                ExpressionAttributeValues={
                    ":pk": {"S": keys.buckets(video_id)},
                    ":low": {"S": low},
                    ":high": {"S": high},
                },
                ScanIndexForward=not descending,
                ConsistentRead=consistent,
                Limit=_PAGE,
                **start,
            )
            yield [Bucket(video_id, text_of(item, "sk"), number_of(item, "shards")) for item in items]
            if last is None:
                return
            start = {"ExclusiveStartKey": last}

    async def _shards_of(self, requests: Requests, video_id: str, name: str) -> int | None:
        if (shards := self._recall(video_id, name)) is not None:
            return shards
        item = await requests.get(Key(keys.buckets(video_id), name))
        # Not remembered as opened: with another lifetime it may be due to expire before a comment of ours would.
        return None if item is None else number_of(item, "shards")

    async def _open(self, requests: Requests, video_id: str, name: str) -> int:
        key, shards = Key(keys.buckets(video_id), name), self._shards
        expires = self._expires(name)
        item = expiring({**key.item(), "shards": number(shards)}, expires)
        try:
            await requests.put(Item=item, ConditionExpression="attribute_not_exists(pk)")
        except ConditionFailed as failed:
            shards = number_of(failed.standing, "shards")
            await self._prolong(requests, key, failed.standing, expires)
        self._remember(video_id, name, shards)
        return shards

    async def _prolong(self, requests: Requests, key: Key, item: Item, expires: int | None) -> None:
        """Where a process with a shorter lifetime opened the bucket, it must outlive our comments too."""
        if "expires" not in item or (expires is not None and number_of(item, "expires") >= expires):
            return
        if expires is None:
            await requests.update(Key=key.item(), UpdateExpression="REMOVE expires")
            return
        with suppress(ConditionFailed):  # somebody else has prolonged it further meanwhile
            await requests.update(
                Key=key.item(),
                UpdateExpression="SET expires = :expires",
                ConditionExpression="expires < :expires",
                ExpressionAttributeValues={":expires": number(expires)},
            )

    def _expires(self, name: str) -> int | None:
        """A day after the last comment that the hour can have."""
        if self._lifetime is None:
            return None
        return (int(name, 16) + 1) * BUCKET_MS // 1000 + self._lifetime + _DAY_S

    def _recall(self, video_id: str, name: str) -> int | None:
        shards = self._known.get((video_id, name))
        if shards is not None:
            self._known.move_to_end((video_id, name))
        return shards

    def _remember(self, video_id: str, name: str, shards: int) -> None:
        self._known[video_id, name] = shards
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
