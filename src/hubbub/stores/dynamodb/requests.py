"""Requests to the table, tried again where that helps: throttled ones for as long as the caller has time, lost ones
twice.

The driver's own retries are off, since they would multiply the time that `HUBBUB_STORE_TIMEOUT` promises. One
`Requests` serves one call of a store's method, and the caller bounds its time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from botocore.exceptions import ClientError

from hubbub.stores.dynamodb.failures import (
    DriverError,
    NotDynamoDB,
    Unprocessed,
    code_of,
    condition_failed,
    is_misconfigured,
    is_unsure,
    may_pass,
)
from hubbub.stores.dynamodb.items import Item
from hubbub.stores.dynamodb.keys import Key

T = TypeVar("T")

_LOST_TRIES = 3
"""Tries at a request that got no answer: a connection that was kept open may have been closed by the other side."""

_FIRST_WAIT, _LONGEST_WAIT = 0.025, 1.0

_GET_AT_ONCE, _WRITE_AT_ONCE = 100, 25

_LONGEST_PAGE = 1_000
"""Items a query, of some 300 bytes: DynamoDB ends a page at 1 MB by itself."""
"""What BatchGetItem and BatchWriteItem take."""

_WRITES = frozenset({"put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items"})


class Observer(Protocol):
    """Who is told what requests cost."""

    def consumed(self, operation: str, *, read: float, written: float) -> None:
        """A request was answered, and these capacity units are charged."""

    def retried(self, code: str) -> None:
        """A request is tried again; ``code`` is the service's, empty where there was no answer."""


class Requests:
    """What one call of a store's method asks of the table. ``answers`` counts those that came.

    ``cause`` is the last error that was tried again: what to blame when time is up. ``unsure``: a request that was
    tried again may have been carried out the first time.
    """

    def __init__(self, client: Any, table: str, observer: Observer | None = None) -> None:
        self._client = client
        self._observer = observer
        self.table = table
        self.cause: Exception | None = None
        self.unsure = False
        self.answers = 0

    async def get(self, key: Key) -> Item | None:
        """An item, read consistently."""
        answer = await self._call("get_item", TableName=self.table, Key=key.item(), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    async def get_all(self, wanted: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """The items that there are of many."""
        left = [key.item() for key in dict.fromkeys(wanted)]
        found: dict[Key, Item] = {}
        tries = 0
        while left:
            asked, left = left[:_GET_AT_ONCE], left[_GET_AT_ONCE:]
            request = {self.table: {"Keys": asked, "ConsistentRead": consistent}}
            answer = await self._call("batch_get_item", RequestItems=request)
            for item in answer["Responses"].get(self.table, []):
                found[Key(item["pk"]["S"], item["sk"]["S"])] = item
            if unprocessed := answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", []):
                left = unprocessed + left
                tries = await self._wait(tries, Unprocessed("BatchGetItem"))
        return found

    async def query(self, **request: Any) -> tuple[list[Item], Item | None]:
        """A page of a query, and where the next one starts (None: there is none)."""
        answer = await self._call("query", TableName=self.table, **request)
        items: list[Item] = answer["Items"]
        return items, answer.get("LastEvaluatedKey")

    async def count(self, **request: Any) -> int:
        """How many items a query finds."""
        total = 0
        start: dict[str, Item] = {}
        while True:
            answer = await self._call("query", TableName=self.table, Select="COUNT", **request, **start)
            total += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return total
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def put(self, **fields: Any) -> None:
        """Write an item. Raises `ConditionFailed`, with the item that stands there."""
        await self._call("put_item", **self.action(**fields))

    async def put_all(self, writes: Sequence[dict[str, Any]]) -> None:
        """Write all of the items, or none: a single one plainly, which costs half. Raises `ConditionFailed`."""
        if len(writes) == 1:
            await self.put(**writes[0])
        else:
            await self.transact([{"Put": self.action(**one)} for one in writes])

    async def update(self, **fields: Any) -> None:
        """Change an item. Raises `ConditionFailed`."""
        await self._call("update_item", **self.action(**fields))

    async def transact(self, actions: Sequence[dict[str, Any]]) -> None:
        """All of the actions, or none. Raises `ConditionFailed`. Repeated with the same token, so that one which was
        carried out without an answer succeeds rather than finds itself in its way.
        """
        await self._call("transact_write_items", TransactItems=actions, ClientRequestToken=uuid4().hex)

    async def delete_all(self, unwanted: Iterable[Key]) -> None:
        """Delete items, which need not be there."""
        left = [{"DeleteRequest": {"Key": key.item()}} for key in dict.fromkeys(unwanted)]
        tries = 0
        while left:
            asked, left = left[:_WRITE_AT_ONCE], left[_WRITE_AT_ONCE:]
            answer = await self._call("batch_write_item", RequestItems={self.table: asked})
            if unprocessed := answer.get("UnprocessedItems", {}).get(self.table, []):
                left = unprocessed + left
                tries = await self._wait(tries, Unprocessed("BatchWriteItem"))

    def action(self, **fields: Any) -> dict[str, Any]:
        """A write to this table, alone or within a transaction; a failed condition brings the item that stands."""
        if "ConditionExpression" in fields:
            fields["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {"TableName": self.table, **fields}

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if self._observer is not None:
            request["ReturnConsumedCapacity"] = "TOTAL"
        tries = lost = 0
        while True:
            try:
                answer: dict[str, Any] = await getattr(self._client, operation)(**request)
            except DriverError as error:
                if isinstance(error, ClientError) and (failed := condition_failed(error)) is not None:
                    raise failed from None
                if not may_pass(error):
                    lost += 1
                    if not is_unsure(error) or is_misconfigured(error) or lost >= _LOST_TRIES:
                        raise
                    self.unsure = True
                tries = await self._wait(tries, error)
            except (AttributeError, TypeError, ValueError):  # the driver stumbles over what it can't be meant to read
                raise NotDynamoDB from None
            else:
                self.answers += 1
                self._account(operation, answer)
                return answer

    async def _wait(self, tries: int, cause: Exception) -> int:
        """Back off, at random so that those who were refused together don't come back together."""
        self.cause = cause
        if self._observer is not None:
            self._observer.retried(code_of(cause))
        await asyncio.sleep(random.uniform(0, min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT)))
        return tries + 1

    def _account(self, operation: str, answer: dict[str, Any]) -> None:
        if self._observer is None:
            return
        charged = answer.get("ConsumedCapacity", [])
        units = sum(one.get("CapacityUnits", 0.0) for one in (charged if isinstance(charged, list) else [charged]))
        written = units if operation in _WRITES else 0.0
        self._observer.consumed(operation, read=units - written, written=written)


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """All at once. The first failure ends the others before it is raised: nothing goes on behind a call's back."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        if not all(task.done() for task in tasks):
            await asyncio.wait(tasks)


def next_page(page: int, kept: int) -> int:
    """How many items to query after a page of which the filter left ``kept``. Where that is few, the next is longer:
    thousands that are not asked for are not passed by a few at a time.
    """
    return page if 2 * kept >= page else min(2 * page, _LONGEST_PAGE)
