"""Deleting, hiding, restoring and pinning: however somebody came to watch, all end with the same picture."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hubbub.testing.crowd import whole_history
from hubbub.testing.raw import Answer, Connection, Event, Stream, comments_in
from hubbub.testing.server import running_server, token

COMMENTS = "/v1/videos/v/comments"
MODERATOR = token("mod", ("read", "post", "moderate"))
END = "the end"


@dataclass
class Picture:
    """What a page that keeps to the protocol shows: comments by id, and the pins in their order."""

    comments: dict[str, str] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        """Take the next event of a stream."""
        data: Any = event.json()
        match event.name:
            case "welcome" | "reset":
                if event.name == "reset" or not data["resumed"]:
                    self.comments.clear()
                self.pins = [comment["id"] for comment in data["pins"]]
            case "comment" | "comment_batch":
                self.comments.update((comment["id"], comment["text"]) for comment in comments_in([event]))
            case "comment_deleted" | "comment_hidden":
                self.comments.pop(data["id"], None)
                self._unpin(data["id"])
            case "comment_restored":
                self.comments[data["id"]] = data["text"]
            case "comment_pinned":
                self._unpin(data["id"])
                self.pins.append(data["id"])
            case "comment_unpinned":
                self._unpin(data["id"])
            case _:
                raise AssertionError(f"no such event in the protocol: {event}")

    def _unpin(self, id: str) -> None:
        if id in self.pins:
            self.pins.remove(id)


class Watcher:
    """A viewer that comes and goes, its picture, and every byte it was sent."""

    def __init__(self, url: str, *, batch: bool) -> None:
        self.picture = Picture()
        self.last_id: str | None = None
        self.raw = b""
        self._url = url
        self._query = "backlog=200" + ("&batch=1" if batch else "")

    async def watch(self, until: str) -> None:
        """Watch, from where it left off, until a comment with that text has come."""
        async with Stream.open(self._url, "v", self._query, last_event_id=self.last_id) as stream:
            async for event in stream:
                self.picture.apply(event)
                self.last_id = event.id or self.last_id
                if any(comment["text"] == until for comment in comments_in([event])):
                    break
            else:
                raise EOFError(f"the stream ended before {until!r}")
            self.raw += stream.raw


async def post(connection: Connection, text: str, bearer: str) -> str:
    """Post a comment; its id."""
    answer = await connection.request("POST", COMMENTS, token=bearer, body=b'{"text":"%b"}' % text.encode())
    assert answer.status == 201, answer
    id: str = answer.json()["id"]
    return id


async def act(connection: Connection, name: str, id: str, bearer: str | None) -> Answer:
    """Delete, hide, restore, pin or unpin."""
    method, suffix = {
        "delete": ("DELETE", ""),
        "hide": ("POST", "/hide"),
        "restore": ("POST", "/restore"),
        "pin": ("PUT", "/pin"),
        "unpin": ("DELETE", "/pin"),
    }[name]
    return await connection.request(method, f"{COMMENTS}/{id}{suffix}", token=bearer)


async def shown_by_history(url: str) -> tuple[dict[str, str], set[str]]:
    """The comments and the pins as history has them."""
    history = await whole_history(url, "v")
    pins = {comment["id"] for comment in history if comment.get("pinned")}
    return {comment["id"]: comment["text"] for comment in history}, pins


async def test_every_act_reaches_those_who_watch_were_away_or_come_later(tmp_path: Path) -> None:
    """After a deletion by author and by moderator, a hiding, a restoring, a pinning and an unpinning, viewers who
    watched, who were away, and who come afterwards show the same as history."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        live, away = ([Watcher(server.url, batch=batch) for batch in (False, True)] for _ in range(2))
        names = (
            "deleted by its author",
            "deleted by a moderator",
            "hidden",
            "hidden and restored",
            "pinned",
            "unpinned",
        )
        ids = {name: await post(connection, name, token("ada")) for name in (*names, "pinned, then hidden", "plain")}
        await post(connection, "before", token())
        await asyncio.gather(*(watcher.watch("before") for watcher in away))
        watching = [asyncio.ensure_future(watcher.watch(END)) for watcher in live]

        for name, status, who, done in [
            ("deleted by its author", 204, token("ada"), "delete"),
            ("deleted by a moderator", 204, MODERATOR, "delete"),
            ("hidden", 200, MODERATOR, "hide"),
            ("hidden and restored", 200, MODERATOR, "hide"),
            ("hidden and restored", 200, MODERATOR, "restore"),
            ("unpinned", 200, MODERATOR, "pin"),
            ("pinned, then hidden", 200, MODERATOR, "pin"),
            ("pinned", 200, MODERATOR, "pin"),
            ("pinned, then hidden", 200, MODERATOR, "hide"),
            ("plain", 200, MODERATOR, "pin"),
            ("unpinned", 204, MODERATOR, "unpin"),
        ]:
            answer = await act(connection, done, ids[name], who)
            assert answer.status == status, (name, done, answer)
        await post(connection, END, token())
        late = [Watcher(server.url, batch=batch) for batch in (False, True)]
        await asyncio.gather(*watching, *(watcher.watch(END) for watcher in away + late))
        comments, pins = await shown_by_history(server.url)

    assert set(comments.values()) == {"hidden and restored", "pinned", "unpinned", "plain", "before", END}
    assert pins == {ids["pinned"], ids["plain"]}
    for watcher in live + away + late:
        assert watcher.picture == Picture(comments, [ids["pinned"], ids["plain"]])


