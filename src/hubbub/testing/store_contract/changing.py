"""`Store.apply`: what may become of a comment, and tombstones."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from hubbub.errors import Conflict
from hubbub.model import Comment, Kind, Status
from hubbub.stores.base import Store
from hubbub.testing.samples import make_change, make_comment, make_user
from hubbub.testing.store_contract.base import Contract, append_some, change, read_all

TAKES_EFFECT = [
    (Status.VISIBLE, Kind.DELETED, Status.DELETED),
    (Status.PENDING, Kind.DELETED, Status.DELETED),
    (Status.HIDDEN, Kind.DELETED, Status.DELETED),
    (Status.VISIBLE, Kind.HIDDEN, Status.HIDDEN),
    (Status.PENDING, Kind.HIDDEN, Status.HIDDEN),
    (Status.PENDING, Kind.RESTORED, Status.VISIBLE),
    (Status.HIDDEN, Kind.RESTORED, Status.VISIBLE),
    (Status.VISIBLE, Kind.PINNED, Status.VISIBLE),
]

ALREADY_SO = [
    (Status.VISIBLE, Kind.RESTORED),
    (Status.HIDDEN, Kind.HIDDEN),
    (Status.DELETED, Kind.DELETED),
    (Status.VISIBLE, Kind.UNPINNED),
    (Status.HIDDEN, Kind.UNPINNED),
    (Status.PENDING, Kind.UNPINNED),
    (Status.DELETED, Kind.UNPINNED),
]

REFUSED = [
    (Status.DELETED, Kind.HIDDEN, "comment_deleted"),
    (Status.DELETED, Kind.RESTORED, "comment_deleted"),
    (Status.DELETED, Kind.PINNED, "comment_deleted"),
    (Status.HIDDEN, Kind.PINNED, "comment_not_visible"),
    (Status.PENDING, Kind.PINNED, "comment_not_visible"),
]


async def append_with(store: Store, video_id: str, status: Status) -> Comment:
    """A comment that has got to ``status``, as it stands."""
    born = Status.VISIBLE if status is Status.DELETED else status
    comment = make_comment(video_id, "secret", status=born, nonce="n", meta={"a": 1})
    await store.append(comment)
    if status is not Status.DELETED:
        return comment
    await change(store, Kind.DELETED, comment)
    return _erased(comment)


def _erased(comment: Comment) -> Comment:
    return replace(comment, status=Status.DELETED, text="", nonce=None, meta=None, pinned=False)


async def _events(store: Store, video_id: str) -> int:
    return len(await store.changes_since(video_id, 0, 1_000))


class ChangingContract(Contract):
    """Deleting, hiding, restoring and pinning."""

    @pytest.mark.parametrize(("before", "kind", "after"), TAKES_EFFECT)
    async def test_a_change_takes_effect(
        self, store: Store, video_id: str, before: Status, kind: Kind, after: Status
    ) -> None:
        """A change that the state admits is made, returned, and seen by the next read."""
        comment = await append_with(store, video_id, before)
        expected = replace(comment, status=after, pinned=kind is Kind.PINNED)
        if after is Status.DELETED:
            expected = _erased(comment)
        applied = await change(store, kind, comment)
        assert applied.changed
        assert applied.comment == expected
        assert await store.get(video_id, comment.id) == expected
        assert await store.newest(video_id, 5) == ([expected] if after is Status.VISIBLE else [])
        assert await _events(store, video_id) == 2

    @pytest.mark.parametrize(("status", "kind"), ALREADY_SO)
    async def test_a_change_to_what_is_already_so_is_no_event(
        self, store: Store, video_id: str, status: Status, kind: Kind
    ) -> None:
        """Nothing changes, nothing is written, and the comment is returned as it stands."""
        comment = await append_with(store, video_id, status)
        before = await _events(store, video_id)
        applied = await change(store, kind, comment)
        assert (applied.changed, applied.comment, applied.position) == (False, comment, None)
        assert await store.get(video_id, comment.id) == comment
        assert await _events(store, video_id) == before

    @pytest.mark.parametrize(("status", "kind", "code"), REFUSED)
    async def test_a_change_that_the_state_does_not_admit_is_refused(
        self, store: Store, video_id: str, status: Status, kind: Kind, code: str
    ) -> None:
        """The refusal has a code and a sentence, and writes nothing."""
        comment = await append_with(store, video_id, status)
        before = await _events(store, video_id)
        with pytest.raises(Conflict) as refused:
            await change(store, kind, comment)
        assert refused.value.code == code
        assert refused.value.detail.endswith(".")
        assert await store.get(video_id, comment.id) == comment
        assert await _events(store, video_id) == before

    async def test_unpinning_takes_the_pin_away(self, store: Store, video_id: str) -> None:
        """A pinned comment is unpinned once; a second time it is already so."""
        comment = await append_with(store, video_id, Status.VISIBLE)
        await change(store, Kind.PINNED, comment)
        assert not (await change(store, Kind.PINNED, comment)).changed
        unpinned = await change(store, Kind.UNPINNED, comment)
        assert (unpinned.changed, unpinned.comment) == (True, comment)
        assert not (await change(store, Kind.UNPINNED, comment)).changed
        assert await store.pins(video_id) == []

    @pytest.mark.parametrize("kind", [Kind.DELETED, Kind.HIDDEN])
    async def test_a_retraction_unpins(self, store: Store, video_id: str, kind: Kind) -> None:
        """A comment that is deleted or hidden is no longer pinned, nor is it when it comes back."""
        comment = await append_with(store, video_id, Status.VISIBLE)
        await change(store, Kind.PINNED, comment)
        retracted = (await change(store, kind, comment)).comment
        assert retracted is not None
        assert not retracted.pinned
        assert await store.pins(video_id) == []
        if kind is Kind.HIDDEN:
            assert (await change(store, Kind.RESTORED, comment)).comment == comment
            assert await store.pins(video_id) == []

    async def test_the_same_change_again_changes_nothing(self, store: Store, video_id: str) -> None:
        """A repeated change is no second event, even after another one has undone it."""
        comment = await append_with(store, video_id, Status.VISIBLE)
        hide = make_change(Kind.HIDDEN, comment)
        assert (await store.apply(hide)).changed
        again = await store.apply(hide)
        assert (again.changed, again.comment) == (False, replace(comment, status=Status.HIDDEN))
        await change(store, Kind.RESTORED, comment)
        again = await store.apply(hide)
        assert (again.changed, again.comment) == (False, comment)
        assert await _events(store, video_id) == 3

    async def test_of_many_deletions_at_once_one_takes_effect(self, store: Store, video_id: str) -> None:
        """Moderators who act at the same moment make one event."""
        comment = await append_with(store, video_id, Status.VISIBLE)
        applied = await asyncio.gather(*(change(store, Kind.DELETED, comment) for _ in range(10)))
        assert [one.changed for one in applied].count(True) == 1
        assert all(one.comment == _erased(comment) for one in applied)

    async def test_deleting_erases_the_text_everywhere(self, store: Store, video_id: str) -> None:
        """No read of any kind gives a deleted comment's text, nonce or meta."""
        user = make_user()
        (comment,) = await append_some(store, video_id, 1, user=user, nonce="n", meta={"a": 1})
        await change(store, Kind.PINNED, comment)
        await change(store, Kind.DELETED, comment)
        assert await store.get(video_id, comment.id) == _erased(comment)
        await self.settle(store)
        assert await store.by_user(user.id, after=None, limit=5) == [_erased(comment)]
        assert await read_all(store, video_id) == await store.pins(video_id) == []
        since = await store.changes_since(video_id, 0, 10)
        assert not any(comment.text.encode() in event.body for event in since)

    @pytest.mark.parametrize(
        ("kind", "status"),
        [(Kind.DELETED, Status.DELETED), (Kind.HIDDEN, Status.HIDDEN), (Kind.RESTORED, Status.VISIBLE)],
    )
    async def test_a_change_to_an_unknown_comment_leaves_a_tombstone(
        self, store: Store, video_id: str, kind: Kind, status: Status
    ) -> None:
        """The comment is born with the tombstone's status when it comes, and until then it is nowhere."""
        comment = make_comment(video_id, nonce="n", meta={"a": 1})
        applied = await change(store, kind, comment)
        assert (applied.changed, applied.comment) == (True, None)
        assert await store.get(video_id, comment.id) is None
        assert await store.by_user(comment.user.id, after=None, limit=5) == []
        assert await read_all(store, video_id) == []

        expected = _erased(comment) if status is Status.DELETED else replace(comment, status=status)
        appended = await store.append(comment)
        assert (appended.created, appended.comment) == (True, expected)
        assert await store.get(video_id, comment.id) == expected
        assert await read_all(store, video_id) == ([comment] if status is Status.VISIBLE else [])
        again = await store.append(comment)
        assert (again.created, again.comment) == (False, expected)

    async def test_a_comment_held_for_review_may_be_approved_before_it_comes(self, store: Store, video_id: str) -> None:
        """The tombstone's status wins over the comment's own."""
        comment = make_comment(video_id, status=Status.PENDING)
        await change(store, Kind.RESTORED, comment)
        assert (await store.append(comment)).comment.status is Status.VISIBLE

    async def test_a_tombstone_takes_changes_like_a_comment(self, store: Store, video_id: str) -> None:
        """Hidden can become deleted or be restored; deleted is final; what can't be seen can't be pinned."""
        hidden, deleted = make_comment(video_id), make_comment(video_id)
        assert (await change(store, Kind.HIDDEN, hidden)).changed
        assert not (await change(store, Kind.HIDDEN, hidden)).changed
        assert (await change(store, Kind.RESTORED, hidden)).changed
        assert (await change(store, Kind.DELETED, deleted)).changed
        for kind in (Kind.HIDDEN, Kind.RESTORED, Kind.PINNED):
            with pytest.raises(Conflict) as refused:
                await change(store, kind, deleted)
            assert refused.value.code == "comment_deleted"
        assert (await store.append(hidden)).comment.status is Status.VISIBLE
        assert (await store.append(deleted)).comment.status is Status.DELETED

    async def test_an_unknown_comment_has_no_pin(self, store: Store, video_id: str) -> None:
        """Pinning it is refused, unpinning it changes nothing, and neither leaves a tombstone."""
        comment = make_comment(video_id)
        with pytest.raises(Conflict) as refused:
            await change(store, Kind.PINNED, comment)
        assert refused.value.code == "comment_not_visible"
        unpinned = await change(store, Kind.UNPINNED, comment)
        assert (unpinned.changed, unpinned.comment, unpinned.position) == (False, None, None)
        assert await _events(store, video_id) == 0
        assert (await store.append(comment)).comment == comment

    async def test_a_comment_and_its_deletion_at_once_end_deleted(self, store: Store, video_id: str) -> None:
        """In whichever order the two arrive, the text is gone."""
        comments = [make_comment(video_id) for _ in range(20)]
        writes = [store.append(comment) for comment in comments]
        deletions = [change(store, Kind.DELETED, comment) for comment in comments]
        mixed = [one for pair in zip(writes[:10], deletions[:10], strict=True) for one in pair]
        mixed += [one for pair in zip(deletions[10:], writes[10:], strict=True) for one in pair]
        await asyncio.gather(*mixed)
        assert await read_all(store, video_id) == []
        for comment in comments:
            assert await store.get(video_id, comment.id) == _erased(comment)
