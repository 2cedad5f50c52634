"""Reading comments and events: `page`, `newest`, `window`, `pins`, `by_user`, `changes_since`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hubbub.ids import first_id_at
from hubbub.model import Comment, Event, Kind, Status
from hubbub.stores.base import Order, Store
from hubbub.testing.samples import ago, make_change, make_comment, make_user, make_video_id
from hubbub.testing.store_contract.base import Contract, append_all, append_some, change
from hubbub.wire.events import change_event, comment_event


async def _walk(store: Store, video_id: str, *, limit: int, order: Order) -> list[Comment]:
    """All pages, one after the other."""
    walked: list[Comment] = []
    after: str | None = None
    while page := await store.page(video_id, after=after, limit=limit, order=order):
        assert len(page) <= limit
        walked += page
        after = page[-1].id
    return walked


class ReadingContract(Contract):
    """Lists of comments, and the changes since a time."""

    async def test_newest_are_the_last_ones_oldest_first(self, store: Store, video_id: str) -> None:
        """The end of the list is the end of the video's comments."""
        comments = await append_some(store, video_id, 7)
        assert await store.newest(video_id, 3) == comments[-3:]
        assert await store.newest(video_id, 7) == comments
        assert await store.newest(video_id, 100) == comments

    async def test_newest_go_by_id_not_by_arrival(self, store: Store, video_id: str) -> None:
        """A comment that comes late takes its place in time."""
        comments = [make_comment(video_id, str(number)) for number in range(4)]
        await append_all(store, [comments[2], comments[0], comments[3], comments[1]])
        assert await store.newest(video_id, 10) == comments

    @pytest.mark.parametrize("limit", [1, 2, 3, 10, 11])
    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_pages_hold_each_comment_once(self, store: Store, video_id: str, order: Order, limit: int) -> None:
        """Walking either way gives every comment, once, in order of id."""
        comments = await append_some(store, video_id, 10)
        await self.settle(store)
        expected = comments if order == "asc" else comments[::-1]
        assert await _walk(store, video_id, limit=limit, order=order) == expected

    async def test_a_page_is_strictly_beyond_its_cursor(self, store: Store, video_id: str) -> None:
        """The comment named by ``after`` is not on the page, nor is anything before it."""
        comments = await append_some(store, video_id, 5)
        await self.settle(store)
        assert await store.page(video_id, after=comments[2].id, limit=9, order="asc") == comments[3:]
        assert await store.page(video_id, after=comments[2].id, limit=9, order="desc") == comments[1::-1]
        assert await store.page(video_id, after=comments[4].id, limit=9, order="asc") == []
        assert await store.page(video_id, after=comments[0].id, limit=9, order="desc") == []

    async def test_a_cursor_need_not_exist(self, store: Store, video_id: str) -> None:
        """An id that was never stored is a place like any other."""
        before, gone, after = (make_comment(video_id) for _ in range(3))
        await append_all(store, [before, after])
        await self.settle(store)
        assert await store.page(video_id, after=gone.id, limit=9, order="asc") == [after]
        assert await store.page(video_id, after=gone.id, limit=9, order="desc") == [before]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    async def test_pages_are_stable_under_inserts_and_deletes(self, store: Store, video_id: str, order: Order) -> None:
        """What comes or goes between two pages shifts nothing: not even when it is the cursor's own comment."""
        early = [make_comment(video_id, f"early {number}", at=ago(60_000 - number)) for number in range(3)]
        comments = await append_some(store, video_id, 9)
        walk = comments if order == "asc" else comments[::-1]
        await self.settle(store)
        first = await store.page(video_id, after=None, limit=4, order=order)
        assert first == walk[:4]

        await append_all(store, early)
        late = await append_some(store, video_id, 3)
        await change(store, Kind.DELETED, walk[0])
        await change(store, Kind.HIDDEN, walk[3])
        await change(store, Kind.DELETED, walk[6])
        await self.settle(store)
        rest = await store.page(video_id, after=first[-1].id, limit=20, order=order)
        assert rest == [walk[4], walk[5], walk[7], walk[8], *(late if order == "asc" else early[::-1])]

    async def test_a_page_is_full_although_some_between_are_gone(self, store: Store, video_id: str) -> None:
        """``limit`` counts comments that are shown; a short page is the last one."""
        comments = await append_some(store, video_id, 12)
        for comment in comments[1::2]:
            await change(store, Kind.HIDDEN, comment)
        await self.settle(store)
        assert await store.page(video_id, after=None, limit=4, order="asc") == comments[0:8:2]
        assert await store.page(video_id, after=None, limit=4, order="desc") == comments[10:2:-2]
        assert await store.newest(video_id, 4) == comments[4::2]

    async def test_videos_are_apart(self, store: Store, video_id: str) -> None:
        """Nothing of one video shows in another, however alike their ids."""
        names = [video_id, video_id.upper(), video_id + "-", video_id[:-1], video_id + "." + video_id, "." + video_id]
        comments = {name: make_comment(name) for name in names}
        await append_all(store, list(comments.values()))
        await self.settle(store)
        for name, comment in comments.items():
            assert await store.newest(name, 10) == [comment]
            assert await _walk(store, name, limit=10, order="asc") == [comment]
            assert [event.subject for event in await store.changes_since(name, 0, 10)] == [comment.id]

    async def test_a_video_without_comments_is_empty(self, store: Store, video_id: str) -> None:
        """Reading what nobody has written to is no error."""
        assert await store.newest(video_id, 10) == []
        assert await store.page(video_id, after=None, limit=10, order="asc") == []
        assert await store.window(video_id, since=0, until=2**62, limit=10) == []
        assert await store.changes_since(video_id, 0, 10) == []
        assert await store.pins(video_id) == []
        assert await store.get(video_id, make_comment(video_id).id) is None

    async def test_lists_mark_pins_as_of_the_read(self, store: Store, video_id: str) -> None:
        """A pin set or taken after a comment was written shows wherever the comment does."""
        (comment,) = await append_some(store, video_id, 1)
        at = comment.created_at
        for kind in (Kind.PINNED, Kind.UNPINNED):
            await change(store, kind, comment)
            await self.settle(store)
            expected = [replace(comment, pinned=kind is Kind.PINNED)]
            assert await store.newest(video_id, 5) == expected
            assert await store.page(video_id, after=None, limit=5, order="desc") == expected
            assert await store.window(video_id, since=at, until=at + 1, limit=5) == expected

    async def test_a_window_holds_a_stretch_of_time(self, store: Store, video_id: str) -> None:
        """From ``since`` on and before ``until``, to the millisecond, oldest first."""
        start = ago(1_000_000)
        comments = [make_comment(video_id, str(ms), at=start + ms) for ms in (0, 1, 2, 5, 9)]
        comments.append(make_comment(video_id, "1", at=start + 1, id=first_id_at(start + 1)))
        comments.sort(key=lambda comment: comment.id)
        await append_all(store, comments)
        await self.settle(store)

        async def texts(since: int, until: int) -> list[str]:
            found = await store.window(video_id, since=start + since, until=start + until, limit=10)
            return [comment.text for comment in found]

        assert await texts(0, 10) == ["0", "1", "1", "2", "5", "9"]
        assert await texts(1, 5) == ["1", "1", "2"]
        assert await texts(1, 1) == []
        assert await texts(5, 6) == ["5"]
        assert await texts(-start, 1) == ["0"]
        assert await texts(9, 2**62) == ["9"]
        assert await texts(10, 20) == []

    async def test_a_window_is_paged_by_id(self, store: Store, video_id: str) -> None:
        """``after`` and ``limit`` walk through a window as through pages, without what is gone."""
        start = ago(1_000_000)
        comments = sorted((make_comment(video_id, at=start + ms // 2) for ms in range(10)), key=lambda one: one.id)
        await append_all(store, comments)
        await change(store, Kind.HIDDEN, comments[4])
        await self.settle(store)
        walked: list[Comment] = []
        while page := await store.window(
            video_id, since=start + 1, until=start + 4, limit=2, after=walked[-1].id if walked else None
        ):
            assert len(page) <= 2
            walked += page
        assert walked == [comments[2], comments[3], *comments[5:8]]
        assert await store.window(video_id, since=start + 1, until=start + 4, limit=9, after=comments[0].id) == walked

    async def test_pins_come_in_the_order_of_pinning(self, store: Store, video_id: str) -> None:
        """The latest pin is last; a comment pinned again is the latest."""
        a, b, c = await append_some(store, video_id, 3)
        for comment in (b, c, a):
            await change(store, Kind.PINNED, comment)
        assert await store.pins(video_id) == [replace(comment, pinned=True) for comment in (b, c, a)]
        await change(store, Kind.UNPINNED, b)
        await change(store, Kind.PINNED, b)
        await change(store, Kind.DELETED, c)
        assert await store.pins(video_id) == [replace(comment, pinned=True) for comment in (a, b)]

    async def test_by_user_gives_all_of_a_users_comments(self, store: Store) -> None:
        """Every status, every video, in order of video and id, page by page."""
        user = make_user()
        videos = sorted(make_video_id() for _ in range(3))
        comments = [make_comment(video, user=user) for video in reversed(videos) for _ in range(3)]
        comments[1] = replace(comments[1], status=Status.PENDING)
        await append_all(store, comments)
        await append_some(store, videos[0], 2)
        await change(store, Kind.HIDDEN, comments[4])
        await change(store, Kind.DELETED, comments[8])
        await change(store, Kind.PINNED, comments[0])
        await self.settle(store)
        expected = [await store.get(one.video_id, one.id) for one in sorted(comments, key=lambda c: (c.video_id, c.id))]
        for limit in (2, 9, 100):
            walked: list[Comment] = []
            after: tuple[str, str] | None = None
            while page := await store.by_user(user.id, after=after, limit=limit):
                assert len(page) <= limit
                walked += page
                after = page[-1].video_id, page[-1].id
            assert walked == expected
        assert await store.by_user(make_user().id, after=None, limit=5) == []

    async def test_changes_since_are_the_events_as_they_were(self, store: Store, video_id: str) -> None:
        """Comments and changes in order of event id, with the very bytes that were published."""
        first, second = await append_some(store, video_id, 2)
        pin = make_change(Kind.PINNED, first)
        unpin = make_change(Kind.UNPINNED, first)
        pinned = (await store.apply(pin)).comment
        await store.apply(unpin)
        (third,) = await append_some(store, video_id, 1)
        assert await store.changes_since(video_id, 0, 10) == [
            comment_event(first),
            comment_event(second),
            change_event(pin, pinned),
            change_event(unpin, first),
            comment_event(third),
        ]

    async def test_changes_since_starts_at_its_millisecond(self, store: Store, video_id: str) -> None:
        """``at >= since``, for comments and changes alike, whatever order they were written in."""
        start = ago(1_000_000)
        late = make_comment(video_id, at=start + 20, id=first_id_at(start + 20))
        early = make_comment(video_id, at=start)
        hide = make_change(Kind.HIDDEN, early, at=start + 10)
        await append_all(store, [late, early])
        await store.apply(hide)

        async def since(ms: int) -> list[str]:
            return [event.id for event in await store.changes_since(video_id, start + ms, 10)]

        assert await since(-start) == await since(0) == [early.id, hide.id, late.id]
        assert await since(1) == await since(10) == [hide.id, late.id]
        assert await since(11) == await since(20) == [late.id]
        assert await since(21) == await since(2**62) == []

    async def test_changes_since_are_cut_off_at_the_new_end(self, store: Store, video_id: str) -> None:
        """A full list holds the oldest of them, so that its length shows there may be more."""
        comments = await append_some(store, video_id, 4)
        hide = make_change(Kind.HIDDEN, comments[0])
        await store.apply(hide)
        ids = [*(comment.id for comment in comments), hide.id]
        for limit in (1, 4, 5, 6):
            assert [event.id for event in await store.changes_since(video_id, 0, limit)] == ids[:limit]

    @pytest.mark.parametrize("kind", [Kind.DELETED, Kind.HIDDEN])
    async def test_changes_since_are_blank_where_retracted(self, store: Store, video_id: str, kind: Kind) -> None:
        """Every event that showed the comment keeps its place and says nothing; the retraction itself speaks."""
        comment, other = await append_some(store, video_id, 2)
        hide, restore, pin, retract = (
            make_change(one, comment) for one in (Kind.HIDDEN, Kind.RESTORED, Kind.PINNED, kind)
        )
        for one in (hide, restore, pin, retract):
            await store.apply(one)
        assert await store.changes_since(video_id, 0, 10) == [
            comment_event(comment).blank(),
            comment_event(other),
            change_event(hide, None),
            change_event(restore, None),
            change_event(pin, None),
            change_event(retract, None),
        ]

    async def test_changes_since_show_again_what_was_restored(self, store: Store, video_id: str) -> None:
        """After a restoration the comment's first event is there to read as well."""
        (comment,) = await append_some(store, video_id, 1)
        hide, restore = make_change(Kind.HIDDEN, comment), make_change(Kind.RESTORED, comment)
        await store.apply(hide)
        restored = (await store.apply(restore)).comment
        assert await store.changes_since(video_id, 0, 10) == [
            comment_event(comment),
            change_event(hide, None),
            change_event(restore, restored),
        ]

    async def test_changes_since_hold_a_place_for_what_is_held_back(self, store: Store, video_id: str) -> None:
        """A comment that waits for review is a blank event; a tombstone is only its change."""
        pending = make_comment(video_id, status=Status.PENDING)
        unknown = make_change(Kind.DELETED, make_comment(video_id))
        await store.append(pending)
        await store.apply(unknown)
        expected: list[Event] = [comment_event(pending).blank(), change_event(unknown, None)]
        assert await store.changes_since(video_id, 0, 10) == expected