async def moderate(
    url: str, number: int, seed: int, ids: list[str], authors: dict[str, str], deleted: set[str]
) -> None:
    """One of several who post and moderate at random, at once, on the same comments."""
    choose = random.Random(f"{seed}.{number}")
    allowed = {"delete": {204}, "hide": {200, 409}, "restore": {200, 409}, "pin": {200, 409}, "unpin": {204}}
    author = token(f"author-{number}")
    async with await Connection.open(url) as connection:
        for turn in range(40):
            if not ids or choose.random() < 0.35:
                text = f"secret-{number}-{turn}."
                id = await post(connection, text, author)
                authors[id] = text
                ids.append(id)
                continue
            name = choose.choices(list(allowed), weights=[1, 2, 2, 4, 2])[0]
            id = choose.choice(ids[-12:])
            answer = await act(connection, name, id, MODERATOR)
            assert answer.status in allowed[name], (name, answer)
            if name == "delete":
                deleted.add(authors[id])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_any_sequence_of_acts_leaves_one_picture(seed: int, tmp_path: Path) -> None:
    """Whatever several moderators do at once, everybody ends with the same comments and the same pins in the same
    order, wherever they had left off, and a deleted text is in no byte that the server sends from then on."""
    ids: list[str] = []
    texts: dict[str, str] = {}
    deleted: set[str] = set()
    async with asyncio.timeout(40), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        live = [Watcher(server.url, batch=batch) for batch in (False, True)]
        away: list[Watcher] = []
        watching = [asyncio.ensure_future(watcher.watch(END)) for watcher in live]
        for phase in range(3):
            await asyncio.gather(
                *(moderate(server.url, phase * 3 + number, seed, ids, texts, deleted) for number in range(3))
            )
            leaving = [Watcher(server.url, batch=batch) for batch in (False, True)]
            await post(connection, f"phase {phase}", token())
            await asyncio.gather(*(watcher.watch(f"phase {phase}") for watcher in leaving))
            for watcher in leaving:
                watcher.raw = b""
            away += leaving
        # Those who leave last have texts on their screens that go while nobody of them looks.
        for id in ids[::5]:
            assert (await act(connection, "delete", id, MODERATOR)).status == 204
            deleted.add(texts[id])
        await post(connection, END, token())
        late = [Watcher(server.url, batch=batch) for batch in (False, True)]
        await asyncio.gather(*watching, *(watcher.watch(END) for watcher in away + late))
        comments, pins = await shown_by_history(server.url)
        for id, text in texts.items():
            for bearer in (None, MODERATOR) if text in deleted else ():
                assert (await connection.request("GET", f"{COMMENTS}/{id}", token=bearer)).status == 404

    assert len(deleted) > 20
    order = live[0].picture.pins
    assert set(order) == pins
    assert len(pins) <= 10
    for watcher in live + away + late:
        assert watcher.picture.comments == comments
        assert watcher.picture.pins == order
    assert not deleted & set(comments.values())
    for watcher in away + late:
        gone = [text for text in deleted if text.encode() in watcher.raw]
        assert not gone, "what was deleted while a viewer was away was sent to it when it came back"


