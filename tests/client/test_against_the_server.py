"""The client and the real server, over real sockets, with a meddler between them that cuts connections."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from hubbub.client import ApiError, HubbubClient, WatchEvent
from hubbub.testing.server import Running, running_server, token

Transport = Literal["stream", "poll"]
MODERATOR = ("read", "post", "moderate")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server that asks those who lose it to come back quickly."""
    async with running_server(tmp_path, retry_min=0.05, retry_max=0.1) as running:
        yield running


@pytest.fixture
async def hubbub(server: Running) -> AsyncIterator[HubbubClient]:
    """A client that may do everything."""
    async with HubbubClient(server.url, token=token("ada", MODERATOR)) as client:
        yield client


class Cutter:
    """A TCP proxy that cuts every connection after a few kilobytes, wherever that falls.

    A little later each time: one `comment_batch` can be larger than any fixed limit, and would then never get through.
    """

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Cutter]:
        """Listen on a free port until left."""
        listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = "http://{}:{}".format(*listener.sockets[0].getsockname())
        try:
            yield self
        finally:
            listener.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        asking = asyncio.create_task(_pump(reader, up_writer, None))
        try:
            await _pump(up_reader, writer, random.randint(400, 6000) + 1500 * self.cuts)
            self.cuts += 1
        finally:
            asking.cancel()
            writer.transport.abort()
            up_writer.close()
            self._tasks.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    with contextlib.suppress(ConnectionError):
        while limit is None or limit > 0:
            data = await reader.read(min(4096, limit or 4096))
            if not data:
                return
            limit = None if limit is None else limit - len(data)
            writer.write(data)
            await writer.drain()


@pytest.fixture(params=["stream", "poll"])
def transport(request: pytest.FixtureRequest) -> Transport:
    """How it is watched: either way the same holds."""
    found: Transport = request.param
    return found


async def until(client: HubbubClient, video_id: str, last: str, transport: Transport = "stream") -> list[WatchEvent]:
    """Everything that a watcher is given up to the comment with the text ``last``."""
    seen: list[WatchEvent] = []
    async with asyncio.timeout(30), aclosing(client.watch(video_id, transport=transport)) as events:
        async for event in events:
            seen.append(event)
            if event.name == "comment" and event.data["text"] == last:
                break
    return seen


async def test_a_comment_goes_round(hubbub: HubbubClient, transport: Transport) -> None:
    """What is posted is what is answered, watched, and read."""
    posted = await hubbub.post("launch", "  Liftoff! 🚀 ", nonce="n1", meta={"a": [1, None]})
    seen = await until(hubbub, "launch", "Liftoff! 🚀", transport)
    assert [event.name for event in seen] == ["welcome", "comment"]
    assert seen[1].data == without_video_id(posted)
    assert [comment async for comment in hubbub.history("launch")] == [posted]
    assert await hubbub.comment("launch", posted["id"]) == posted


async def test_history_is_read_over_page_borders(hubbub: HubbubClient) -> None:
    """More comments than a page holds come in order, both ways, once."""
    await asyncio.gather(*(hubbub.post("launch", str(number)) for number in range(205)))
    ids = [comment["id"] async for comment in hubbub.history("launch", "asc")]
    assert len(ids) == 205
    assert ids == sorted(ids)
    assert [comment["id"] async for comment in hubbub.history("launch")] == ids[::-1]
    assert [comment["id"] async for comment in hubbub.history("launch", limit=3)] == ids[:-4:-1]


async def test_a_repeated_key_is_one_comment(hubbub: HubbubClient) -> None:
    """The same key and text twice is the same comment; with another text it is an error."""
    first = await hubbub.post("launch", "once", idempotency_key="k")
    assert await hubbub.post("launch", "once", idempotency_key="k") == first
    with pytest.raises(ApiError) as caught:
        await hubbub.post("launch", "twice", idempotency_key="k")
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")


