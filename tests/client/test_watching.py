"""Watching through bad weather, against a server that sends exactly the bytes a test names."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from hubbub.client import ApiError, HubbubClient, WatchEvent
from hubbub.client.reading import MAX_EVENT
from hubbub.client.watching import REMEMBERED
from hubbub.testing.scripted import STREAM, Script, ScriptedServer, Step, answer

WELCOME = b'event: welcome\nretry: 50\ndata: {"video_id":"v","viewers":1,"pins":[]}\n\n'


def comment(id: str, place: str | None = None, text: str = "hi") -> bytes:
    """A `comment` event."""
    at = f"id: {place}\n" if place else ""
    return f"event: comment\n{at}data: {json.dumps({'id': id, 'text': text}, ensure_ascii=False)}\n\n".encode()


def batch(ids: Sequence[str], place: str) -> bytes:
    """A `comment_batch` event."""
    return f"event: comment_batch\nid: {place}\ndata: {json.dumps([{'id': id} for id in ids])}\n\n".encode()


async def take(events: AsyncGenerator[WatchEvent, None], count: int) -> list[WatchEvent]:
    """The next ``count`` events that are not `welcome`; the watcher is then done."""
    taken: list[WatchEvent] = []
    async with asyncio.timeout(20), aclosing(events):
        async for event in events:
            if event.name != "welcome":
                taken.append(event)
            if len(taken) == count:
                break
    return taken


async def watched(*scripts: Script, count: int, **options: Any) -> tuple[list[WatchEvent], ScriptedServer]:
    """What a watcher is given while the scripts are played, one a connection."""
    async with ScriptedServer(*scripts) as server, HubbubClient(server.url, **options) as hubbub:
        return await take(hubbub.watch("v"), count), server


def ids(events: Sequence[WatchEvent]) -> list[str]:
    """The comments' ids."""
    return [event.data["id"] for event in events]


async def test_a_byte_order_mark_before_the_stream_is_passed_over() -> None:
    """A server or proxy that begins with one (WHATWG HTML, 9.2.6) costs nobody the first event."""
    events, _ = await watched([STREAM, b"\xef\xbb\xbf" + comment("a", "e.1"), comment("b", "e.2")], count=2)
    assert ids(events) == ["a", "b"]


async def test_batches_arrive_as_one_event_a_comment() -> None:
    """An array becomes one event a comment, and only the last of them is at the array's place."""
    events, server = await watched([STREAM, WELCOME, comment("a", "e.1"), batch(["b", "c"], "e.3")], count=3)
    assert events == [
        WatchEvent("comment", {"id": "a", "text": "hi"}, "e.1"),
        WatchEvent("comment", {"id": "b"}, "e.1"),
        WatchEvent("comment", {"id": "c"}, "e.3"),
    ]
    assert server.requests[0].target == "/v1/videos/v/comments/stream?backlog=100&batch=1"
    assert "last-event-id" not in server.requests[0].headers


CHUNKED = STREAM.replace(b"connection: close", b"transfer-encoding: chunked")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param([STREAM, WELCOME, comment("a", "e.1")], id="clean end"),
        pytest.param([STREAM, WELCOME, comment("a", "e.1"), comment("b", "e.2")[:-1]], id="inside an event"),
        pytest.param([STREAM, WELCOME, comment("a", "e.1"), b"event: comment\nid: e.2\n"], id="after an id line"),
        pytest.param([CHUNKED, b"%x\r\n%b" % (4096, WELCOME + comment("a", "e.1"))], id="inside a chunk"),
        pytest.param([STREAM, WELCOME, comment("a", "e.1"), b"event: comm\xf0\x9f"], id="inside a character"),
    ],
)
async def test_a_cut_connection_is_resumed_from_the_last_whole_event(first: Script) -> None:
    """Wherever a connection is cut, the next one asks for what came after the last event that arrived whole."""
    events, server = await watched(first, [STREAM, WELCOME, comment("b", "e.2")], count=2)
    assert ids(events) == ["a", "b"]
    assert server.requests[1].headers["last-event-id"] == "e.1"


async def test_a_reset_connection_is_made_anew() -> None:
    """A TCP reset is a cut like any other."""
    async with (
        ScriptedServer([Step.RESET], [STREAM, WELCOME, comment("a", "e.1")]) as server,
        HubbubClient(server.url, first_wait=0.05) as hubbub,
    ):
        assert ids(await take(hubbub.watch("v", last_event_id="e.0"), 1)) == ["a"]
    assert [request.headers["last-event-id"] for request in server.requests] == ["e.0", "e.0"]


