"""What is known of a video: its record, written together with the event that tells of it."""

from __future__ import annotations

from typing import Any

from hubbub.model import Event, ListPlace, Stage, Video
from hubbub.stores.base import VideoKept
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import ConditionFailed
from hubbub.stores.dynamodb.items import (
    Item,
    event_item,
    expiring,
    record_item,
    text_of,
    unpublished_item,
    video_of,
)
from hubbub.stores.dynamodb.keys import Key
from hubbub.stores.rules import AFTER_ALL_IDS


async def keep_video(
    context: Context, video: Video, was: Video | None, event: Event | None, actor: str, due: int | None
) -> VideoKept:
    """Write a record, and its event into the journal (and onto the unpublished list where it is ``due``), if it still
    is ``was``: compared as read, and again, byte for byte, as written.
    """
    requests = context.requests
    record = keys.record(video.video_id)
    entry = None if event is None else Key(keys.journal(video.video_id), event.id)
    while True:
        found = await requests.get_all([record] if entry is None else [record, entry])
        item = found.get(record)
        stands = video_of(item)
        if entry is not None and entry in found:
            return VideoKept(True, stands, None)
        if stands != was:
            # Without an event nothing else tells that it was ours which came, and whose answer was lost.
            ours = entry is None and requests.unsure and stands == video
            return VideoKept(ours, stands, None)
        writes = [_write(video, item)]
        if event is not None and entry is not None:
            told = {**event_item(entry, event), "actor": {"S": actor}}
            told = expiring(told, context.expires(event.at))
            writes.append({"Item": told, "ConditionExpression": "attribute_not_exists(pk)"})
            if due is not None:
                writes.append({"Item": unpublished_item(event, due)})
        try:
            await requests.put_all(writes)
        except ConditionFailed:
            continue
        return VideoKept(True, video, None)


async def videos(context: Context, stage: Stage, since: int, before: ListPlace | None, limit: int) -> list[Video]:
    """Records of a stage, the greatest place first: which they are is told by the index, which may lag; what they say,
    by the table. One that has moved since is left out.
    """
    low, beyond = keys.stage_time(since), keys.stage_place(before) if before else AFTER_ALL_IDS
    if low > beyond:
        return []
    found: list[Video] = []
    start: dict[str, Any] = {}
    while len(found) < limit:
        places, last = await context.requests.query(
            IndexName="lists",
            KeyConditionExpression="#list = :list AND #place BETWEEN :since AND :beyond",
            ExpressionAttributeNames={"#list": "list", "#place": "place"},
            ExpressionAttributeValues={
                ":list": {"S": keys.stage_list(stage)},
                ":since": {"S": low},
                ":beyond": {"S": beyond},
            },
            ScanIndexForward=False,
            Limit=limit - len(found) + 1,  # the place before which they stand may be there
            **start,
        )
        listed = {Key(text_of(one, "pk"), text_of(one, "sk")): text_of(one, "place") for one in places}
        wanted = [key for key, place in listed.items() if place != beyond]
        items = await context.requests.get_all(wanted, consistent=False)
        for key, place in listed.items():
            video = video_of(items.get(key))
            if video is not None and (video.stage, keys.stage_place(video.place)) == (stage, place):
                found.append(video)
        if last is None:
            break
        start = {"ExclusiveStartKey": last}
    return found[:limit]


def _write(video: Video, item: Item | None) -> dict[str, Any]:
    write: dict[str, Any] = {"Item": record_item(video)}
    if item is None:
        return {**write, "ConditionExpression": "attribute_not_exists(pk)"}
    return {
        **write,
        "ConditionExpression": "#record = :was",
        "ExpressionAttributeNames": {"#record": "record"},
        "ExpressionAttributeValues": {":was": item["record"]},
    }
