"""Videos: told, started, corrected and ended, as those who post, watch and read come to know it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hubbub.ids import now_ms
from hubbub.model import Video
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.raw import Answer, Connection, Stream
from hubbub.testing.server import Running, ServerProcess, running_server, token

VIDEO = "/v1/videos/v"
COMMENTS = VIDEO + "/comments"
MODERATOR = token("mod", ("read", "post", "moderate"))
ADA = token("ada")


class Caller:
    """One connection to a server, and what is asked on it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def ask(self, method: str, target: str, body: Any = None, *, bearer: str | None = MODERATOR) -> Answer:
        """A request, with ``body`` as JSON unless it is bytes."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return await self.connection.request(method, target, token=bearer, body=sent)

    async def video(self, method: str, path: str = "", body: Any = None) -> dict[str, Any]:
        """A call that is answered with the video."""
        answer = await self.ask(method, VIDEO + path, body)
        assert answer.status == 200, answer
        assert answer.header("cache-control") == "no-store"
        found: dict[str, Any] = answer.json()
        return found

    async def say(self, text: str) -> dict[str, Any]:
        """A comment, as it is answered."""
        answer = await self.ask("POST", COMMENTS, {"text": text}, bearer=ADA)
        assert answer.status == 201, answer
        found: dict[str, Any] = answer.json()
        return found

    async def history(self) -> list[dict[str, Any]]:
        """Every comment, oldest first."""
        found: list[dict[str, Any]] = (await self.ask("GET", COMMENTS + "?sort=asc", bearer=None)).json()["comments"]
        return found


@asynccontextmanager
async def called(url: str) -> AsyncIterator[Caller]:
    """A caller of the server at ``url``."""
    async with await Connection.open(url) as connection:
        yield Caller(connection)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server where any id is a video."""
    async with running_server(tmp_path) as running:
        yield running


@pytest.fixture
async def registering(tmp_path: Path) -> AsyncIterator[Running]:
    """A server where videos are registered first."""
    async with running_server(tmp_path, videos="registered") as running:
        yield running


async def test_a_video_goes_through_its_life(server: Running) -> None:
    """Unknown, told, started, ended, taken up again: each answer is the video as it then stands, and repeats change
    nothing."""
    async with called(server.url) as caller:
        unknown = await caller.video("GET")
        assert unknown == {
            "video_id": "v",
            "title": None,
            "media_url": None,
            "state": "upcoming",
            "started_at": None,
            "ended_at": None,
            "shards": 1,
            "viewers": 0,
            "settings": {},
            "pins": [],
        }
        told = await caller.video("PUT", "", {"title": "  Launch day ", "media_url": "/media/launch.mp4"})
        assert told == unknown | {"title": "Launch day", "media_url": "/media/launch.mp4"}
        before = now_ms()
        started = await caller.video("POST", "/start")
        assert started == told | {"state": "live", "started_at": started["started_at"]}
        assert before <= started["started_at"] <= now_ms()
        assert await caller.video("POST", "/start", {}) == started
        ended = await caller.video("POST", "/end", {})
        assert ended == started | {"state": "ended", "ended_at": ended["ended_at"]}
        assert started["started_at"] <= ended["ended_at"] <= now_ms()
        assert await caller.video("POST", "/end") == ended
        assert await caller.video("POST", "/start") == started
        assert await caller.video("PUT", "", {"title": None}) == started | {"title": None}
        assert await caller.video("GET") == started | {"title": None}


async def test_over_how_many_gateways_its_viewers_are_spread(server: Running) -> None:
    """`shards` is told and kept like the rest, null is 1, viewers get no event of it; a stream and a poll take any
    shard that a video can have, and refuse what is none."""
    async with called(server.url) as caller, Stream.open(server.url, "v", "shard=999") as stream:
        await stream.until("welcome")
        assert (await caller.video("PUT", "", {"shards": 8}))["shards"] == 8
        assert (await caller.video("PUT", "", {"title": "Launch day"}))["shards"] == 8
        assert (await caller.video("POST", "/start"))["shards"] == 8
        assert (await caller.video("PUT", "", {"shards": 1000.0}))["shards"] == 1000
        assert (await caller.video("PUT", "", {"shards": None}))["shards"] == 1
        assert [event.name for event in await stream.until("start")] == ["start"]
        for shards in (0, 1001, -1, 2.5, "2", True, [2], 2**70):
            refused = await caller.ask("PUT", VIDEO, {"shards": shards})
            assert (refused.status, refused.json()["field"]) == (400, "shards"), shards
        forbidden = await caller.ask("PUT", VIDEO, {"shards": 2}, bearer=ADA)
        assert forbidden.status == 403
        assert (await caller.ask("GET", COMMENTS + "/poll?wait=0&shard=7")).status == 200
        for way in ("stream", "poll"):
            for shard in ("1000", "-1", "x", "", "1.0", "%C2%B2", "1&shard=1"):
                refused = await caller.ask("GET", f"{COMMENTS}/{way}?shard={shard}")
                assert (refused.status, refused.json()["field"]) == (400, "shard"), shard


