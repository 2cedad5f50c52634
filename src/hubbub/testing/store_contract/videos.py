"""`Store.video` and `Store.keep_video`: what is known of a video, and the events that tell of it."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from hubbub.model import Kind, Timeline, Video
from hubbub.stores.base import Store
from hubbub.testing.samples import ago, make_comment, make_timeline_event, make_video_id
from hubbub.testing.store_contract.base import Contract, append_some, change, read_all


class VideosContract(Contract):
    """Records, and that comments stay as they are beside them."""

    async def test_a_video_is_unknown_until_something_is_told(self, store: Store, video_id: str) -> None:
        """Comments alone make no record."""
        await append_some(store, video_id, 1)
        assert await store.video(video_id) is None

    async def test_a_record_comes_back_as_it_was_kept(self, store: Store, video_id: str) -> None:
        """Every field, null or not, of this video only."""
        bare = Video(video_id)
        full = Video(video_id, "Liftoff 🚀", "https://example.org/a.m3u8", Timeline(1_795_229_000_000, 2**53))
        assert await store.keep_video(bare, was=None) == (True, bare, None)
        assert await store.video(video_id) == bare
        assert await store.keep_video(full, was=bare) == (True, full, None)
        assert await store.video(video_id) == full
        assert (await store.keep_video(bare, was=full)).kept
        assert await store.video(video_id) == bare
        assert await store.video(make_video_id()) is None

    async def test_a_writer_who_has_read_something_older_writes_nothing(self, store: Store, video_id: str) -> None:
        """It is told what stands; an event it brought is nowhere."""
        first, other = Video(video_id, "first"), Video(video_id, "other")
        end = make_timeline_event(video_id, Kind.END, Timeline(None, 5))
        assert await store.keep_video(first, was=other) == (False, None, None)
        await store.keep_video(first, was=None)
        for was in (None, other):
            assert await store.keep_video(other, was=was, event=end) == (False, first, None)
        assert await store.video(video_id) == first
        assert await store.changes_since(video_id, 0, 10) == []

    async def test_of_many_at_once_one_writes(self, store: Store, video_id: str) -> None:
        """Whoever read the same record, one of them wins and its event alone is in the log."""
        videos = [Video(video_id, timeline=Timeline(number)) for number in range(20)]
        events = [make_timeline_event(video_id, Kind.START, video.timeline) for video in videos]
        kept = await asyncio.gather(
            *(store.keep_video(video, was=None, event=event) for video, event in zip(videos, events, strict=True))
        )
        [winner] = [number for number, one in enumerate(kept) if one.kept]
        assert await store.video(video_id) == videos[winner]
        assert await store.changes_since(video_id, 0, 100) == [events[winner]]

    async def test_a_repeated_event_writes_nothing_and_is_answered_as_before(self, store: Store, video_id: str) -> None:
        """Also once the record has moved on."""
        started = Video(video_id, timeline=Timeline(7))
        start = make_timeline_event(video_id, Kind.START, started.timeline)
        first = await store.keep_video(started, was=None, event=start)
        assert first.kept
        assert await store.keep_video(started, was=None, event=start) == first
        named = replace(started, title="named")
        await store.keep_video(named, was=started)
        assert await store.keep_video(started, was=None, event=start) == (True, named, first.position)
        assert await store.video(video_id) == named
        assert await store.changes_since(video_id, 0, 10) == [start]

    async def test_its_events_stand_among_all_others_by_time(self, store: Store, video_id: str) -> None:
        """Whoever asks what has changed since a time is told of the start and the end as they were said."""
        comment = make_comment(video_id, at=ago(3_000))
        start = make_timeline_event(video_id, Kind.START, Timeline(1), at=ago(2_000))
        end = make_timeline_event(video_id, Kind.END, Timeline(1, 2), at=ago(1_000))
        await store.append(comment)
        started, ended = Video(video_id, timeline=Timeline(1)), Video(video_id, timeline=Timeline(1, 2))
        await store.keep_video(started, was=None, event=start, actor="moderator")
        await store.keep_video(ended, was=started, event=end)
        events = await store.changes_since(video_id, 0, 10)
        assert [event.id for event in events] == [comment.id, start.id, end.id]
        assert events[1:] == [start, end]
        assert await store.changes_since(video_id, end.at, 10) == [end]

    async def test_an_unpublished_event_of_a_video_is_leased_as_it_was_made(self, store: Store, video_id: str) -> None:
        """It speaks of no comment, so nothing can retract it."""
        end = make_timeline_event(video_id, Kind.END, Timeline(None, 5))
        await store.keep_video(Video(video_id, timeline=Timeline(None, 5)), was=None, event=end)
        await store.mark_unpublished(end, at=end.at)
        assert await store.lease_unpublished("sweeper", now=end.at, lease_ms=1_000, limit=10) == [end]
        await store.confirm_published([end])

    async def test_comments_keep_the_offset_that_they_were_born_with(self, store: Store, video_id: str) -> None:
        """Whatever is told of the start later, in every list and in every event."""
        early, late = make_comment(video_id, offset=None), make_comment(video_id, offset=1.25)
        await store.append(early)
        start = make_timeline_event(video_id, Kind.START, Timeline(early.created_at))
        await store.keep_video(Video(video_id, timeline=Timeline(early.created_at)), was=None, event=start)
        await store.append(late)
        assert [one.offset for one in await read_all(store, video_id)] == [None, 1.25]
        pinned = (await change(store, Kind.PINNED, early)).comment
        assert pinned is not None
        assert pinned.offset is None
        assert await store.get(video_id, early.id) == pinned
        assert await store.pins(video_id) == [pinned]