async def test_moderation_reaches_a_watcher(hubbub: HubbubClient, transport: Transport) -> None:
    """Every act is answered as documented and comes to whoever watches."""
    comment = await hubbub.post("launch", "pin me")
    id = comment["id"]
    async with asyncio.timeout(10), aclosing(hubbub.watch("launch", transport=transport)) as events:
        assert [(await anext(events)).name for _ in range(2)] == ["welcome", "comment"]
        assert (await hubbub.pin("launch", id))["pinned"] is True
        assert (await anext(events))[:2] == ("comment_pinned", without_video_id(comment | {"pinned": True}))
        await hubbub.unpin("launch", id)
        assert (await anext(events)).name == "comment_unpinned"
        assert (await hubbub.hide("launch", id))["status"] == "hidden"
        assert (await anext(events)).name == "comment_hidden"
        assert await hubbub.restore("launch", id) == comment
        assert (await anext(events))[:2] == ("comment_restored", without_video_id(comment))
        await hubbub.delete("launch", id)
        deleted = await anext(events)
        assert (deleted.name, deleted.data["id"]) == ("comment_deleted", id)
    with pytest.raises(ApiError) as caught:
        await hubbub.comment("launch", id)
    assert caught.value.code == "no_such_comment"


def without_video_id(comment: dict[str, Any]) -> dict[str, Any]:
    """A comment as its own video's stream carries it."""
    return {name: value for name, value in comment.items() if name != "video_id"}


@pytest.mark.slow
@pytest.mark.parametrize("batch", [True, False])
async def test_cut_connections_lose_and_double_nothing(
    server: Running, hubbub: HubbubClient, batch: bool, transport: Transport
) -> None:
    """However often and wherever a stream is cut, its watcher has every comment once, in the order of the log."""
    async with Cutter(server.url).running() as cutter, HubbubClient(cutter.url, first_wait=0.05) as shaky:
        seen: list[str] = []
        placed = asyncio.Event()

        async def watch() -> None:
            async with aclosing(shaky.watch("launch", batch=batch, transport=transport)) as events:
                async for event in events:
                    assert event.name != "reset"
                    if event.id is not None:
                        placed.set()
                    if event.name == "comment":
                        seen.append(event.data["id"])
                        if event.data["text"] == "last":
                            return

        watching = asyncio.create_task(watch())
        undisturbed = asyncio.create_task(until(hubbub, "launch", "last"))
        await asyncio.wait_for(placed.wait(), 10)
        posted = []
        for round_ in range(60):
            texts = [f"{round_} {'x' * random.randint(1, 300)}" for _ in range(random.randint(1, 8))]
            posted += await asyncio.gather(*(hubbub.post("launch", text) for text in texts))
        posted.append(await hubbub.post("launch", "last"))
        await asyncio.wait_for(watching, 30)
    assert cutter.cuts > 5
    assert sorted(seen) == sorted(comment["id"] for comment in posted)
    assert seen == [event.data["id"] for event in await undisturbed if event.name == "comment"]


async def test_a_place_outlives_the_watcher(hubbub: HubbubClient, transport: Transport) -> None:
    """An event's id, kept, resumes there in another connection of another time."""
    await hubbub.post("launch", "one")
    [*_, last] = await until(hubbub, "launch", "one", transport)
    missed = [await hubbub.post("launch", text) for text in ("two", "three")]
    seen: list[WatchEvent] = []
    resumed = hubbub.watch("launch", last_event_id=last.id, transport=transport)
    async with asyncio.timeout(10), aclosing(resumed) as events:
        async for event in events:
            seen.append(event)
            if event.name == "comment" and event.data["text"] == "three":
                break
    if transport == "stream":
        assert seen.pop(0).data["resumed"] is True
    assert [event.data["id"] for event in seen] == [comment["id"] for comment in missed]


async def test_an_unknown_place_is_a_reset(hubbub: HubbubClient, transport: Transport) -> None:
    """A place that is none of the server's is answered by `reset` and the newest comments."""
    comment = await hubbub.post("launch", "one")
    seen: list[WatchEvent] = []
    lost = hubbub.watch("launch", last_event_id="what is this", transport=transport)
    async with asyncio.timeout(10), aclosing(lost) as events:
        async for event in events:
            seen.append(event)
            if event.name == "comment":
                break
    assert [event.name for event in seen] == [*(["welcome"] if transport == "stream" else []), "reset", "comment"]
    assert seen[-1].data["id"] == comment["id"]