async def test_offsets_follow_the_start_as_it_is_known(server: Running) -> None:
    """A comment bears what was known when it was made; history, and it alone, what is known now."""
    async with called(server.url) as caller, Stream.open(server.url, "v") as stream:
        await stream.until("welcome")
        early = await caller.say("before anybody told")
        assert early["offset"] is None
        started_at = early["created_at"] - 90_500
        await caller.video("PUT", "", {"started_at": started_at})
        late = await caller.say("since")
        assert late["offset"] == (late["created_at"] - started_at) / 1000
        pin = (await caller.ask("PUT", f"{COMMENTS}/{early['id']}/pin")).json()
        assert (pin["offset"], pin["pinned"]) == (90.5, True)
        live = [event.json() for event in await stream.until("comment_pinned")]
        assert [one.get("offset", "none") for one in live] == [None, "none", late["offset"], None]
        assert [one["offset"] for one in await caller.history()] == [90.5, late["offset"]]
        one = await caller.ask("GET", f"{COMMENTS}/{early['id']}", bearer=None)
        assert one.json()["offset"] == 90.5
        moved = await caller.video("PUT", "", {"started_at": early["created_at"] + 250})
        assert (await caller.history())[0]["offset"] == -0.25
        assert moved["pins"][0]["offset"] == -0.25
        await caller.video("PUT", "", {"started_at": None})
        assert [one["offset"] for one in await caller.history()] == [None, None]


async def test_a_start_that_lies_ahead(server: Running) -> None:
    """It is announced: the video is upcoming, comments count down, it can't end, and `start` means now."""
    async with called(server.url) as caller:
        ahead = now_ms() + 3_600_000
        video = await caller.video("PUT", "", {"started_at": float(ahead)})
        assert (video["state"], video["started_at"]) == ("upcoming", ahead)
        offset = (await caller.say("soon"))["offset"]
        assert -3_600 <= offset < -3_500
        refused = await caller.ask("POST", VIDEO + "/end")
        assert (refused.status, refused.json()["code"]) == (409, "video_not_started")
        assert (await caller.video("POST", "/start"))["started_at"] < ahead
        assert (await caller.video("POST", "/end"))["state"] == "ended"
        refused = await caller.ask("PUT", VIDEO, {"started_at": ahead})
        assert (refused.status, refused.json()["code"]) == (422, "start_after_end")


async def test_everyone_watching_is_told_and_those_who_come_back(server: Running) -> None:
    """`start` and `end` come on the stream in their place among the comments, to who resumes too, once; `welcome` and
    `reset` say what is known."""
    async with called(server.url) as caller:
        async with Stream.open(server.url, "v") as stream:
            [welcome] = await stream.until("welcome")
            assert welcome.json()["state"] == "upcoming"
            assert welcome.json()["started_at"] is welcome.json()["ended_at"] is None
            await caller.say("one")
            [seen] = await stream.until("comment")
            place = seen.id
            video = await caller.video("POST", "/start")
            [start] = await stream.until("start")
            at = video["started_at"]
            assert start.json() == {"started_at": at, "ended_at": None, "at": at}
            await caller.video("POST", "/start")
            await caller.video("PUT", "", {"title": "no news for the stream"})
            await caller.say("two")
            video = await caller.video("POST", "/end")
            [two, end] = await stream.until("end")
            assert two.name == "comment"
            told = {"started_at": at, "ended_at": video["ended_at"], "at": video["ended_at"]}
            assert end.json() == told
            await caller.say("goodbye")
            await stream.until("comment")
            assert (await caller.video("GET"))["viewers"] == 1
        async with Stream.open(server.url, "v", last_event_id=place) as stream:
            seen_again = [await stream.next() for _ in range(5)]
            assert [event and event.name for event in seen_again] == ["welcome", "start", "comment", "end", "comment"]
            assert seen_again[3] is not None
            assert seen_again[3].json() == told
        async with Stream.open(server.url, "v", last_event_id="nonsense") as stream:
            for event in await stream.until("reset"):
                assert event.json()["state"] == "ended"
                assert (event.json()["started_at"], event.json()["ended_at"]) == (at, video["ended_at"])


