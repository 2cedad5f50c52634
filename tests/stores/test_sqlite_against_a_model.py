"""The SQLite store beside a model that is a plain list, through random histories (hypothesis)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from hubbub.errors import Conflict
from hubbub.model import Comment, Kind, Status, User
from hubbub.stores.base import Order
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import make_change, make_comment
from hubbub.wire.events import comment_event, encode_json

T = TypeVar("T")

START = 1_700_000_000_000
MOMENTS = st.integers(0, 20).map(lambda ms: START + ms)
LIMITS = st.integers(1, 12)
ORDERS: st.SearchStrategy[Order] = st.sampled_from(["asc", "desc"])
CHANGES = st.sampled_from([Kind.DELETED, Kind.HIDDEN, Kind.RESTORED, Kind.PINNED, Kind.UNPINNED])
STATUS_AFTER = {Kind.DELETED: Status.DELETED, Kind.HIDDEN: Status.HIDDEN, Kind.RESTORED: Status.VISIBLE}


class StoreBesideModel(RuleBasedStateMachine):
    """Comments come in any order of time, repeat, and change; every read agrees with the list."""

    comments = Bundle("comments")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.store = SqliteStore(Path(self.folder.name) / "hubbub.db")
        self.run(self.store.open())
        self.model: dict[str, Comment] = {}
        self.pins: list[str] = []
        self.log: list[str] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the store."""
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()

    def standing(self, comment_id: str) -> Comment:
        """A comment as the model has it."""
        return replace(self.model[comment_id], pinned=comment_id in self.pins)

    def shown(self) -> list[Comment]:
        """The visible comments, oldest first."""
        return [self.standing(one) for one in sorted(self.model) if self.model[one].status is Status.VISIBLE]

    @rule(target=comments, at=MOMENTS, status=st.sampled_from([Status.VISIBLE, Status.VISIBLE, Status.PENDING]))
    def append(self, at: int, status: Status) -> Comment:
        """A new comment, of any time."""
        comment = make_comment(at=at, status=status, text=f"at {at}", nonce="n")
        appended = self.run(self.store.append(comment))
        assert appended.created
        self.model[comment.id] = comment
        self.log.append(comment.id)
        return comment

    @rule(comment=comments)
    def append_again(self, comment: Comment) -> None:
        """A redelivery changes nothing."""
        appended = self.run(self.store.append(comment))
        assert (appended.created, appended.comment) == (False, self.standing(comment.id))
        assert appended.position is not None
        assert appended.position.offset == self.log.index(comment.id) + 1

    @rule(comment=comments, kind=CHANGES, at=MOMENTS)
    def change(self, comment: Comment, kind: Kind, at: int) -> None:
        """A change, which may have no effect or be refused."""
        before = self.standing(comment.id)
        change = make_change(kind, comment, at=at)
        admitted = {
            Kind.HIDDEN: before.status is not Status.DELETED,
            Kind.RESTORED: before.status is not Status.DELETED,
            Kind.PINNED: before.status is Status.VISIBLE,
        }
        if not admitted.get(kind, True):
            with pytest.raises(Conflict):
                self.run(self.store.apply(change))
            return
        if kind in STATUS_AFTER:
            expected = before.status is not STATUS_AFTER[kind]
        else:
            expected = before.pinned is not (kind is Kind.PINNED)
        if expected:
            self.log.append(change.id)
            self.follow(kind, before)
        applied = self.run(self.store.apply(change))
        assert (applied.changed, applied.comment) == (expected, self.standing(comment.id))

    def follow(self, kind: Kind, before: Comment) -> None:
        """Make the change in the model."""
        if kind is Kind.PINNED:
            self.pins.append(before.id)
            return
        if before.pinned:
            self.pins.remove(before.id)
        if kind in STATUS_AFTER:
            self.model[before.id] = replace(self.model[before.id], status=STATUS_AFTER[kind])
        if kind is Kind.DELETED:
            self.model[before.id] = replace(self.model[before.id], text="", nonce=None)

    @rule(cursor=comments, limit=LIMITS, order=ORDERS)
    def page_from_a_comment(self, cursor: Comment, limit: int, order: Order) -> None:
        """A page beyond any comment, shown or gone."""
        shown = self.shown()
        beyond = [one for one in shown if one.id > cursor.id] if order == "asc" else []
        if order == "desc":
            beyond = [one for one in reversed(shown) if one.id < cursor.id]
        page = self.run(self.store.page("video", after=cursor.id, limit=limit, order=order))
        assert page == beyond[:limit]

    @rule(limit=LIMITS, order=ORDERS)
    def first_page(self, limit: int, order: Order) -> None:
        """The page from the start of either order."""
        shown = self.shown() if order == "asc" else self.shown()[::-1]
        assert self.run(self.store.page("video", after=None, limit=limit, order=order)) == shown[:limit]

    @rule(since=MOMENTS, until=MOMENTS, limit=LIMITS, after=st.none() | comments)
    def window(self, since: int, until: int, limit: int, after: Comment | None) -> None:
        """A stretch of time, from its start or from a comment on."""
        expected = [one for one in self.shown() if since <= one.created_at < until]
        if after is not None:
            expected = [one for one in expected if one.id > after.id]
        found = self.run(
            self.store.window("video", since=since, until=until, limit=limit, after=after.id if after else None)
        )
        assert found == expected[:limit]

    @rule(since=MOMENTS, limit=LIMITS)
    def changes_since(self, since: int, limit: int) -> None:
        """Events by id from a time on, blank where there is nothing to show."""
        events = self.run(self.store.changes_since("video", since, limit))
        ids = sorted(one for one in self.log if int(one.replace("-", "")[:12], 16) >= since)
        assert [event.id for event in events] == ids[:limit]
        for event in events:
            if event.id in self.model:
                shown = self.model[event.id].status is Status.VISIBLE
                assert event.body == (comment_event(self.model[event.id]).body if shown else b"")

    @invariant()
    def every_list_agrees(self) -> None:
        """Newest, pins and the log, after each step."""
        assert self.run(self.store.newest("video", 5)) == self.shown()[-5:]
        assert self.run(self.store.pins("video")) == [self.standing(one) for one in self.pins]
        head, entries = self.run(self.store.log_tail("video", 1_000))
        assert [entry.event.id for entry in entries] == self.log
        assert head.offset == len(self.log)


