"""What is known of a video: its record, written together with the event that tells of it."""

from __future__ import annotations

from typing import Any

from hubbub.model import Event, Video
from hubbub.stores.base import VideoKept
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import ConditionFailed
from hubbub.stores.dynamodb.items import Item, event_item, expiring, record_item, video_of
from hubbub.stores.dynamodb.keys import Key


async def keep_video(context: Context, video: Video, was: Video | None, event: Event | None, actor: str) -> VideoKept:
    """Write a record, and its event into the journal, if it still is ``was``: compared as read, and again, byte for
    byte, as written.
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
        write = _write(video, item)
        try:
            if event is None or entry is None:
                await requests.put(**write)
            else:
                told = {**event_item(entry, event), "actor": {"S": actor}}
                told = expiring(told, context.expires(event.at))
                journal = {"Item": told, "ConditionExpression": "attribute_not_exists(pk)"}
                await requests.transact([{"Put": requests.action(**one)} for one in (write, journal)])
        except ConditionFailed:
            continue
        return VideoKept(True, video, None)


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