async def test_a_video_nobody_watched_greets_with_what_is_known(server: Running) -> None:
    """Also when its start lies further back than the log that is read at the first viewer, or was corrected since."""
    async with called(server.url) as caller:
        await caller.video("PUT", "", {"started_at": 1_000})
        await caller.video("PUT", "", {"started_at": 2_000})
        for number in range(3):
            await caller.say(str(number))
    async with Stream.open(server.url, "v") as stream:
        [welcome] = await stream.until("welcome")
        assert (welcome.json()["state"], welcome.json()["started_at"]) == ("live", 2_000)


async def test_only_moderators_tell(server: Running) -> None:
    """Without a token, the scope, or this video among the token's: refused, and nothing is changed."""
    others = token("mod", ("moderate",), videos=["other-*"])
    async with called(server.url) as caller:
        for method, path in (("PUT", ""), ("POST", "/start"), ("POST", "/end")):
            for bearer, status, code in (
                (None, 401, "no_token"),
                (ADA, 403, "missing_scope"),
                (others, 403, "video_not_allowed"),
            ):
                answer = await caller.ask(method, VIDEO + path, {}, bearer=bearer)
                assert (answer.status, answer.json()["code"]) == (status, code)
        assert (await caller.video("GET"))["state"] == "upcoming"


BAD_BODIES: list[tuple[str, str, bytes, int, str]] = [
    ("PUT", "", b"", 400, "malformed"),
    ("PUT", "", b"[]", 400, "malformed"),
    ("PUT", "", b'{"titel": "x"}', 400, "malformed"),
    ("PUT", "", b'{"ended_at": 1}', 400, "malformed"),
    ("PUT", "", b'{"title": 1}', 400, "malformed"),
    ("PUT", "", b'{"started_at": "now"}', 400, "malformed"),
    ("PUT", "", b'{"started_at": -1}', 400, "malformed"),
    ("PUT", "", b'{"started_at": 1.5}', 400, "malformed"),
    ("PUT", "", b'{"started_at": 9007199254740993}', 400, "malformed"),
    ("PUT", "", b'{"started_at": 1e999}', 400, "malformed"),
    ("PUT", "", b'{"title": "\\ud800"}', 400, "malformed"),
    ("PUT", "", b'{"title": ""}', 422, "bad_title"),
    ("PUT", "", b'{"title": " \\n "}', 422, "bad_title"),
    ("PUT", "", b'{"title": "two\\nlines"}', 422, "bad_title"),
    ("PUT", "", b'{"title": "two\\u2028lines"}', 422, "bad_title"),
    ("PUT", "", b'{"title": "' + b"x" * 201 + b'"}', 422, "bad_title"),
    ("PUT", "", b'{"media_url": "javascript:alert(1)"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "//evil.example"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "/\\\\evil.example"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://u:secret@a.example/x"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://a.example./x"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://a.example:123456/x"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://a.example/x y"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://a.example/x\\n"}', 422, "bad_media_url"),
    ("PUT", "", b'{"media_url": "https://a.example/' + b"x" * 2048 + b'"}', 422, "bad_media_url"),
    ("PUT", "", b'{"title": "' + b"x" * 17_000 + b'"}', 413, "too_large"),
    ("PUT", "", b"[" * 16_000, 400, "malformed"),
    ("POST", "/start", b'{"started_at": 1}', 400, "malformed"),
    ("POST", "/start", b"now", 400, "malformed"),
    ("POST", "/end", b"[]", 400, "malformed"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), BAD_BODIES)