async def test_doubles_are_dropped_by_id() -> None:
    """What the server sends again after a cut reaches the watcher once."""
    events, _ = await watched(
        [STREAM, WELCOME, batch(["a", "b"], "e.2")],
        [STREAM, WELCOME, batch(["a", "b", "c"], "e.3"), comment("c", "e.3"), comment("d", "e.4")],
        count=4,
    )
    assert ids(events) == ["a", "b", "c", "d"]


async def test_memory_of_ids_is_bounded() -> None:
    """The oldest ids are forgotten first, the newest thousands are not."""
    many = [str(number) for number in range(REMEMBERED + 1)]
    events, _ = await watched(
        [STREAM, WELCOME, batch(many, "e.1"), comment("1", "e.2"), comment("0", "e.3")], count=len(many) + 1
    )
    assert ids(events) == [*many, "0"]


async def test_bytes_may_come_one_by_one() -> None:
    """Where the network splits lines and characters makes no difference."""
    sent = b": heartbeat\n\n" + WELCOME + comment("a", "e.1", "héllo 👩‍👩‍👧 \u2028 \\u2028 世界") + comment("b", "e.2")
    events, _ = await watched([STREAM, *(sent[at : at + 1] for at in range(len(sent)))], count=2)
    assert events[0].data["text"] == "héllo 👩‍👩‍👧 \u2028 \\u2028 世界"
    assert ids(events) == ["a", "b"]


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
async def test_any_line_ending_will_do(newline: bytes) -> None:
    """CR LF and CR end lines as LF does (WHATWG HTML, section 9.2.5)."""
    sent = (WELCOME + comment("a", "e.1") + comment("b", "e.2")).replace(b"\n", newline)
    events, _ = await watched([STREAM, sent, Step.HOLD], count=1)
    assert ids(events) == ["a"]


async def test_large_frames_are_fine() -> None:
    """A frame of several megabytes comes through whole."""
    text = "x" * 4_000_000
    events, _ = await watched([STREAM, WELCOME, comment("a", "e.1", text)], count=1)
    assert events[0].data["text"] == text


@pytest.mark.parametrize(
    "filler",
    [
        pytest.param(b"x" * 65_536, id="one line"),
        pytest.param(b"data: x\n" * 8_192, id="lines without a blank one"),
        pytest.param(b"data\r\n" * 8_192, id="empty lines of data"),
    ],
)
async def test_an_event_without_end_is_given_up(filler: bytes) -> None:
    """What one event may take up is bounded: past that the connection is made anew, from the last whole event."""
    states = States()
    endless: Script = [STREAM, WELCOME, comment("a", "e.1"), *[filler] * (2 * MAX_EVENT // len(filler)), Step.HOLD]
    async with (
        ScriptedServer(endless, [STREAM, WELCOME, comment("b", "e.2")]) as server,
        HubbubClient(server.url) as hubbub,
    ):
        assert ids(await take(hubbub.watch("v", on_state=states), 2)) == ["a", "b"]
    assert server.requests[1].headers["last-event-id"] == "e.1"
    assert "more than 4 MiB" in next(detail for state, detail in states.told if state == "waiting")


async def test_any_number_of_events_is_no_long_one() -> None:
    """The bound is for each event: together they may be as long as they like."""
    many = [comment(str(number), f"e.{number}", "x" * 500_000) for number in range(12)]
    events, server = await watched([STREAM, WELCOME, *many], count=12)
    assert len(events) == 12
    assert len(server.requests) == 1


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "x-unknown"])
async def test_only_codings_asked_for_are_read(coding: str) -> None:
    """Others, or several on top of each other, could grow a small answer without bound; they count as garbage."""
    states = States()
    head = STREAM.replace(b"connection: close", b"content-encoding: %b\r\nconnection: close" % coding.encode())
    assert await seen(states, [head, gzip.compress(gzip.compress(WELCOME))], GOOD, first_wait=0.05) == ["a"]
    assert "not asked for" in states.told[1][1]


