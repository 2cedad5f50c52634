"""What becomes of a comment after its birth: deleted, hidden, restored, pinned, unpinned."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hubbub.ids import millisecond_of
from hubbub.model import Change, Comment, Kind, Status
from hubbub.stores.base import Applied
from hubbub.stores.dynamodb import keys
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import ConditionFailed
from hubbub.stores.dynamodb.items import (
    Item,
    change_item,
    comment_of,
    expiring,
    is_born,
    number,
    stored_body,
    text_of,
    unpublished_item,
)
from hubbub.stores.dynamodb.keys import Key
from hubbub.stores.rules import STATUS_AFTER, erased, takes_effect
from hubbub.wire.events import change_event

_UNSEEN = "attribute_not_exists(pk)"
_TOMBSTONE = "attribute_not_exists(body) AND #status = :was"
_UNPINNED = "attribute_exists(body) AND #status = :was AND attribute_not_exists(pin)"
_PINNED = "attribute_exists(body) AND #status = :was AND pin = :pin"


async def apply(context: Context, change: Change, due: int | None) -> Applied:
    """Change a comment, with its entry in the journal, its pin, and its place on the unpublished list where it is
    ``due``, in one transaction against what was read. Whoever is overtaken looks again. Raises `Conflict`.
    """
    requests, video_id = context.requests, change.video_id
    entry = Key(keys.journal(video_id), change.id)
    place = await context.buckets.found(requests, video_id, change.comment_id)
    while True:
        found = await requests.get_all([entry] if place is None else [entry, place])
        item = None if place is None else found.get(place)
        standing = comment_of(item, video_id) if item is not None and is_born(item) else None
        if entry in found or not _has_effect(change.kind, item):
            return Applied(False, standing, None)
        if place is None:  # the bucket of a tombstone
            place = await context.buckets.opened(requests, video_id, change.comment_id)
        after = None if standing is None else _after(change, standing)
        actions = _actions(context, change, place, item, standing)
        if due is not None:
            actions.append({"Put": requests.action(Item=unpublished_item(change_event(change, after), due))})
        try:
            await requests.transact(actions)
        except ConditionFailed:
            continue
        return Applied(True, after, None)


def _has_effect(kind: Kind, item: Item | None) -> bool:
    status = None if item is None else Status(text_of(item, "status"))
    return takes_effect(kind, born=is_born(item), status=status, pinned=item is not None and "pin" in item)


def _after(change: Change, standing: Comment) -> Comment:
    """The comment as the change leaves it: what its item then says."""
    if change.kind is Kind.DELETED:
        return erased(standing)
    status = STATUS_AFTER.get(change.kind, standing.status)
    return replace(standing, status=status, pinned=change.kind is Kind.PINNED)


def _actions(
    context: Context, change: Change, place: Key, item: Item | None, standing: Comment | None
) -> list[dict[str, Any]]:
    action = context.requests.action
    journal = action(
        Item=expiring(change_item(change), context.expires(change.at)), ConditionExpression="attribute_not_exists(pk)"
    )
    actions = [{"Update": action(Key=place.item(), **_update(context, change, item, standing))}, {"Put": journal}]
    pin = keys.pin(change.video_id, change.comment_id)
    if change.kind is Kind.PINNED:
        pinned = {**pin.item(), "by": {"S": change.id}, "of": {"S": place.pk}}
        expires = context.expires(millisecond_of(change.comment_id))
        actions.append({"Put": action(Item=expiring(pinned, expires))})
    elif item is not None and "pin" in item:
        actions.append({"Delete": action(Key=pin.item())})
    return actions


def _update(context: Context, change: Change, item: Item | None, standing: Comment | None) -> dict[str, Any]:
    """The change to the comment's own item, if that still is ``item``."""
    sets: dict[str, dict[str, str]] = {}
    if change.kind in STATUS_AFTER:
        sets["#status"] = {"S": STATUS_AFTER[change.kind].value}
    if change.kind is Kind.PINNED:
        sets["pin"] = {"S": change.id}
    if change.kind is Kind.DELETED and standing is not None:
        sets["body"] = {"S": stored_body(erased(standing))}
    if item is None and (expires := context.expires(millisecond_of(change.comment_id))) is not None:
        sets["expires"] = number(expires)
    values = {f":{name.lstrip('#')}_after": value for name, value in sets.items()}
    expression = ", ".join(f"{name} = :{name.lstrip('#')}_after" for name in sets)
    expression = f"SET {expression}" if sets else ""
    names = {"#status": "status"}
    if item is None:
        condition = _UNSEEN
    elif standing is None:
        condition, values[":was"] = _TOMBSTONE, item["status"]
    elif "pin" in item:
        condition, values[":was"], values[":pin"] = _PINNED, item["status"], item["pin"]
        if change.kind is not Kind.PINNED:
            expression += " REMOVE pin"
    else:
        condition, values[":was"] = _UNPINNED, item["status"]
    return {
        "UpdateExpression": expression.strip(),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
