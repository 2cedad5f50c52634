"""Watching by long poll: the stream's guarantees, by ordinary answers."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hubbub.fanout.polling import MAX_ENTRIES
from hubbub.testing.crowd import eventually, whole_history
from hubbub.testing.raw import Answer, Connection, Stream, request_bytes
from hubbub.testing.server import Running, ServerProcess, running_server, token

COMMENTS = "/v1/videos/v/comments"
POLL = COMMENTS + "/poll"
MODERATOR = token("mod", ("read", "post", "moderate"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server."""
    async with running_server(tmp_path) as running:
        yield running


async def post(url: str, text: str) -> str:
    """A comment's id."""
    return str((await call(url, "POST", COMMENTS, {"text": text}))["id"])


async def call(url: str, method: str, target: str, body: Any = None) -> Any:
    """What a moderator's call is answered with."""
    async with await Connection.open(url) as connection:
        sent = None if body is None else json.dumps(body).encode()
        answer = await connection.request(method, target, token=MODERATOR, body=sent)
        assert answer.status in (200, 201, 204), answer
        return answer.json() if answer.body else None


class Poller:
    """A client that polls on one connection. ``seen`` is every event so far."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.position: str | None = None
        self.seen: list[dict[str, Any]] = []

    async def ask(self, query: str = "") -> Answer:
        """One poll, whatever comes of it."""
        after = "" if self.position is None else f"after={self.position}"
        return await self.connection.request("GET", f"{POLL}?{'&'.join(filter(None, (after, query)))}")

    async def poll(self, query: str = "") -> list[dict[str, Any]]:
        """The events of one poll."""
        answer = await self.ask(query)
        assert answer.status == 200, answer
        assert answer.header("cache-control") == "no-store"
        body = answer.json()
        assert list(body) == ["events", "position"]
        self.position = body["position"]
        assert isinstance(self.position, str)
        events: list[dict[str, Any]] = body["events"]
        self.seen += events
        return events

    @property
    def ids(self) -> list[str]:
        """Of the comments seen."""
        return [event["data"]["id"] for event in self.seen if event["event"] == "comment"]


@asynccontextmanager
async def polling(url: str) -> AsyncIterator[Poller]:
    """A client of the server at ``url``."""
    async with await Connection.open(url) as connection:
        yield Poller(connection)


def viewers(server: Running) -> int:
    """Who watches."""
    return server.services.hub.viewer_count()


async def test_a_newcomer_is_answered_at_once(server: Running) -> None:
    """With `welcome`, also when there are no comments."""
    async with polling(server.url) as empty:
        [welcome] = await empty.poll()
        assert (welcome["event"], welcome["id"]) == ("welcome", None)
        assert welcome["data"]["viewers"] == 1
        assert welcome["data"]["position"] == empty.position


async def test_a_newcomer_has_the_newest_comments(server: Running) -> None:
    """As many as were asked for, without the video's id, and what comes next is what comes."""
    ids = [await post(server.url, str(number)) for number in range(5)]
    async with polling(server.url) as poller:
        names = [event["event"] for event in await poller.poll("backlog=3")]
        assert names == ["welcome", "comment", "comment", "comment"]
        assert poller.ids == ids[2:]
        assert "video_id" not in poller.seen[1]["data"]
        assert await poller.poll("wait=0") == []


async def test_a_poll_is_held_until_something_comes(server: Running) -> None:
    """It is a viewer meanwhile, answered at the tick, and the next one goes on from there; `id`s are places too."""
    async with polling(server.url) as poller:
        await poller.poll()
        waiting = asyncio.create_task(poller.poll("wait=50"))
        await eventually(lambda: viewers(server) == 1)
        assert not waiting.done()
        first = await post(server.url, "first")
        [event] = await asyncio.wait_for(waiting, 5)
        assert (event["event"], event["data"]["id"], event["id"]) == ("comment", first, poller.position)
        assert viewers(server) == 0
        second = await post(server.url, "second")
        [event] = await poller.poll()
        assert event["data"]["id"] == second
        poller.position = poller.seen[-2]["id"]
        assert [event["data"]["id"] for event in await poller.poll()] == [second]


async def test_nothing_came_is_an_answer_too(server: Running) -> None:
    """When the time is over: no events, and a place to go on from."""
    async with polling(server.url) as poller:
        await poller.poll()
        assert await poller.poll("wait=1") == []
        id = await post(server.url, "late")
        assert [event["data"]["id"] for event in await poller.poll()] == [id]


