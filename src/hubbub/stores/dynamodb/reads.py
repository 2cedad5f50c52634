"""What readers ask of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hubbub.model import Comment, Event, Video
from hubbub.stores.base import Order
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.items import (
    Item,
    birth_event,
    comment_of,
    event_of,
    is_born,
    shows_comment,
    text_of,
    video_of,
)
from hubbub.stores.dynamodb.keys import Key
from hubbub.stores.dynamodb.requests import together
from hubbub.stores.dynamodb.walking import BEFORE_ALL_IDS, Stretch, just_after, walk
from hubbub.stores.rules import AFTER_ALL_IDS, id_from

_LAST_OF_IDS = 35
"""An id without its last character: what sorts right before all ids that begin so."""


async def get(context: Context, video_id: str, comment_id: str) -> Comment | None:
    """A comment of any status."""
    place = await context.buckets.found(context.requests, video_id, comment_id)
    item = None if place is None else await context.requests.get(place)
    return comment_of(item, video_id) if item is not None and is_born(item) else None


async def newest(context: Context, video_id: str, limit: int) -> list[Comment]:
    """The newest visible comments, oldest first."""
    items = await walk(context, Stretch(video_id, descending=True), limit)
    return _comments(reversed(items), video_id)


async def page(context: Context, video_id: str, after: str | None, limit: int, order: Order) -> list[Comment]:
    """Visible comments beyond an id, in ``order``; may lag."""
    if order == "asc":
        stretch = Stretch(video_id, low=just_after(after) if after else BEFORE_ALL_IDS, consistent=False)
        return _comments(await walk(context, stretch, limit), video_id)
    stretch = Stretch(video_id, high=after or AFTER_ALL_IDS, descending=True, consistent=False)
    # The cursor's own comment is in the stretch, if it is there.
    items = await walk(context, stretch, limit + 1)
    return _comments([item for item in items if text_of(item, "sk") != after][:limit], video_id)


async def window(
    context: Context, video_id: str, since: int, until: int, limit: int, after: str | None
) -> list[Comment]:
    """Visible comments of a stretch of time: a range of ids, since an id begins with its millisecond; may lag."""
    low, high = id_from(since), id_from(until)
    if low == AFTER_ALL_IDS or until <= max(since, 0):
        return []
    if after is not None:
        low = max(low, just_after(after))
    if high != AFTER_ALL_IDS:
        high = high[:_LAST_OF_IDS]
    return _comments(await walk(context, Stretch(video_id, low, high, consistent=False), limit), video_id)


async def changes_since(context: Context, video_id: str, since: int, limit: int) -> list[Event]:
    """Events of a video from a time on: its comments and its journal, merged, both read consistently."""
    low = id_from(since)
    if low == AFTER_ALL_IDS or limit <= 0:
        return []
    births, changes = await together(
        walk(context, Stretch(video_id, low, every=True), limit), _journal(context, video_id, low, limit)
    )
    merged = sorted([*births, *changes], key=lambda item: text_of(item, "sk"))[:limit]
    subjects = await _subjects(context, video_id, [item for item in merged if "kind" in item], births)
    return [
        event_of(item, video_id, subjects.get(text_of(item, "subject"))) if "kind" in item
        else birth_event(item, video_id)
        for item in merged
    ]  # fmt: skip


async def pins(context: Context, video_id: str) -> list[Comment]:
    """Pinned comments in the order of pinning, which is that of the pins' own ids."""
    marks, _ = await context.requests.query(
        KeyConditionExpression="pk = :pk AND begins_with(sk, :pin)",
        ExpressionAttributeValues={":pk": {"S": keys.record(video_id).pk}, ":pin": {"S": keys.pin("", "").sk}},
        ConsistentRead=True,
    )
    marks.sort(key=lambda mark: text_of(mark, "by"))
    places = [Key(text_of(mark, "of"), text_of(mark, "sk").removeprefix("pin#")) for mark in marks]
    items = await context.requests.get_all(places)
    comments = _comments([items[place] for place in places if place in items], video_id)
    return [comment for comment in comments if comment.pinned]


async def video(context: Context, video_id: str) -> Video | None:
    """A video's record."""
    return video_of(await context.requests.get(keys.record(video_id)))


async def by_user(context: Context, user_id: str, after: tuple[str, str] | None, limit: int) -> list[Comment]:
    """A user's comments of any status: which they are is told by the index, which may lag; how they stand, by the
    table.
    """
    request: dict[str, Any] = {
        "IndexName": "lists",
        "KeyConditionExpression": "#list = :list AND #place > :after",
        "ExpressionAttributeNames": {"#list": "list", "#place": "place"},
        "ExpressionAttributeValues": {
            ":list": {"S": keys.user_list(user_id)},
            ":after": {"S": keys.user_place(*after) if after else BEFORE_ALL_IDS},
        },
    }
    found: list[Comment] = []
    last: Item | None = {}
    while last is not None and len(found) < limit:  # what the index still tells of may be gone from the table
        start = {"ExclusiveStartKey": last} if last else {}
        places, last = await context.requests.query(**request, **start, Limit=limit - len(found))
        wanted = {Key(text_of(one, "pk"), text_of(one, "sk")): text_of(one, "place") for one in places}
        standing = await context.requests.get_all(wanted)
        found += [
            comment_of(standing[key], place.partition("#")[0]) for key, place in wanted.items() if key in standing
        ]
    return found


async def _journal(context: Context, video_id: str, low: str, limit: int) -> list[Item]:
    found: list[Item] = []
    start: dict[str, Item] = {}
    while True:
        items, last = await context.requests.query(
            KeyConditionExpression="pk = :pk AND sk >= :low",
            ExpressionAttributeValues={":pk": {"S": keys.journal(video_id)}, ":low": {"S": low}},
            ConsistentRead=True,
            Limit=limit - len(found),
            **start,
        )
        found += items
        if last is None or len(found) >= limit:
            return found
        start = {"ExclusiveStartKey": last}


async def _subjects(
    context: Context, video_id: str, changes: Sequence[Item], births: Sequence[Item]
) -> dict[str, Item]:
    """The comments that changes show, those that were read already among them."""
    found = {text_of(item, "sk"): item for item in births}
    wanted = {text_of(item, "subject") for item in changes if shows_comment(item)} - found.keys()
    return {**found, **await subjects_of(context, [(video_id, id) for id in wanted])}


async def subjects_of(context: Context, wanted: Sequence[tuple[str, str]]) -> dict[str, Item]:
    """The items of comments, by id, as they stand; ``wanted`` are pairs of video and comment."""
    items = await context.requests.get_all(await context.buckets.found_all(context.requests, wanted))
    return {key.sk: item for key, item in items.items()}


def _comments(items: Any, video_id: str) -> list[Comment]:
    return [comment_of(item, video_id) for item in items]
