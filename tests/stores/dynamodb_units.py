"""Capacity units as the real service charges them. DynamoDB Local charges single writes and what it finds alike; but it
charges a transaction for its last item only (and that one four times), and nothing for a query that finds nothing.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from math import ceil
from typing import Any

from tests.stores.faulty_dynamodb import Seen

_READS = frozenset({"GetItem", "BatchGetItem", "Query"})


def units_of(seen: list[Seen]) -> tuple[float, float]:
    """Write and read units of some requests."""
    written = read = 0.0
    for one in seen:
        if one.operation in _READS:
            read += _read_units(one)
        elif one.operation == "TransactWriteItems":
            written += sum(map(_transacted_units, one.request["TransactItems"]))
        else:
            written += _charged(one)
    return written, read


def _charged(one: Seen) -> float:
    charged = one.answer["ConsumedCapacity"]
    return float(sum(part["CapacityUnits"] for part in (charged if isinstance(charged, list) else [charged])))


def _read_units(one: Seen) -> float:
    consistent = one.request.get("ConsistentRead") or one.operation == "BatchGetItem"
    return max(_charged(one), 1.0 if consistent else 0.5)


def _transacted_units(action: dict[str, Any]) -> float:
    """Two for each KB of an item, and as many for what its indexes get of it: the service does not say whether that
    is charged twice, so this is the most that it can be.
    """
    item = action["Put"]["Item"] if "Put" in action else {}
    once = max(ceil(_size(item) / 1024), 1) + ("list" in item)
    return 2.0 * once


def _size(item: dict[str, dict[str, str]]) -> int:
    return sum(len(name.encode()) + len(text.encode()) for name, value in item.items() for text in value.values())
