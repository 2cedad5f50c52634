"""What the store's parts share in one call: its requests, the index of buckets, and how long things are kept."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.stores.dynamodb.buckets import Buckets
from hubbub.stores.dynamodb.requests import Requests


class Context(NamedTuple):
    """One call of a store's method. ``lifetime``: seconds that comments and changes are kept, None for ever."""

    requests: Requests
    buckets: Buckets
    lifetime: int | None

    def expires(self, at: int) -> int | None:
        """The second after which what was made at ``at`` (ms) may go."""
        return None if self.lifetime is None else at // 1000 + self.lifetime
