"""The two lists beside the comments: events that wait to be published, and review flags."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hubbub.ids import now_ms
from hubbub.model import Event
from hubbub.stores.base import Flag
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import ConditionFailed
from hubbub.stores.dynamodb.items import (
    Item,
    event_of,
    flag_item,
    flag_of,
    number,
    shows_comment,
    text_of,
    unpublished_item,
)
from hubbub.stores.dynamodb.keys import ALL_FLAGS, PING, UNPUBLISHED_SHARDS, Key
from hubbub.stores.dynamodb.reads import subjects_of
from hubbub.stores.dynamodb.requests import Requests, next_page, together

_LEASES_AT_ONCE = 50
_SMALLEST_PAGE = 8

_FREE = "holder = :holder OR leased_until <= :now"


async def touch(requests: Requests) -> None:
    """Write for a ping, since only a write shows whether one succeeds."""
    await requests.put(Item={**PING.item(), "at": number(now_ms())})


async def mark_unpublished(requests: Requests, event: Event, at: int) -> None:
    """Put an event on the list, due at once; what a sweeper holds is left to it."""
    item = {**unpublished_item(event, 0), "marked_at": number(at)}
    with suppress(ConditionFailed):
        await requests.put(Item=item, ConditionExpression="attribute_not_exists(holder)")


async def lease_unpublished(
    context: Context, holder: str, now: int, lease_ms: int, limit: int, *, within: float
) -> list[Event]:
    """Take the oldest events that nobody else holds. Whoever is overtaken goes on to those behind.

    Takes no more once ``within`` seconds are over: some from a slow table are worth more than a call that fails.
    """
    taken: list[Item] = []
    waiting = _Waiting(context.requests, holder, now, limit)
    until = asyncio.get_running_loop().time() + within
    while len(taken) < limit and (not taken or asyncio.get_running_loop().time() < until):
        candidates = await waiting.next(min(limit - len(taken), _LEASES_AT_ONCE))
        if not candidates:
            break
        leases = (_lease(context.requests, item, holder, now, now + lease_ms) for item in candidates)
        taken += [item for item, leased in zip(candidates, await together(*leases), strict=True) if leased]
    shown = [(text_of(item, "video"), text_of(item, "subject")) for item in taken if shows_comment(item)]
    # Ids are unique within a video only, so each video is asked for by itself.
    subjects = {
        video: await subjects_of(context, [pair for pair in shown if pair[0] == video])
        for video in dict.fromkeys(video for video, _ in shown)
    }
    return [
        event_of(item, video := text_of(item, "video"), subjects.get(video, {}).get(text_of(item, "subject")))
        for item in taken
    ]


async def confirm_published(requests: Requests, events: Sequence[Event]) -> None:
    """Take events off the list."""
    await requests.delete_all(map(keys.unpublished, events))


async def count_unpublished(requests: Requests) -> int:
    """The length of the list."""
    shards = (keys.unpublished_shard(shard) for shard in range(UNPUBLISHED_SHARDS))
    return sum(await together(*(requests.count(**_partition(pk)) for pk in shards)))


async def add_flag(requests: Requests, flag: Flag) -> None:
    """Flag a comment, among its video's flags and among all."""
    new = "attribute_not_exists(pk)"
    with suppress(ConditionFailed):
        await requests.transact([
            {"Put": requests.action(Item=flag_item(key, flag), ConditionExpression=new)}
            for key in keys.flag_keys(flag)
        ])  # fmt: skip


async def flags(requests: Requests, video_id: str | None, after: tuple[str, str] | None, limit: int) -> list[Flag]:
    """Flags of one video or of all."""
    beyond = "#".join(after) if after else ""
    # Among all, whatever begins with the place is the same flag, on whichever video.
    beyond = (beyond + ("" if video_id is not None else "\x01")) if after else " "
    found: list[Item] = []
    start: dict[str, Item] = {}
    while len(found) < limit:
        items, last = await requests.query(
            KeyConditionExpression="pk = :pk AND sk > :after",
            ExpressionAttributeValues={
                ":pk": {"S": ALL_FLAGS if video_id is None else keys.flags(video_id)},
                ":after": {"S": beyond},
            },
            ConsistentRead=True,
            Limit=limit - len(found),
            **start,
        )
        found += items
        if last is None:
            break
        start = {"ExclusiveStartKey": last}
    return [flag_of(item) for item in found]


async def clear_flags(requests: Requests, video_id: str, comment_id: str) -> None:
    """Close a comment's flags: among all first, since those of the video tell a repeat what there was."""
    start: dict[str, Item] = {}
    while True:
        items, last = await requests.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :comment)",
            ExpressionAttributeValues={
                ":pk": {"S": keys.flags(video_id)},
                ":comment": {"S": f"{comment_id}#"},
            },
            ConsistentRead=True,
            **start,
        )
        places = [keys.flag_keys(flag_of(item)) for item in items]
        await requests.delete_all(among_all for _, among_all in places)
        await requests.delete_all(of_video for of_video, _ in places)
        if last is None:
            return
        start = {"ExclusiveStartKey": last}


class _Waiting:
    """The events that a holder could lease, in order of id, out of all shards."""

    def __init__(self, requests: Requests, holder: str, now: int, page: int) -> None:
        self._requests = requests
        self._free: dict[str, Any] = {
            "FilterExpression": _FREE,
            "ExpressionAttributeValues": {":holder": {"S": holder}, ":now": number(now)},
        }
        # Twice a shard's share: most often enough of every shard, without reading all of each.
        self._pages = [max(2 * page // UNPUBLISHED_SHARDS, _SMALLEST_PAGE)] * UNPUBLISHED_SHARDS
        self._starts: list[Item | None] = [{} for _ in range(UNPUBLISHED_SHARDS)]
        self._items: list[list[Item]] = [[] for _ in range(UNPUBLISHED_SHARDS)]

    async def next(self, count: int) -> list[Item]:
        """The next ``count`` of them, fewer at the end."""
        found: list[Item] = []
        while len(found) < count:
            short = [n for n, items in enumerate(self._items) if not items and self._starts[n] is not None]
            if short:
                await together(*(self._read(n) for n in short))
                continue
            full = [items for items in self._items if items]
            if not full:
                break
            found.append(min(full, key=lambda items: text_of(items[0], "sk")).pop(0))
        return found

    async def _read(self, shard: int) -> None:
        partition = _partition(keys.unpublished_shard(shard))
        values = {**self._free["ExpressionAttributeValues"], **partition["ExpressionAttributeValues"]}
        start = self._starts[shard]
        self._items[shard], self._starts[shard] = await self._requests.query(
            **{**self._free, **partition, "ExpressionAttributeValues": values},
            **({"ExclusiveStartKey": start} if start else {}),
            Limit=self._pages[shard],
        )
        # What others hold is read, too, and left out.
        self._pages[shard] = next_page(self._pages[shard], len(self._items[shard]))


async def _lease(requests: Requests, item: Item, holder: str, now: int, until: int) -> bool:
    """Whether it is ours now: nobody leased or published it meanwhile."""
    try:
        await requests.update(
            Key=Key(text_of(item, "pk"), text_of(item, "sk")).item(),
            UpdateExpression="SET holder = :holder, leased_until = :until",
            ConditionExpression=f"attribute_exists(pk) AND ({_FREE})",
            ExpressionAttributeValues={":holder": {"S": holder}, ":now": number(now), ":until": number(until)},
        )
    except ConditionFailed:
        return False
    return True


def _partition(pk: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ConsistentRead": True,
    }