RIGHTS = [
    # who, what, on what, the status and code that answer it
    ("nobody", "delete", "a", 401, "no_token"),
    ("reader", "delete", "a", 403, "not_yours"),
    ("other", "delete", "a", 403, "not_yours"),
    ("author", "hide", "a", 403, "missing_scope"),
    ("author", "restore", "a", 403, "missing_scope"),
    ("author", "pin", "a", 403, "missing_scope"),
    ("author", "unpin", "a", 403, "missing_scope"),
    ("elsewhere", "hide", "a", 403, "video_not_allowed"),
    ("elsewhere", "delete", "a", 403, "not_yours"),
    ("moderator", "delete", "unknown", 404, "no_such_comment"),
    ("moderator", "hide", "unknown", 404, "no_such_comment"),
    ("moderator", "restore", "unknown", 404, "no_such_comment"),
    ("moderator", "pin", "unknown", 404, "no_such_comment"),
    ("moderator", "unpin", "unknown", 404, "no_such_comment"),
    ("moderator", "hide", "deleted", 409, "comment_deleted"),
    ("moderator", "restore", "deleted", 409, "comment_deleted"),
    ("moderator", "pin", "deleted", 409, "comment_deleted"),
    ("moderator", "pin", "hidden", 409, "comment_not_visible"),
]


async def test_who_may_do_what(tmp_path: Path) -> None:
    """An author may delete their own comment and a moderator of the video may do everything; any other act is refused
    with the reason, and nothing comes of it. What is so already stays so, with a success."""
    bearers = {
        "nobody": None,
        "reader": token("ada", ("read",)),
        "author": token("ada"),
        "other": token("bob"),
        "elsewhere": token("eve", ("read", "post", "moderate"), videos=["w*"]),
        "moderator": MODERATOR,
    }
    async with asyncio.timeout(20), running_server(tmp_path) as server, await Connection.open(server.url) as connection:
        ids = {name: await post(connection, name, token("ada")) for name in ("a", "deleted", "hidden")}
        ids["unknown"] = ids["a"][:-4] + ("0000" if ids["a"][-4:] != "0000" else "1111")
        assert (await act(connection, "delete", ids["deleted"], token("ada"))).status == 204
        assert (await act(connection, "hide", ids["hidden"], MODERATOR)).status == 200
        watcher = Watcher(server.url, batch=False)
        await post(connection, "before", token())
        await watcher.watch("before")
        for who, done, what, status, code in RIGHTS:
            answer = await act(connection, done, ids[what], bearers[who])
            assert (answer.status, answer.json()["code"]) == (status, code), (who, done, what, answer)
        for done, what, status in [("delete", "deleted", 204), ("hide", "hidden", 200), ("restore", "a", 200)]:
            assert (await act(connection, done, ids[what], MODERATOR)).status == status, (done, what)
        assert (await act(connection, "unpin", ids["a"], MODERATOR)).status == 204
        await post(connection, END, token())
        before = dict(watcher.picture.comments)
        await watcher.watch(END)
        assert [text for id, text in watcher.picture.comments.items() if id not in before] == [END]
        assert b"comment_" not in watcher.raw, "an act that was refused, or changed nothing, was sent to a viewer"


async def test_ten_pins_and_no_more_even_at_once(tmp_path: Path) -> None:
    """Of more pinnings at once than a video can have, exactly ten succeed and the others are refused; after an
    unpinning there is room again."""
    async with asyncio.timeout(20), running_server(tmp_path) as server, contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(await Connection.open(server.url)) for _ in range(14)]
        ids = [await post(connections[0], f"pin {n}", token()) for n in range(14)]
        answers = await asyncio.gather(
            *(act(connection, "pin", id, MODERATOR) for connection, id in zip(connections, ids, strict=True))
        )
        pinned = [id for id, answer in zip(ids, answers, strict=True) if answer.status == 200]
        refused = {(answer.status, answer.json()["code"]) for answer in answers if answer.status != 200}
        assert len(pinned) == 10
        assert refused == {(409, "too_many_pins")}
        assert (await shown_by_history(server.url))[1] == set(pinned)
        again = await act(connections[0], "pin", pinned[0], MODERATOR)
        assert again.status == 200, "what is pinned stays pinned"
        assert (await act(connections[0], "unpin", pinned[0], MODERATOR)).status == 204
        other = next(id for id in ids if id not in pinned)
        assert (await act(connections[0], "pin", other, MODERATOR)).status == 200