async def test_refusals_are_the_servers_own_words(server: Running, hubbub: HubbubClient, transport: Transport) -> None:
    """Codes and details arrive as they were sent."""
    for call, status, code in (
        (hubbub.post("launch", " "), 422, "text_empty"),
        (hubbub.page("no/such"), 404, "no_such_page"),
        (hubbub.hide("launch", "01a1fc0b-2b3e-728f-ab0b-849a4d6782ae"), 404, "no_such_comment"),
    ):
        with pytest.raises(ApiError) as caught:
            await call
        assert (caught.value.status, caught.value.code) == (status, code)
    async with HubbubClient(server.url, token=token("eve", ("read",))) as reader:
        with pytest.raises(ApiError, match="scope post") as caught:
            await reader.post("launch", "hi")
    assert caught.value.problem["scope"] == "post"
    async with HubbubClient(server.url) as nobody:
        with pytest.raises(ApiError) as caught:
            await nobody.post("launch", "hi")
        assert (caught.value.status, caught.value.code) == (401, "no_token")
        with pytest.raises(ApiError) as caught:
            await until(nobody, "no such video!", "", transport)
        assert (caught.value.status, caught.value.code) == (400, "bad_video_id")


async def test_a_rate_limit_is_waited_out(tmp_path: Path) -> None:
    """Posting faster than allowed takes longer and loses nothing."""
    from hubbub.limiters.base import Limit

    async with (
        running_server(tmp_path, post_limit=Limit(2, 0.5)) as server,
        HubbubClient(server.url, token=token()) as client,
    ):
        posted = await asyncio.gather(*(client.post("launch", str(number)) for number in range(4)))
        assert len({comment["id"] async for comment in client.history("launch")}) == len(posted) == 4


async def test_a_watcher_survives_a_restart(tmp_path: Path, transport: Transport) -> None:
    """Drained by one process, a watcher goes on at the next one on the same port, and misses nothing."""
    states: list[str] = []
    async with running_server(tmp_path, retry_min=0.05, retry_max=0.1) as first:
        port = urlsplit(first.url).port
        async with HubbubClient(first.url, token=token(), first_wait=0.05) as client:
            await client.post("launch", "before")
        watcher = HubbubClient(first.url, first_wait=0.05, longest_wait=0.3)
        events = watcher.watch(
            "launch", on_state=lambda state, detail: states.append(f"{state} {detail}"), transport=transport
        )
        assert (await anext(events)).name == "welcome"
        assert (await anext(events)).data["text"] == "before"
        # Read on while the server drains, as a real watcher would.
        following = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
    async with running_server(tmp_path, port=port) as second:
        async with HubbubClient(second.url, token=token()) as client:
            await client.post("launch", "after")
        async with asyncio.timeout(20):
            event = await following
            if transport == "stream":
                assert event.name == "welcome"
                assert event.data["resumed"] is True
                event = await anext(events)
            assert event.data["text"] == "after"
        await events.aclose()
        await watcher.aclose()
    if transport == "stream":
        assert any(state.startswith("waiting") and "draining" in state for state in states)
    assert states[-1].startswith("live")


async def test_a_video_is_told_of_and_replayed(hubbub: HubbubClient) -> None:
    """Each call is answered with the video, and what is not given stays; replay goes over pages."""
    first = await hubbub.post("launch", "before anybody told")
    assert (await hubbub.video("launch"))["state"] == "upcoming"
    with pytest.raises(ApiError) as caught:
        await anext(hubbub.replay("launch"))
    assert caught.value.code == "start_unknown"
    told = await hubbub.put_video("launch", title="Launch day", started_at=first["created_at"] - 1_500)
    assert (told["title"], told["state"]) == ("Launch day", "live")
    assert (await hubbub.put_video("launch", media_url="/clip.mp4"))["title"] == "Launch day"
    assert (await hubbub.put_video("launch", title=None))["title"] is None
    assert (await hubbub.end_video("launch"))["state"] == "ended"
    assert (await hubbub.start_video("launch"))["started_at"] == told["started_at"]
    assert [comment["offset"] async for comment in hubbub.replay("launch")] == [1.5]
    assert [comment async for comment in hubbub.replay("launch", 0.00001, 1)] == []