async def test_compressed_frames_are_given_at_once() -> None:
    """With gzip, an event is given when its block has come, not when the stream ends."""
    packer = zlib.compressobj(wbits=31)
    block = packer.compress(WELCOME + comment("a", "e.1")) + packer.flush(zlib.Z_FULL_FLUSH)
    assert gzip.decompress(block + packer.flush()).endswith(comment("a", "e.1"))
    head = STREAM.replace(b"connection: close", b"content-encoding: gzip\r\nconnection: close")
    events, _ = await watched([head, block, Step.HOLD], count=1)
    assert ids(events) == ["a"]


async def test_after_a_reset_comments_come_again() -> None:
    """`reset` is passed on, and the backlog behind it is given whole so that a watcher can draw anew."""
    reset = b'event: reset\ndata: {"reason":"too_slow","pins":[]}\n\n'
    events, _ = await watched([STREAM, WELCOME, comment("a", "e.1"), reset, batch(["a", "b"], "f.2")], count=4)
    assert [(event.name, event.id) for event in events] == [
        ("comment", "e.1"),
        ("reset", "e.1"),
        ("comment", "e.1"),
        ("comment", "f.2"),
    ]
    assert events[1].data == {"reason": "too_slow", "pins": []}
    assert ids(events[2:]) == ["a", "b"]


async def test_what_cannot_be_known_is_said() -> None:
    """Cut before the server named any place, a watcher is told to draw anew: there may be a hole."""
    pinned = WELCOME.replace(b'"pins":[]', b'"pins":[{"id":"p"}]')
    events, server = await watched(
        [STREAM, WELCOME, comment("a")], [STREAM, pinned, comment("a"), comment("b", "e.9")], count=4
    )
    assert [event.name for event in events] == ["comment", "reset", "comment", "comment"]
    assert events[1].data == {"reason": "no_position", "pins": [{"id": "p"}]}
    assert "last-event-id" not in server.requests[1].headers


async def test_other_events_are_passed_on() -> None:
    """Every named event but `reconnect` reaches the watcher with its data decoded, also names that are new to it."""
    events, _ = await watched(
        [
            STREAM,
            WELCOME,
            b'event: comment_deleted\nid: e.2\ndata: {"id":"a",\ndata: "at":5}\n\n',
            b"event: shiny\ndata: [1]\n\n",
        ],
        count=2,
    )
    assert events == [WatchEvent("comment_deleted", {"id": "a", "at": 5}, "e.2"), WatchEvent("shiny", [1], "e.2")]


class States:
    """Collects what `on_state` is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, state: str, detail: str) -> None:
        self.told.append((state, detail))

    @property
    def names(self) -> list[str]:
        """The states in order."""
        return [state for state, _ in self.told]

    @property
    def waits(self) -> list[float]:
        """The seconds named in each wait."""
        found = (re.search(r"in ([0-9.]+) s$", detail) for state, detail in self.told if state == "waiting")
        return [float(match[1]) for match in found if match]


async def seen(states: States, *scripts: Script, **options: Any) -> list[str]:
    """The first comment's id, watched with ``states``."""
    async with ScriptedServer(*scripts) as server, HubbubClient(server.url, **options) as hubbub:
        return ids(await take(hubbub.watch("v", on_state=states), 1))


GOOD: Script = [STREAM, WELCOME, comment("a", "e.1")]


async def test_a_request_to_come_back_later_is_followed() -> None:
    """`reconnect` is no event for the watcher: it waits as long as the server asks, and says why."""
    states = States()
    sorry = b'event: reconnect\nretry: 200\ndata: {"reason":"full"}\n\n'
    assert await seen(states, [STREAM, sorry, Step.HOLD], GOOD) == ["a"]
    assert states.names == ["connecting", "waiting", "connecting", "live"]
    assert "full" in states.told[1][1]
    assert 0.2 <= states.waits[0] <= 0.3


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_refusals_for_the_moment_are_waited_out(status: int) -> None:
    """5xx and 429 end no stream."""
    states = States()
    assert await seen(states, [answer(status)], GOOD, first_wait=0.05) == ["a"]
    assert states.names == ["connecting", "waiting", "connecting", "live"]


async def test_retry_after_is_honoured() -> None:
    """The wait is never shorter than the server asks for."""
    states = States()
    assert await seen(states, [answer(503, retry_after="1")], GOOD, first_wait=0.05) == ["a"]
    assert states.waits[0] >= 1.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
