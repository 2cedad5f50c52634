"""`Store.video` and `Store.keep_video`: what is known of a video, and the events that tell of it."""

from __future__ import annotations

import asyncio
import random

from msgspec.structs import replace

from hubbub.model import Kind, ListPlace, Stage, Timeline, Video
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
        full = Video(video_id, "Liftoff 🚀", "https://example.org/a.m3u8", Timeline(1_795_229_000_000, 2**53), 7, 12)
        assert await store.keep_video(bare, was=None) == (True, bare, None)
        assert await store.video(video_id) == bare
        assert await store.keep_video(full, was=bare) == (True, full, None)
        assert await store.video(video_id) == full
        assert (await store.keep_video(bare, was=full)).kept
        assert await store.video(video_id) == bare
        assert await store.video(make_video_id()) is None

    async def test_each_stage_has_its_list_the_latest_first(self, store: Store) -> None:
        """By end, by start, or by when the record was made; of one millisecond, by id."""
        at = _some_time()
        made = {
            Stage.UNTIMED: [Video(make_video_id(), made_at=at + number) for number in range(3)],
            Stage.STARTED: [Video(make_video_id(), "t", None, Timeline(at + number), 9) for number in range(3)],
            Stage.ENDED: [
                Video(make_video_id(), timeline=Timeline(start, at + number))
                for number, start in enumerate((None, at, 0))
            ],
        }
        twin = Video("twin-" + make_video_id(), timeline=Timeline(at + 1))
        made[Stage.STARTED].append(twin)
        for videos in made.values():
            for video in videos:
                assert (await store.keep_video(video, was=None)).kept
        await self.settle(store)
        for stage, videos in made.items():
            found = await _listed(store, stage, at)
            assert found == sorted(videos, key=lambda video: video.place, reverse=True)

    async def test_a_list_is_read_from_place_to_place(self, store: Store) -> None:
        """``before`` is left out and need not exist, ``since`` is in; never more than ``limit``."""
        at = _some_time()
        videos = [Video(make_video_id(), timeline=Timeline(at + number // 2)) for number in range(6)]
        for video in videos:
            await store.keep_video(video, was=None)
        await self.settle(store)
        expected = sorted(videos, key=lambda video: video.place, reverse=True)
        found: list[Video] = []
        before = ListPlace(at + 3, "")
        while part := await store.videos(Stage.STARTED, since=at, before=before, limit=2):
            assert len(part) <= 2
            found += part
            before = part[-1].place
        assert found == expected
        assert await store.videos(Stage.STARTED, since=at + 2, before=ListPlace(at + 3, ""), limit=9) == expected[:2]
        between = ListPlace(at + 1, "~")
        assert await store.videos(Stage.STARTED, since=at, before=between, limit=9) == expected[2:]

    async def test_a_video_moves_from_list_to_list(self, store: Store, video_id: str) -> None:
        """It is in one at a time, where its record says."""
        at = _some_time()
        told = Video(video_id, made_at=at)
        steps = [told, replace(told, timeline=Timeline(at + 5)), replace(told, timeline=Timeline(at + 5, at + 2))]
        was = None
        for video in [*steps, steps[1], told]:
            await store.keep_video(video, was=was)
            was = video
            await self.settle(store)
            for stage in Stage:
                assert await _listed(store, stage, at) == ([video] if stage is video.stage else [])

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


def _some_time() -> int:
    """A millisecond whose neighbours, the seven after it too, no other test's videos have."""
    return random.SystemRandom().randrange(10**13, 10**15) * 8


async def _listed(store: Store, stage: Stage, at: int) -> list[Video]:
    """A test's own videos of a stage."""
    return await store.videos(stage, since=at, before=ListPlace(at + 8, ""), limit=50)