async def test_what_is_not_understood_is_refused(
    server: Running, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    """With a code, on a connection that goes on, and nothing is kept."""
    async with called(server.url) as caller:
        answer = await caller.ask(method, VIDEO + path, body)
        assert (answer.status, answer.json()["code"]) == (status, code), answer
        video = await caller.video("GET")
        assert (video["title"], video["media_url"], video["started_at"], video["state"]) == (
            None,
            None,
            None,
            "upcoming",
        )


async def test_where_videos_are_registered_others_are_not_found(registering: Running) -> None:
    """Posting, reading, pinning, starting, ending: 404 for an id that nobody has registered, and all is well once
    somebody has."""
    calls: list[tuple[str, str, Any]] = [
        ("GET", VIDEO, None),
        ("POST", VIDEO + "/start", None),
        ("POST", VIDEO + "/end", None),
        ("GET", COMMENTS, None),
        ("GET", COMMENTS + "/01a1fc0b-2b3e-728f-ab0b-849a4d6782ae", None),
        ("PUT", COMMENTS + "/01a1fc0b-2b3e-728f-ab0b-849a4d6782ae/pin", None),
        ("POST", COMMENTS, {"text": "hello?"}),
    ]
    async with called(registering.url) as caller:
        for method, target, body in calls:
            answer = await caller.ask(method, target, body)
            assert (answer.status, answer.json()["code"]) == (404, "no_such_video"), (method, target)
        await caller.video("PUT", "", {})
        assert (await caller.say("hello"))["text"] == "hello"
        assert len(await caller.history()) == 1
        assert (await caller.video("POST", "/start"))["state"] == "live"


async def test_a_stream_of_an_unregistered_video_may_be_tried_again(registering: Running) -> None:
    """An EventSource gives up for good on a 404, and the video may be registered in a minute."""
    async with Stream.open(registering.url, "v", last_event_id="e.1.2") as stream:
        assert stream.status == 200
        [told] = [event async for event in stream]
        assert (told.name, told.json()) == ("reconnect", {"reason": "no_such_video"})
        assert told.id == "e.1.2"
        assert stream.decoder.retry_ms is not None
        assert 10_000 <= stream.decoder.retry_ms <= 30_000
    async with called(registering.url) as caller:
        await caller.video("PUT", "", {"title": "here"})
    async with Stream.open(registering.url, "v") as stream:
        await stream.until("welcome")


async def test_a_known_video_costs_posts_no_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever number of posts, the record is asked for at most once in a while; this process's own changes count at
    once."""
    asked = 0
    video = SqliteStore.video

    async def counted(self: SqliteStore, video_id: str) -> Video | None:
        nonlocal asked
        asked += 1
        return await video(self, video_id)

    monkeypatch.setattr(SqliteStore, "video", counted)
    monkeypatch.setattr("hubbub.comments.known_videos.FRESH", 3600.0)
    async with running_server(tmp_path) as server, called(server.url) as caller:
        for number in range(50):
            assert (await caller.say(str(number)))["offset"] is None
        assert asked == 1
        started = await caller.video("POST", "/start")
        before = asked
        for number in range(50):
            said = await caller.say(str(number))
            assert said["offset"] == (said["created_at"] - started["started_at"]) / 1000
        assert asked == before


async def test_many_who_change_one_video_at_once_agree(server: Running) -> None:
    """Each change is made on what stands: none undoes another, and one start and one end are told."""

    async def change(number: int) -> int:
        async with called(server.url) as caller:
            match number % 4:
                case 0:
                    return (await caller.ask("POST", VIDEO + "/start")).status
                case 1:
                    return (await caller.ask("PUT", VIDEO, {"title": "told"})).status
                case 2:
                    return (await caller.ask("PUT", VIDEO, {"media_url": "/told"})).status
                case _:
                    return (await caller.ask("GET", VIDEO)).status

    async with Stream.open(server.url, "v") as stream, called(server.url) as caller:
        await stream.until("welcome")
        statuses = await asyncio.gather(*(change(number) for number in range(24)))
        assert set(statuses) <= {200, 503}
        video = await caller.video("GET")
        assert (video["title"], video["media_url"], video["state"]) == ("told", "/told", "live")
        await caller.video("POST", "/end")
        names = [event.name for event in await stream.until("end")]
        assert names == ["start", "end"]


@pytest.mark.slow
async def test_after_kill_9_what_was_answered_is_known_and_told_once(tmp_path: Path) -> None:
    """Started, ended and killed at once, again and again: what was answered stands, and a viewer who resumes is told of
    each start and end that happened exactly once, in order."""
    async with asyncio.timeout(90), ServerProcess(tmp_path) as server:
        place: str | None = None
        told: list[str] = []
        done: list[str] = []
        for round_ in range(3):
            async with called(server.url) as caller, Stream.open(server.url, "v", last_event_id=place) as stream:
                await stream.until("welcome")
                for act in ("start", "end"):
                    await caller.video("POST", f"/{act}")
                    done.append(act)
                    if (act, round_) == ("start", 0):  # from here on the place is known
                        told += [event.name for event in await stream.until("start")]
                        place = stream.last_id
                await server.kill()
            await server.start()
            async with called(server.url) as caller:
                assert (await caller.video("GET"))["state"] == "ended"
                await caller.say(f"after {round_}")
            async with Stream.open(server.url, "v", last_event_id=place) as stream:
                names = [event.name for event in await stream.until("comment")]
                told += [name for name in names if name in ("start", "end")]
                assert "reset" not in names
                place = stream.last_id
        assert told == done