async def test_what_trying_again_cannot_mend_is_raised(status: int) -> None:
    """Such a refusal ends the watching with the server's own words."""
    problem = {"status": status, "code": "no_token", "detail": "Send a token.", "title": "t", "type": "/t"}
    async with (
        ScriptedServer([answer(status, json.dumps(problem).encode())]) as server,
        HubbubClient(server.url) as hubbub,
    ):
        with pytest.raises(ApiError, match="Send a token") as caught:
            await take(hubbub.watch("v"), 1)
    assert (caught.value.status, caught.value.code, caught.value.problem) == (status, "no_token", problem)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param([answer(200, b"<html>sign in to the wifi</html>", kind="text/html")], id="a web page"),
        pytest.param([STREAM, WELCOME, b"event: comment\ndata: {not json\n\n"], id="not JSON"),
        pytest.param([STREAM, WELCOME, b"event: comment\ndata: 5\n\n"], id="not a comment"),
        pytest.param([STREAM, WELCOME, b'event: x\ndata: {"at":NaN}\n\n'], id="not quite JSON"),
        pytest.param([STREAM, WELCOME, b'event: comment_batch\ndata: {"id":"a"}\n\n'], id="not an array"),
        pytest.param([STREAM, WELCOME, b"event: x\ndata: " + b"[" * 100_000 + b"\n\n"], id="too deep"),
        pytest.param([b"\x16\x03\x01 not HTTP at all\r\n\r\n"], id="not HTTP"),
        pytest.param(
            [STREAM.replace(b"connection: close", b"content-encoding: gzip"), b"not gzip at all"], id="not gzip"
        ),
    ],
)
async def test_garbage_is_answered_by_a_new_connection(garbage: Script) -> None:
    """What can't be read is neither shown nor fatal; waits grow while it lasts."""
    states = States()
    assert await seen(states, garbage, garbage, GOOD, first_wait=0.05) == ["a"]
    first, second = states.waits
    assert first <= 0.1 <= second + 0.05


@pytest.mark.parametrize("digits", [b"9" * 400, b"-" + b"9" * 400, b"9" * 5_000, b"1e400", b"nan"])
async def test_an_absurd_retry_ends_nothing(digits: bytes) -> None:
    """However many digits the server's `retry:` has, the events go on."""
    retry = b"event: shiny\nretry: " + digits + b"\ndata: 1\n\n"
    events, _ = await watched([STREAM, WELCOME, retry, comment("a", "e.1")], count=2)
    assert [event.name for event in events] == ["shiny", "comment"]


async def test_silence_is_taken_for_death() -> None:
    """A connection that brings no byte for too long is given up, and the watcher goes on from its place."""
    states = States()
    async with (
        ScriptedServer(
            [STREAM, WELCOME, comment("a", "e.1"), Step.HOLD], [STREAM, WELCOME, comment("b", "e.2")]
        ) as server,
        HubbubClient(server.url, silence=0.2) as hubbub,
    ):
        assert ids(await take(hubbub.watch("v", on_state=states), 2)) == ["a", "b"]
    assert "nothing was heard" in states.told[2][1]
    assert server.released.is_set()


async def test_cancelling_closes_the_connection_at_once() -> None:
    """A cancelled watcher leaves no connection behind."""
    shown = asyncio.Event()

    async def watch(hubbub: HubbubClient) -> None:
        async for _ in hubbub.watch("v"):
            shown.set()

    async with ScriptedServer([STREAM, WELCOME, Step.HOLD]) as server, HubbubClient(server.url) as hubbub:
        watching = asyncio.create_task(watch(hubbub))
        await asyncio.wait_for(shown.wait(), 5)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        await asyncio.wait_for(server.released.wait(), 2)


async def test_a_token_is_asked_for_at_each_connection() -> None:
    """A token that is fetched when needed outlives its own expiry."""
    given = iter(["one", "two"])

    async def fetch() -> str:
        return next(given)

    _, server = await watched(GOOD, [STREAM, WELCOME, comment("b", "e.2")], count=2, token=fetch)
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer one", "Bearer two"]


def test_an_odd_place_is_refused_before_anything_is_sent() -> None:
    """A line break in an id would be a header of its own."""
    with pytest.raises(ValueError, match="last_event_id"):
        HubbubClient().watch("v", last_event_id="e.1\r\nX-Evil: 1")
