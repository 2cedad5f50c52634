"""What the parts of the contract share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hubbub.model import Comment, Kind
from hubbub.stores.base import Applied, Store
from hubbub.testing.samples import make_change, make_comment, make_video_id


class Contract:
    """The fixtures and shorthands of every part."""

    @pytest.fixture
    def store(self) -> Any:
        """The store under test, open."""
        pytest.fail("Give a fixture `store` in the subclass; the module's docstring shows one.")

    @pytest.fixture
    def video_id(self) -> str:
        """A video of this test's own."""
        return make_video_id()

    async def settle(self, store: Store) -> None:
        """Wait until `page`, `window`, `videos` and `by_user` show all that was written; at once, for most stores."""


async def append_all(store: Store, comments: Sequence[Comment]) -> Sequence[Comment]:
    """Append one after the other."""
    for comment in comments:
        assert (await store.append(comment)).created
    return comments


async def append_some(store: Store, video_id: str, count: int, **fields: Any) -> list[Comment]:
    """Append ``count`` new comments, oldest first."""
    comments = [make_comment(video_id, f"comment {number}", **fields) for number in range(count)]
    await append_all(store, comments)
    return comments


async def change(store: Store, kind: Kind, comment: Comment) -> Applied:
    """Apply a new change to a comment."""
    return await store.apply(make_change(kind, comment))


async def read_all(store: Store, video_id: str) -> list[Comment]:
    """Every comment that the video's history shows, oldest first."""
    return await store.newest(video_id, 10_000)
