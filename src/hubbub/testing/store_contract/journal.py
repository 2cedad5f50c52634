"""`hubbub.stores.base.Journal`: the log that a store numbers itself."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import pytest

from hubbub.errors import Conflict, NotProvable
from hubbub.model import Comment, Entry, Event, Kind, Position, Status, Timeline, Video
from hubbub.stores.base import IdempotencyKey, Journal, Store
from hubbub.testing.samples import make_change, make_comment, make_timeline_event, make_video_id
from hubbub.testing.store_contract.base import Contract, append_some, change
from hubbub.wire.events import change_event, comment_event


class JournalStore(Store, Journal, Protocol):
    """What this suite tests: a store that is a journal as well."""


async def _events(store: JournalStore, video_id: str) -> list[Event]:
    """The whole log, after a look at its positions."""
    tail = await store.log_tail(video_id, 1_000)
    offsets = [entry.position.offset for entry in tail.entries]
    assert offsets == list(range(1, len(offsets) + 1))
    assert {entry.position.epoch for entry in tail.entries} <= {tail.head.epoch}
    assert tail.head.offset == len(offsets)
    return [entry.event for entry in tail.entries]


class JournalContract(Contract):
    """Positions, history by position, and what can't be proven."""

    async def test_it_says_that_it_is_one(self, store: JournalStore) -> None:
        """Whoever wires the service finds out by asking."""
        assert isinstance(store, Journal)

    async def test_offsets_count_from_one_without_a_gap(self, store: JournalStore, video_id: str) -> None:
        """Comments and changes share one count, in the order of their commits."""
        comment = make_comment(video_id)
        first = (await store.append(comment)).position
        assert first is not None
        assert re.fullmatch("[0-9a-z]{1,32}", first.epoch)
        positions = [
            first,
            (await store.append(make_comment(video_id))).position,
            (await change(store, Kind.PINNED, comment)).position,
            (await store.append(make_comment(video_id))).position,
            (await change(store, Kind.HIDDEN, comment)).position,
        ]
        assert positions == [Position(first.epoch, offset) for offset in range(1, 6)]
        assert (await store.log_tail(video_id, 1)).head == positions[-1]

    async def test_the_newest_event_of_all_videos_is_known_by_its_time(self, store: JournalStore) -> None:
        """So that a process begins after it; a change is an event too."""
        before = await store.newest_at()
        comment = make_comment(make_video_id())
        await store.append(comment)
        await store.append(make_comment(make_video_id(), at=comment.created_at - 5_000))
        assert await store.newest_at() == max(before, comment.created_at)
        pin = make_change(Kind.PINNED, comment)
        await store.apply(pin)
        assert await store.newest_at() == max(before, pin.at)

    async def test_each_video_has_a_count_of_its_own(self, store: JournalStore, video_id: str) -> None:
        """All videos share the epoch, and none the offsets."""
        here = (await store.append(make_comment(video_id))).position
        there = (await store.append(make_comment(make_video_id()))).position
        assert here == there
        assert here is not None
        assert here.offset == 1

    async def test_offsets_are_dense_under_concurrent_writes(self, store: JournalStore) -> None:
        """Appends and changes to several videos at once leave no gap and no double, and the answers tell the truth."""
        videos = [make_video_id() for _ in range(3)]
        comments = [make_comment(videos[number % 3], f"comment {number}") for number in range(90)]
        appended = await asyncio.gather(*(store.append(comment) for comment in comments))
        hides = [make_change(Kind.HIDDEN, comment) for comment in comments[:30]]
        applied, more = await asyncio.gather(
            asyncio.gather(*(store.apply(hide) for hide in hides)),
            asyncio.gather(*(store.append(make_comment(video)) for video in videos * 10)),
        )
        assert None not in [*(one.position for one in applied), *(one.position for one in more)]
        told = {(one.comment.video_id, one.position): one.comment.id for one in appended}
        assert len(told) == 90
        for video in videos:
            tail = await store.log_tail(video, 1_000)
            assert [entry.position.offset for entry in tail.entries] == list(range(1, 51))
            logged = {(video, entry.position): entry.event.id for entry in tail.entries}
            assert {place: one for place, one in told.items() if place[0] == video}.items() <= logged.items()

    async def test_answers_come_in_the_order_of_the_log(self, store: JournalStore, video_id: str) -> None:
        """Who awaits several writes is told of them by rising offsets: what is published then is in order already."""
        told: list[int] = []

        async def append() -> None:
            position = (await store.append(make_comment(video_id))).position
            assert position is not None
            told.append(position.offset)

        await asyncio.gather(*(append() for _ in range(100)))
        assert told == list(range(1, 101))

    async def test_the_log_reads_as_it_was_published(self, store: JournalStore, video_id: str) -> None:
        """Each entry is, byte for byte, the event that was made when it happened."""
        comment = make_comment(video_id, "a\u2028b ✓", nonce="n", meta={"b": 1, "a": [0.1, None]}, offset=1 / 3)
        bare = make_comment(video_id, offset=None)
        await store.append(comment)
        await store.append(bare)
        published = [comment_event(comment), comment_event(bare)]
        for kind in (Kind.PINNED, Kind.UNPINNED, Kind.HIDDEN, Kind.RESTORED):
            made = make_change(kind, comment)
            published.append(change_event(made, (await store.apply(made)).comment))
        assert await _events(store, video_id) == published

    async def test_the_start_and_the_end_of_a_video_are_entries(self, store: JournalStore, video_id: str) -> None:
        """Each takes the next place and reads for ever as it was made; a record without an event takes none."""
        timelines = [Timeline(10), Timeline(10, 20), Timeline(15, 20)]
        kinds = [Kind.START, Kind.END, Kind.START]
        published = []
        was = None
        for kind, timeline in zip(kinds, timelines, strict=True):
            comment = make_comment(video_id)
            await store.append(comment)
            event = make_timeline_event(video_id, kind, timeline)
            video = Video(video_id, timeline=timeline)
            kept = await store.keep_video(video, was=was, event=event)
            published += [comment_event(comment), event]
            assert kept.position is not None
            assert kept.position.offset == len(published)
            assert await store.position_of(video_id, event.id) == kept.position
            was = video
        await store.keep_video(Video(video_id, "named"), was=was)
        assert await _events(store, video_id) == published
        assert await store.newest_at() >= published[-1].at

    async def test_an_event_is_found_by_its_id(self, store: JournalStore, video_id: str) -> None:
        """A comment's birth and a change to it, each at its own place; nothing else."""
        comment = make_comment(video_id)
        await store.append(comment)
        made = make_change(Kind.PINNED, comment)
        await store.apply(made)
        epoch = (await store.log_tail(video_id, 1)).head.epoch
        assert await store.position_of(video_id, comment.id) == Position(epoch, 1)
        assert await store.position_of(video_id, made.id) == Position(epoch, 2)
        assert await store.position_of(video_id, make_comment(video_id).id) is None
        assert await store.position_of(make_video_id(), comment.id) is None

    async def test_the_tail_is_the_newest_entries_oldest_first(self, store: JournalStore, video_id: str) -> None:
        """A limit cuts off the old end; the head is the newest entry's place in any case."""
        comments = await append_some(store, video_id, 5)
        for limit in (0, 1, 3, 5, 50):
            tail = await store.log_tail(video_id, limit)
            assert tail.head.offset == 5
            assert [entry.event.id for entry in tail.entries] == [one.id for one in comments[max(0, 5 - limit) :]]
            assert [entry.position.offset for entry in tail.entries] == list(range(max(1, 6 - limit), 6))

    async def test_an_empty_log_stands_at_offset_0(self, store: JournalStore, video_id: str) -> None:
        """The place before the first entry is a position, and nothing comes after it yet."""
        tail = await store.log_tail(video_id, 10)
        assert (tail.head.offset, tail.entries) == (0, [])
        assert await store.log_after(video_id, tail.head, 10) == []
        position = (await store.append(make_comment(video_id))).position
        assert position == Position(tail.head.epoch, 1)
        assert len(await store.log_after(video_id, tail.head, 10)) == 1

    async def test_log_after_gives_all_entries_beyond_a_position(self, store: JournalStore, video_id: str) -> None:
        """Exactly what was missed, in order; nothing for who is level."""
        await append_some(store, video_id, 6)
        head, entries = await store.log_tail(video_id, 10)
        for offset in range(7):
            assert await store.log_after(video_id, Position(head.epoch, offset), 6) == entries[offset:]

    async def test_more_than_the_limit_is_not_provable(self, store: JournalStore, video_id: str) -> None:
        """A list that would have to be cut is refused; one that just fits is given."""
        await append_some(store, video_id, 5)
        head, _ = await store.log_tail(video_id, 0)
        assert len(await store.log_after(video_id, Position(head.epoch, 1), 4)) == 4
        with pytest.raises(NotProvable):
            await store.log_after(video_id, Position(head.epoch, 0), 4)

    async def test_another_epoch_is_not_provable(self, store: JournalStore, video_id: str) -> None:
        """Offsets of another epoch can't be compared, not even 0."""
        await append_some(store, video_id, 2)
        for offset in (0, 1, 2, 3):
            with pytest.raises(NotProvable):
                await store.log_after(video_id, Position("another", offset), 10)

    async def test_a_position_beyond_the_head_is_not_provable(self, store: JournalStore, video_id: str) -> None:
        """Who claims to have seen what has not happened has seen another log."""
        await append_some(store, video_id, 2)
        head, _ = await store.log_tail(video_id, 0)
        for offset in (3, 10**17):
            with pytest.raises(NotProvable):
                await store.log_after(video_id, Position(head.epoch, offset), 10)

    async def test_repeats_return_the_first_position(self, store: JournalStore, video_id: str) -> None:
        """A repeated id, key or change says where its event stands, and writes none."""
        comment = make_comment(video_id)
        key = IdempotencyKey(comment.user.id, video_id, "key", b"same")
        hide = make_change(Kind.HIDDEN, comment)
        born = (await store.append(comment, key=key)).position
        hidden = (await store.apply(hide)).position
        await append_some(store, video_id, 1)
        assert (await store.append(comment)).position == born
        assert (await store.append(make_comment(video_id, user=comment.user), key=key)).position == born
        assert (await store.apply(hide)).position == hidden
        assert len(await _events(store, video_id)) == 3

    async def test_what_changes_nothing_takes_no_position(self, store: JournalStore, video_id: str) -> None:
        """Changes that are already so, and refused ones, leave no gap."""
        (comment,) = await append_some(store, video_id, 1)
        assert (await change(store, Kind.UNPINNED, comment)).position is None
        await change(store, Kind.HIDDEN, comment)
        assert (await change(store, Kind.HIDDEN, comment)).position is None
        with pytest.raises(Conflict):
            await change(store, Kind.PINNED, comment)
        await append_some(store, video_id, 1)
        kinds = [event.kind for event in await _events(store, video_id)]
        assert kinds == [Kind.COMMENT, Kind.HIDDEN, Kind.COMMENT]

    @pytest.mark.parametrize("kind", [Kind.DELETED, Kind.HIDDEN])
    async def test_a_retraction_blanks_the_log(self, store: JournalStore, video_id: str, kind: Kind) -> None:
        """Every entry that showed the comment stays in its place without it."""
        comment, other = await append_some(store, video_id, 2)
        acts = [Kind.HIDDEN, Kind.RESTORED, Kind.PINNED, Kind.UNPINNED, kind]
        changes = [make_change(act, comment) for act in acts]
        for one in changes:
            await store.apply(one)
        expected = [comment_event(comment).blank(), comment_event(other)]
        expected += [change_event(one, None) for one in changes]
        assert await _events(store, video_id) == expected
        head, _ = await store.log_tail(video_id, 0)
        after = await store.log_after(video_id, Position(head.epoch, 0), 100)
        assert [entry.event for entry in after] == expected

    async def test_a_restoration_fills_the_log_again(self, store: JournalStore, video_id: str) -> None:
        """What may be shown again is shown wherever it was."""
        (comment,) = await append_some(store, video_id, 1)
        hide, restore = make_change(Kind.HIDDEN, comment), make_change(Kind.RESTORED, comment)
        await store.apply(hide)
        await store.apply(restore)
        expected = [comment_event(comment), change_event(hide, None), change_event(restore, comment)]
        assert await _events(store, video_id) == expected

    async def test_a_comment_born_out_of_sight_is_a_blank_entry(self, store: JournalStore, video_id: str) -> None:
        """Held back or met by a tombstone: it takes its position and shows nothing."""
        pending, doomed = make_comment(video_id, status=Status.PENDING), make_comment(video_id)
        delete = make_change(Kind.DELETED, doomed)
        await store.append(pending)
        await store.apply(delete)
        await store.append(doomed)
        assert await _events(store, video_id) == [
            comment_event(pending).blank(),
            change_event(delete, None),
            comment_event(doomed).blank(),
        ]
        approve = make_change(Kind.RESTORED, pending)
        approved = (await store.apply(approve)).comment
        assert approved is not None
        events = await _events(store, video_id)
        assert (events[0], events[3]) == (comment_event(approved), change_event(approve, approved))

    async def test_the_log_outlives_the_process(self, store: JournalStore, video_id: str) -> None:
        """After closing and opening, the epoch is the same, every entry is there, and the count goes on."""
        comments: list[Comment] = await append_some(store, video_id, 3)
        await change(store, Kind.DELETED, comments[1])
        before = await store.log_tail(video_id, 100)
        await store.close()
        await store.open()
        assert await store.log_tail(video_id, 100) == before
        late = make_comment(video_id)
        position = (await store.append(late)).position
        assert position == Position(before.head.epoch, 5)
        assert await store.log_after(video_id, before.head, 10) == [Entry(position, comment_event(late))]