async def test_a_poll_brings_what_a_stream_brings(server: Running) -> None:
    """Every kind of event, the same data, the same places, in the same order."""
    async with polling(server.url) as poller, Stream.open(server.url, "v") as stream:
        await poller.poll()
        id = await post(server.url, "one")
        await call(server.url, "POST", "/v1/videos/v/start")
        acts = [("PUT", "/pin"), ("DELETE", "/pin"), ("POST", "/hide"), ("POST", "/restore"), ("DELETE", "")]
        for method, act in acts:
            await call(server.url, method, f"{COMMENTS}/{id}{act}")
        await call(server.url, "POST", "/v1/videos/v/end")
        events = await stream.until("end")
        streamed = [(event.name, event.json()) for event in events]
        while poller.seen[-1]["event"] != "end":
            await poller.poll()
        polled = [(event["event"], event["data"]) for event in poller.seen[1:]]
        # The text is gone from what is served after the deletion, be it by stream or by poll, so some may be missing.
        rest = iter(streamed)
        assert all(event in rest for event in polled), (polled, streamed)
        assert poller.seen[-1]["id"] == events[-1].id
        assert "comment_deleted" in [event["event"] for event in poller.seen]


async def test_what_is_deleted_is_not_polled(server: Running) -> None:
    """A poll after the deletion has the deletion, and not the comment; the place is that of all that happened."""
    async with polling(server.url) as poller:
        await poller.poll()
        id = await post(server.url, "secret")
        await call(server.url, "DELETE", f"{COMMENTS}/{id}")
        answer = await poller.ask()
        assert b"secret" not in answer.body
        assert [event["event"] for event in answer.json()["events"]] == ["comment_deleted"]


async def test_a_client_on_a_bad_line_asks_for_little(server: Running) -> None:
    """However few events it wants in an answer, it gets all of them, once, wherever ticks began and ended."""
    async with polling(server.url) as poller:
        await poller.poll()
        ids = list(await asyncio.gather(*(post(server.url, str(number)) for number in range(40))))
        sizes = []
        while len(poller.ids) < 40:
            sizes.append(len(await poller.poll("limit=3")))
        assert set(sizes) <= {1, 2, 3}
        assert sorted(poller.ids) == sorted(ids)
        assert await poller.poll("wait=0&limit=1") == []


@pytest.mark.parametrize("place", ["nonsense", "other.1.1", "%00", "e" * 500])
async def test_an_unknown_place_is_a_reset(server: Running, place: str) -> None:
    """Then the newest comments, and a place to go on from."""
    ids = [await post(server.url, str(number)) for number in range(3)]
    async with polling(server.url) as poller:
        poller.position = place
        [reset, *_] = await poller.poll("backlog=2")
        assert reset["event"] == "reset"
        assert reset["data"]["state"] == "upcoming"
        assert poller.ids == ids[1:]
        assert await poller.poll("wait=0") == []


async def test_a_long_way_back_comes_in_several_answers(tmp_path: Path) -> None:
    """Everything missed, once, in order, each answer within its bound."""
    async with running_server(tmp_path) as server, polling(server.url) as poller:
        await poller.poll()
        async with await Connection.open(server.url) as connection:
            for batch in range(4):
                body = json.dumps({"text": f"batch {batch}"}).encode()
                one = request_bytes("POST", COMMENTS, headers=[("Authorization", f"Bearer {MODERATOR}")], body=body)
                for _ in range(300):
                    await connection.send(one)
                for _ in range(300):
                    assert (await connection.answer()).status == 201
        sizes = []
        while len(poller.ids) < 1200:
            sizes.append(len(await poller.poll()))
        assert len(sizes) >= 2
        assert max(sizes) <= MAX_ENTRIES
        assert poller.ids == [comment["id"] for comment in await whole_history(server.url, "v")]


@pytest.mark.parametrize("bound", ["max_viewers", "max_connections"])
async def test_no_seat_is_a_status_that_says_when(tmp_path: Path, bound: str) -> None:
    """A held poll takes a seat, of the address too, and gives it back when it is answered or its client has gone. Polls
    leave half of the connections to others."""
    async with running_server(tmp_path, **{bound: 1 if bound == "max_viewers" else 3}) as server:
        async with polling(server.url) as first, polling(server.url) as second:
            await first.poll()
            held = asyncio.create_task(first.ask("wait=50"))
            await eventually(lambda: viewers(server) == 1)
            refused = await second.ask()
            assert (refused.status, refused.json()["code"]) == (503, "no_seat")
            assert 10 <= int(refused.header("retry-after") or 0) <= 30
            held.cancel()
        async with polling(server.url) as third:
            await eventually(lambda: viewers(server) == 0)
            await third.poll()


async def test_a_stopping_server_answers_who_waits(tmp_path: Path) -> None:
    """At once and politely, so that they ask elsewhere; who asks then is told that it stops."""
    async with running_server(tmp_path, drain_window=0.2) as server, polling(server.url) as poller:
        await poller.poll()
        held = asyncio.create_task(poller.poll("wait=50"))
        await eventually(lambda: viewers(server) == 1)
        server.services.hub.draining = True
        async with polling(server.url) as late:
            refused = await late.ask()
            assert (refused.status, refused.json()["code"]) == (503, "draining")
            assert refused.header("retry-after")
        await server.services.hub.drain(0.2)
        assert await asyncio.wait_for(held, 5) == []


