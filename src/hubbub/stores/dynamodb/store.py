"""`DynamoStore`: the port `Store` over one table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any

from hubbub.errors import ConfigError, StoreUnavailable
from hubbub.ids import now_ms
from hubbub.model import Change, Comment, Event, ListPlace, Stage, Video
from hubbub.stores.base import Appended, Applied, Flag, IdempotencyKey, Order, VideoKept
from hubbub.stores.dynamodb import appends, changes, lists, reads, tables, videos
from hubbub.stores.dynamodb.buckets import Buckets
from hubbub.stores.dynamodb.connections import Place, connect, place_of
from hubbub.stores.dynamodb.context import Context
from hubbub.stores.dynamodb.failures import RETRY_AFTER, DriverError, describe, is_misconfigured
from hubbub.stores.dynamodb.requests import Observer, Requests

OnCommit = Callable[[int, float], None]
"""Told of each append: 1, and the seconds that it took."""

_DAY_S = 24 * 60 * 60

_CREATION_S = 120
"""A table is usually there within ten seconds."""


class DynamoStore:
    """Comments in one table of DynamoDB, which any number of processes share.

    ``store_timeout``: seconds for one call, tries included. ``pending_writes``: calls that may be under way; further
    ones are refused. ``observer``: told what requests cost. `page`, `window`, `videos` and `by_user` may
    lag by a second or so. Belongs to the event loop that opens it.
    """

    def __init__(
        self,
        place: Place,
        *,
        store_timeout: float = 5.0,
        pending_writes: int = 20_000,
        observer: Observer | None = None,
        on_commit: OnCommit | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.place = place
        self._timeout = store_timeout
        self._pending_writes = pending_writes
        self._observer = observer
        self._on_commit = on_commit
        self._clock = clock
        self._lifetime = None if place.ttl is None else place.ttl * _DAY_S
        self._client: Any = None
        self._stack = AsyncExitStack()
        self._buckets = Buckets(place.shards, self._lifetime)
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    def from_url(cls, url: str, **options: Any) -> DynamoStore:
        """The store at ``dynamodb://TABLE?region=…&endpoint=…``; `ConfigError` for other URLs."""
        return cls(place_of(url), **options)

    async def open(self) -> None:
        if self._client is not None:
            return
        stack = AsyncExitStack()
        try:
            client = await self._connect(stack, lambda _, requests: tables.check_schema(requests), self._timeout)
        except BaseException:
            await stack.aclose()
            raise
        self._client, self._stack = client, stack
        self._buckets = Buckets(self.place.shards, self._lifetime)

    async def close(self) -> None:
        self._client = None
        await self._idle.wait()
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def create(self, *, dry_run: bool = False) -> list[str]:
        """Make the table, or what is missing of it, and say what was made; ``dry_run``: what would be. The store need
        not be open. Raises `ConfigError` and `StoreUnavailable`.
        """
        said: list[str] = []

        async def make(client: Any, requests: Requests) -> None:
            said.extend(await (tables.plan if dry_run else tables.create)(client, requests))

        async with AsyncExitStack() as stack:
            await self._connect(stack, make, _CREATION_S)
        return said

    async def ping(self) -> None:
        async with self._call() as context:
            await lists.touch(context.requests)

    async def append(self, comment: Comment, *, key: IdempotencyKey | None = None, due: int | None = None) -> Appended:
        began = perf_counter()
        async with self._call() as context:
            appended = await appends.append(context, comment, key, due)
        if self._on_commit is not None:
            self._on_commit(1, perf_counter() - began)
        return appended

    async def recall(self, key: IdempotencyKey) -> Comment | None:
        async with self._call() as context:
            return await appends.recall(context, key, self._clock())

    async def apply(self, change: Change, *, due: int | None = None) -> Applied:
        async with self._call() as context:
            return await changes.apply(context, change, due)

    async def get(self, video_id: str, comment_id: str) -> Comment | None:
        async with self._call() as context:
            return await reads.get(context, video_id, comment_id)

    async def newest(self, video_id: str, limit: int) -> list[Comment]:
        async with self._call() as context:
            return await reads.newest(context, video_id, limit)

    async def page(self, video_id: str, *, after: str | None, limit: int, order: Order) -> list[Comment]:
        async with self._call() as context:
            return await reads.page(context, video_id, after, limit, order)

    async def window(
        self, video_id: str, *, since: int, until: int, limit: int, after: str | None = None
    ) -> list[Comment]:
        async with self._call() as context:
            return await reads.window(context, video_id, since, until, limit, after)

    async def changes_since(self, video_id: str, since: int, limit: int) -> list[Event]:
        async with self._call() as context:
            return await reads.changes_since(context, video_id, since, limit)

    async def pins(self, video_id: str) -> list[Comment]:
        async with self._call() as context:
            return await reads.pins(context, video_id)

    async def video(self, video_id: str) -> Video | None:
        async with self._call() as context:
            return await reads.video(context, video_id)

    async def videos(self, stage: Stage, *, since: int = 0, before: ListPlace | None = None, limit: int) -> list[Video]:
        async with self._call() as context:
            return await videos.videos(context, stage, since, before, limit)

    async def keep_video(
        self,
        video: Video,
        *,
        was: Video | None,
        event: Event | None = None,
        actor: str = "",
        due: int | None = None,
    ) -> VideoKept:
        async with self._call() as context:
            return await videos.keep_video(context, video, was, event, actor, due)

    async def by_user(self, user_id: str, *, after: tuple[str, str] | None, limit: int) -> list[Comment]:
        async with self._call() as context:
            return await reads.by_user(context, user_id, after, limit)

    async def mark_unpublished(self, event: Event, *, at: int) -> None:
        async with self._call() as context:
            await lists.mark_unpublished(context.requests, event, at)

    async def lease_unpublished(self, holder: str, *, now: int, lease_ms: int, limit: int) -> list[Event]:
        async with self._call() as context:
            return await lists.lease_unpublished(context, holder, now, lease_ms, limit, within=self._timeout / 2)

    async def confirm_published(self, events: Sequence[Event]) -> None:
        async with self._call() as context:
            await lists.confirm_published(context.requests, events)

    async def count_unpublished(self) -> int:
        async with self._call() as context:
            return await lists.count_unpublished(context.requests)

    async def add_flag(self, flag: Flag) -> None:
        async with self._call() as context:
            await lists.add_flag(context.requests, flag)

    async def flags(self, *, video_id: str | None, after: tuple[str, str] | None, limit: int) -> list[Flag]:
        async with self._call() as context:
            return await lists.flags(context.requests, video_id, after, limit)

    async def clear_flags(self, video_id: str, comment_id: str) -> None:
        async with self._call() as context:
            await lists.clear_flags(context.requests, video_id, comment_id)

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[Context]:
        """One call: bounded in time, waited for by `close`, its errors as the port has them."""
        if self._client is None:
            raise StoreUnavailable("The store is closed.", retry_after=RETRY_AFTER)
        if self._under_way >= self._pending_writes:
            raise StoreUnavailable(
                f"More calls wait for DynamoDB than HUBBUB_PENDING_WRITES ({self._pending_writes}).",
                retry_after=RETRY_AFTER,
            )
        requests = Requests(self._client, self.place.table, self._observer)
        self._under_way += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(self._timeout):
                yield Context(requests, self._buckets, self._lifetime)
        except TimeoutError:
            raise self._unavailable(requests.cause, requests.answers) from requests.cause
        except DriverError as error:
            raise self._unavailable(error) from error
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _connect(
        self, stack: AsyncExitStack, use: Callable[[Any, Requests], Awaitable[None]], within: float
    ) -> Any:
        """A client that ``use`` has had a look at the table with. Raises `ConfigError` and `StoreUnavailable`."""
        cause: Exception | None = None
        try:
            async with asyncio.timeout(within):
                client = await connect(self.place, patience=self._timeout, stack=stack)
                requests = Requests(client, self.place.table, self._observer)
                try:
                    await use(client, requests)
                finally:
                    cause = requests.cause
                return client
        except TimeoutError:
            raise self._unavailable(cause) from cause
        except DriverError as error:
            if is_misconfigured(error):
                raise ConfigError("HUBBUB_STORE", self._describe(error)) from error
            raise self._unavailable(error) from error

    def _describe(self, error: BaseException | None, answers: int = 0) -> str:
        place, timeout = self.place, self._timeout
        return describe(error, table=place.table, where=str(place), timeout=timeout, answers=answers)

    def _unavailable(self, error: BaseException | None, answers: int = 0) -> StoreUnavailable:
        sentence = self._describe(error, answers)
        return StoreUnavailable(sentence[0].upper() + sentence[1:], retry_after=RETRY_AFTER)
