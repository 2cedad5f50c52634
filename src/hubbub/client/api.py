"""The calls: one method each, with retries that are safe to make."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Self

import httpx

from hubbub.client.backoff import Backoff
from hubbub.client.calls import Calls, OnRetry, Token
from hubbub.client.choosing import ChoosingWatcher
from hubbub.client.paths import comment_path, comments_path, decimal, video_path
from hubbub.client.polling import Ask, PollWatcher
from hubbub.client.sharding import Shard
from hubbub.client.watching import Connect, OnState, Watcher, WatchEvent, is_comment

MAX_PAGE = 200
MAX_REPLAY_PAGE = 1_000

_HELD = 25
"""Seconds that the server is asked to hold a poll."""


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""What is not told of a video, as None is something to tell."""


class Page(NamedTuple):
    """A page of history; ``next_cursor`` is None on the last one."""

    comments: list[dict[str, Any]]
    next_cursor: str | None
    has_more: bool


class VideoPage(NamedTuple):
    """A page of the videos there are; ``next_cursor`` is None on the last one."""

    videos: list[dict[str, Any]]
    next_cursor: str | None
    has_more: bool


class HubbubClient:
    """A client of one service; an async context manager. Comments are dicts as ``/docs`` describes them.

    Every call is repeated on 429, 502, 503, 504 and network failures, waiting as the server asks (``Retry-After``), for
    at most ``retry_for`` seconds in all (0: never). That is safe: a post is repeated under one idempotency key, and the
    other calls have the same effect twice as once. Each attempt may take ``timeout`` seconds. ``on_retry`` is told
    the error and the seconds until the next attempt.

    A stream that brings no byte for ``silence`` seconds is taken for dead (the server's heartbeat comes every 15 by
    default), and one that brings no event within ``welcome_within`` seconds for held back by the network.
    ``first_wait`` and ``longest_wait`` bound the waits between a stream's connections; the server names a first wait
    of its own.

    ``http``: an own `httpx.AsyncClient`, for proxies or certificates; it is then left open at the end.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        token: Token = None,
        timeout: float = 10.0,
        retry_for: float = 30.0,
        on_retry: OnRetry | None = None,
        silence: float = 45.0,
        first_wait: float = 1.0,
        longest_wait: float = 30.0,
        welcome_within: float = 6.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._silence = silence
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._welcome_within = welcome_within
        self._owns_http = http is None
        # No bound on connections: each stream holds one for as long as it is watched.
        http = http or httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=20))
        self._calls = Calls(base_url, token=token, timeout=timeout, retry_for=retry_for, on_retry=on_retry, http=http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        if self._owns_http:
            await self._calls.http.aclose()

    # --- posting and reading ------------------------------------------------------------------------------------------

    async def post(
        self,
        video_id: str,
        text: str,
        *,
        nonce: str | None = None,
        meta: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Post a comment; the comment as it stands. Raises `ApiError`, `Unreachable`.

        ``idempotency_key``: give the same one to repeat a post across restarts of your program; by default each
        call has its own.
        """
        draft: dict[str, Any] = {"text": text}
        if nonce is not None:
            draft["nonce"] = nonce
        if meta is not None:
            draft["meta"] = meta
        key = idempotency_key if idempotency_key is not None else str(uuid.uuid4())
        return await self._comment("POST", comments_path(video_id), json=draft, headers={"Idempotency-Key": key})

    async def page(
        self, video_id: str, *, cursor: str | None = None, limit: int = 50, sort: Literal["desc", "asc"] = "desc"
    ) -> Page:
        """One page of history, ``limit`` (1–200) comments at most."""
        params: dict[str, Any] = {"limit": limit, "sort": sort}
        if cursor is not None:
            params["cursor"] = cursor
        return self._page(await self._calls.call("GET", comments_path(video_id), params=params))

    def _page(self, found: Any) -> Page:
        match found:
            case {"comments": [*comments], "next_cursor": str() | None as following, "has_more": bool(has_more)} if all(
                map(is_comment, comments)
            ):
                return Page(comments, following, has_more)
            case _:
                raise self._calls.misfit("a page of comments")

    async def history(
        self, video_id: str, sort: Literal["desc", "asc"] = "desc", *, limit: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Every comment, page after page; ``limit``: no more than so many in all."""
        left = limit
        cursor: str | None = None
        while left is None or left > 0:
            size = MAX_PAGE if left is None else min(left, MAX_PAGE)
            page = await self.page(video_id, cursor=cursor, limit=size, sort=sort)
            for comment in page.comments:
                yield comment
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
            left = None if left is None else left - len(page.comments)

    async def comment(self, video_id: str, comment_id: str) -> dict[str, Any]:
        """One comment."""
        return await self._comment("GET", comment_path(video_id, comment_id))

    # --- moderating ---------------------------------------------------------------------------------------------------

    async def delete(self, video_id: str, comment_id: str) -> None:
        """Erase a comment for good: the author's right, and a moderator's."""
        await self._calls.call("DELETE", comment_path(video_id, comment_id))

    async def hide(self, video_id: str, comment_id: str) -> dict[str, Any]:
        """Take a comment out of sight; the comment as it then stands."""
        return await self._comment("POST", comment_path(video_id, comment_id) + "/hide")

    async def restore(self, video_id: str, comment_id: str) -> dict[str, Any]:
        """Show a hidden comment again; the comment as it then stands."""
        return await self._comment("POST", comment_path(video_id, comment_id) + "/restore")

    async def pin(self, video_id: str, comment_id: str) -> dict[str, Any]:
        """Put a comment on top; the comment as it then stands."""
        return await self._comment("PUT", comment_path(video_id, comment_id) + "/pin")

    async def unpin(self, video_id: str, comment_id: str) -> None:
        """Take a pinned comment down."""
        await self._calls.call("DELETE", comment_path(video_id, comment_id) + "/pin")

    # --- videos -------------------------------------------------------------------------------------------------------

    async def video_page(
        self,
        *,
        state: Literal["live", "ended", "upcoming"] | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> VideoPage:
        """One page of what is on, ``limit`` (1–200) videos at most, the latest first."""
        given = {"state": state, "cursor": cursor, "limit": limit}
        params = {name: value for name, value in given.items() if value is not None}
        match await self._calls.call("GET", "/v1/videos", params=params):
            case {"videos": [*videos], "next_cursor": str() | None as following, "has_more": bool(has_more)} if all(
                map(_is_video, videos)
            ):
                return VideoPage(videos, following, has_more)
            case _:
                raise self._calls.misfit("a page of videos")

    async def videos(
        self, state: Literal["live", "ended", "upcoming"] | None = None, *, limit: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """What is on, page after page; ``limit``: no more than so many in all."""
        left = limit
        cursor: str | None = None
        while left is None or left > 0:
            size = MAX_PAGE if left is None else min(left, MAX_PAGE)
            page = await self.video_page(state=state, cursor=cursor, limit=size)
            for video in page.videos:
                yield video
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
            left = None if left is None else left - len(page.videos)

    async def video(self, video_id: str) -> dict[str, Any]:
        """What is known of a video."""
        return await self._video("GET", video_id)

    async def put_video(
        self,
        video_id: str,
        *,
        title: str | Unchanged | None = UNCHANGED,
        media_url: str | Unchanged | None = UNCHANGED,
        started_at: int | Unchanged | None = UNCHANGED,
        shards: int | Unchanged | None = UNCHANGED,
    ) -> dict[str, Any]:
        """Register a video, or change what is known of it: what is not given stays, None forgets it. ``started_at`` is
        in milliseconds since the Unix epoch; over ``shards`` gateways its viewers are spread.
        """
        told = {"title": title, "media_url": media_url, "started_at": started_at, "shards": shards}
        given = {name: value for name, value in told.items() if value is not UNCHANGED}
        return await self._video("PUT", video_id, json=given)

    async def start_video(self, video_id: str) -> dict[str, Any]:
        """It starts now; one that has ended goes on."""
        return await self._video("POST", video_id, "/start")

    async def end_video(self, video_id: str) -> dict[str, Any]:
        """It ends now."""
        return await self._video("POST", video_id, "/end")

    async def replay(self, video_id: str, start: float = 0, duration: float = 180) -> AsyncIterator[dict[str, Any]]:
        """The comments of a stretch of the timeline, in seconds, in order; page after page. `ApiError` with the code
        ``start_unknown`` while the video's start is not known.
        """
        params: dict[str, Any] = {"start": decimal(start), "duration": decimal(duration), "limit": MAX_REPLAY_PAGE}
        while True:
            page = self._page(await self._calls.call("GET", video_path(video_id) + "/replay", params=params))
            for comment in page.comments:
                yield comment
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    # --- watching -----------------------------------------------------------------------------------------------------

    def watch(
        self,
        video_id: str,
        *,
        backlog: int = 100,
        batch: bool = True,
        last_event_id: str | None = None,
        on_state: OnState | None = None,
        transport: Literal["auto", "stream", "poll"] = "auto",
    ) -> AsyncGenerator[WatchEvent, None]:
        """Everything that happens on a video: the newest ``backlog`` (0–200) comments, or what came after the place
        ``last_event_id``, then whatever comes.

        What it promises stands in `hubbub.client.watching`. ``batch``: have the server send a tick's comments as
        one array (less to parse); they arrive here one by one all the same. Cancelling the task that iterates
        closes the connection at once. ``transport``: ``stream``; or ``poll``, which asks again and again instead of
        holding a stream open, for networks that hold streams back (there is then no `welcome` but the first, and none
        at a ``last_event_id``); or ``auto``: a stream, and polls while streams are held back. Who leaves the loop by
        ``break`` and wants the connection closed at once, too, uses ``async with contextlib.aclosing(…)``.
        """
        if last_event_id is not None and not last_event_id.isprintable():
            raise ValueError("last_event_id must be an event's id as it was given")
        url = f"{self._calls.base_url}{comments_path(video_id)}/"
        shard = Shard(partial(self._calls.once, "GET", video_path(video_id)))
        connect = self._streams(url + "stream", shard, {"backlog": backlog, "batch": int(batch)})
        ask = self._polls(url + "poll", shard, backlog)
        backoff = Backoff(self._first_wait, self._longest_wait)
        if transport == "stream":
            return Watcher(connect, backoff=backoff, last_event_id=last_event_id, on_state=on_state).events()
        if transport == "poll":
            return PollWatcher(ask, backoff=backoff, last_event_id=last_event_id, on_state=on_state).events()
        return ChoosingWatcher(
            connect,
            ask,
            patience=self._welcome_within,
            backoff=backoff,
            last_event_id=last_event_id,
            on_state=on_state,
        ).events()

    def _streams(self, url: str, shard: Shard, asked: dict[str, int]) -> Connect:
        @asynccontextmanager
        async def connect(place: str | None) -> AsyncIterator[httpx.Response]:
            headers = await self._calls.headers()
            params = asked | await shard.params(headers)
            headers |= {"Accept": "text/event-stream", "Cache-Control": "no-store"}
            # As bytes: httpx would refuse what is not ASCII, and an id is the server's to choose.
            resume = [] if place is None else [(b"Last-Event-ID", place.encode())]
            timeout = httpx.Timeout(self._calls.timeout, read=self._silence)
            all_headers = [(name.encode(), value.encode()) for name, value in headers.items()] + resume
            http = self._calls.http
            async with http.stream("GET", url, params=params, headers=all_headers, timeout=timeout) as response:
                yield response

        return connect

    def _polls(self, url: str, shard: Shard, backlog: int) -> Ask:
        held = max(int(min(_HELD, self._silence / 2)), 1)

        @asynccontextmanager
        async def ask(place: str | None, limit: int) -> AsyncIterator[httpx.Response]:
            headers = await self._calls.headers()
            params: dict[str, Any] = {"backlog": backlog, "wait": held, "limit": limit}
            params |= await shard.params(headers)
            if place is not None:
                params["after"] = place
            timeout = httpx.Timeout(self._calls.timeout, read=max(self._silence, held + self._calls.timeout))
            async with self._calls.http.stream("GET", url, params=params, headers=headers, timeout=timeout) as response:
                yield response

        return ask

    # --- answers ------------------------------------------------------------------------------------------------------

    async def _comment(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """A call that is answered with a comment."""
        found = await self._calls.call(method, path, **request)
        if not is_comment(found):
            raise self._calls.misfit("a comment")
        comment: dict[str, Any] = found
        return comment

    async def _video(self, method: str, video_id: str, path: str = "", **request: Any) -> dict[str, Any]:
        """A call that is answered with a video."""
        found = await self._calls.call(method, video_path(video_id) + path, **request)
        if not _is_video(found):
            raise self._calls.misfit("a video")
        video: dict[str, Any] = found
        return video


def _is_video(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("video_id"), str)