async def test_a_poll_lasts_no_longer_than_its_token(tmp_path: Path) -> None:
    """It is answered when the token ends, and the next one is refused."""
    async with running_server(tmp_path, watch="token") as server, await Connection.open(server.url) as connection:
        short = token(lifetime=1.5)
        first = await connection.request("GET", f"{POLL}?access_token={short}")
        assert first.status == 200
        held = await asyncio.wait_for(
            connection.request("GET", f"{POLL}?wait=50&after={first.json()['position']}", token=short), 10
        )
        assert (held.status, held.json()["events"]) == (200, [])
        again = await connection.request("GET", POLL, token=short)
        assert (again.status, again.json()["code"]) == (401, "token_expired")
        nobody = await connection.request("GET", POLL)
        assert (nobody.status, nobody.json()["code"]) == (401, "no_token")


async def test_odd_polls_are_refused(server: Running) -> None:
    """By a status that says why; other methods are told the right ones."""
    async with await Connection.open(server.url) as connection:
        for query in (
            "wait=51",
            "wait=-1",
            "wait=x",
            "backlog=201",
            "limit=0",
            "limit=501",
            "last_event_id=x",
            "after=a&after=b",
        ):
            answer = await connection.request("GET", f"{POLL}?{query}")
            assert (answer.status, answer.json()["code"]) == (400, "bad_query"), query
        for method in ("POST", "DELETE"):
            answer = await connection.request(method, POLL, token=MODERATOR)
            assert (answer.status, answer.header("allow")) == (405, "GET, HEAD")
        assert (await connection.request("HEAD", POLL)).status == 200


async def test_an_unregistered_video_is_not_found(tmp_path: Path) -> None:
    """Whoever polls reads the status, and may ask again."""
    async with running_server(tmp_path, videos="registered") as server, polling(server.url) as poller:
        answer = await poller.ask()
        assert (answer.status, answer.json()["code"]) == (404, "no_such_video")


@pytest.mark.slow
async def test_polls_lose_and_double_nothing_through_load_and_kill_9(tmp_path: Path) -> None:
    """Ten who poll, at their own pace, while ten post and the server is killed twice: each has every accepted comment
    once, in the order of the log."""
    async with asyncio.timeout(90), ServerProcess(tmp_path) as server:
        done = asyncio.Event()
        last = ""

        async def watch(seed: int) -> list[str]:
            dice = random.Random(seed)
            position: str | None = None
            seen: list[dict[str, Any]] = []
            while not (last and any(event["data"].get("id") == last for event in seen)):
                try:
                    async with polling(server.url) as poller:
                        poller.position, poller.seen = position, seen
                        try:
                            while not (last and last in poller.ids[-5:]):
                                await poller.poll(f"wait={dice.choice([0, 1, 20])}")
                                position = poller.position
                                await asyncio.sleep(dice.random() / 50)
                        finally:
                            seen = poller.seen
                except (OSError, EOFError):
                    await asyncio.sleep(0.05)
            assert "reset" not in [event["event"] for event in seen]
            return [event["data"]["id"] for event in seen if event["event"] == "comment"]

        async def say(name: int) -> list[str]:
            accepted = []
            number = 0
            while not done.is_set():
                try:
                    async with await Connection.open(server.url) as connection:
                        while not done.is_set():
                            key = f"{name}-{number}"
                            body = json.dumps({"text": key}).encode()
                            headers = [("Idempotency-Key", key)]
                            answer = await connection.request(
                                "POST", COMMENTS, token=MODERATOR, headers=headers, body=body
                            )
                            assert answer.status == 201, answer
                            accepted.append(answer.json()["id"])
                            number += 1
                            await asyncio.sleep(0.01)
                except (OSError, EOFError):
                    await asyncio.sleep(0.05)
            return accepted

        watching = [asyncio.create_task(watch(seed)) for seed in range(10)]
        saying = [asyncio.create_task(say(name)) for name in range(10)]
        for _ in range(2):
            await asyncio.sleep(2)
            await server.kill()
            await server.start()
        await asyncio.sleep(1)
        done.set()
        accepted = [id for ids in await asyncio.gather(*saying) for id in ids]
        last = await post(server.url, "last")
        seen = await asyncio.gather(*watching)
        history = [comment["id"] for comment in await whole_history(server.url, "v")]
    assert set(accepted) <= set(history)
    assert sorted(seen[0]) == sorted(history)
    assert all(one == seen[0] for one in seen)