TestStoreBesideModel = pytest.mark.slow(StoreBesideModel.TestCase)
TestStoreBesideModel.settings = settings(max_examples=25, stateful_step_count=30)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=8,
)
USERS = st.builds(User, id=TEXTS, name=TEXTS, roles=st.lists(TEXTS, max_size=3).map(tuple), avatar=st.none() | TEXTS)
# Nanoseconds to centuries. Some releases of SQLite lose the last bit of numbers with more than a hundred zeros.
SECONDS = st.just(0.0) | st.floats(1e-9, 1e10) | st.floats(-1e10, -1e-9)


@given(
    comments=st.lists(
        st.builds(
            make_comment,
            text=TEXTS,
            user=USERS,
            offset=st.none() | SECONDS,
            nonce=st.none() | TEXTS,
            meta=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=50)
def test_any_comment_comes_back_as_it_was(comments: list[Comment]) -> None:
    """Text, numbers and nested notes survive row and JSON, to the byte of the encoded event."""

    async def write_and_read(path: Path) -> tuple[list[Comment], list[bytes]]:
        store = SqliteStore(path)
        await store.open()
        await asyncio.gather(*(store.append(comment) for comment in comments))
        page = await store.page("video", after=None, limit=100, order="asc")
        tail = await store.log_tail("video", 100)
        await store.close()
        return page, [entry.event.body for entry in tail.entries]

    with tempfile.TemporaryDirectory() as folder:
        page, bodies = asyncio.run(write_and_read(Path(folder) / "hubbub.db"))
    assert page == comments
    assert [encode_json(one) for one in page] == [encode_json(one) for one in comments]
    assert bodies == [comment_event(one).body for one in comments]
