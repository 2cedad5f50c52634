"""The unpublished list and review flags."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.model import Event, Kind, Timeline, Video
from hubbub.stores.base import Flag, IdempotencyKey, Store
from hubbub.testing.samples import make_change, make_comment, make_id, make_video_id
from hubbub.testing.store_contract.base import Contract, append_some, change
from hubbub.wire.events import change_event, comment_event, encode_json, timeline_event

NOW = 1_700_000_000_000
LEASE = 10_000


async def _lease(store: Store, holder: str, *, now: int = NOW, limit: int = 100) -> list[Event]:
    return await store.lease_unpublished(holder, now=now, lease_ms=LEASE, limit=limit)


async def _mark_some(store: Store, video_id: str, count: int) -> list[Event]:
    events = [comment_event(comment) for comment in await append_some(store, video_id, count)]
    for event in reversed(events):
        await store.mark_unpublished(event, at=NOW)
    return events


class ListsContract(Contract):
    """What waits to be published, and what waits for a moderator."""

    async def test_unpublished_events_come_in_order_of_id(self, store: Store, video_id: str) -> None:
        """What was marked is leased as it was, oldest first, up to the limit."""
        events = await _mark_some(store, video_id, 5)
        assert await store.count_unpublished() == 5
        assert await _lease(store, "a", limit=3) == events[:3]
        assert await _lease(store, "b") == events[3:]

    async def test_marking_twice_is_marking_once(self, store: Store, video_id: str) -> None:
        """The list is idempotent by event id."""
        (event,) = await _mark_some(store, video_id, 1)
        await store.mark_unpublished(event, at=NOW + 1)
        assert await store.count_unpublished() == 1
        assert await _lease(store, "a") == [event]

    async def test_nobody_else_gets_what_is_leased(self, store: Store, video_id: str) -> None:
        """Until the lease has run out, another holder finds nothing; its holder may try again."""
        events = await _mark_some(store, video_id, 2)
        assert await _lease(store, "a") == events
        assert await _lease(store, "b") == []
        assert await _lease(store, "b", now=NOW + LEASE - 1) == []
        assert await _lease(store, "a", now=NOW + 1) == events
        assert await _lease(store, "b", now=NOW + LEASE) == []  # renewed a moment ago
        assert await _lease(store, "b", now=NOW + LEASE + 1) == events
        assert await _lease(store, "a", now=NOW + LEASE + 2) == []

    async def test_holders_at_the_same_moment_share_the_list(self, store: Store, video_id: str) -> None:
        """Of leases at once, no two hold the same event."""
        events = await _mark_some(store, video_id, 20)
        leases = await asyncio.gather(*(_lease(store, f"holder {number}", limit=7) for number in range(4)))
        leased = [event.id for lease in leases for event in lease]
        assert sorted(leased) == [event.id for event in events]

    async def test_a_confirmed_event_is_off_the_list(self, store: Store, video_id: str) -> None:
        """Confirming takes off what it names, whoever holds it; names that are not there are fine."""
        events = await _mark_some(store, video_id, 4)
        await _lease(store, "a", limit=2)
        await store.confirm_published([events[0], events[3], comment_event(make_comment(video_id))])
        await store.confirm_published([events[0].blank()])
        await store.confirm_published([])
        assert await store.count_unpublished() == 2
        assert await _lease(store, "b", now=NOW + LEASE) == events[1:3]

    async def test_what_is_kept_with_a_due_time_is_listed_in_the_same_commit(self, store: Store, video_id: str) -> None:
        """A comment, a change and a video's event are on the list from then on, and leased to nobody before they are
        due.
        """
        comment, other = make_comment(video_id), make_comment(video_id)
        pin = make_change(Kind.PINNED, comment)
        start_id, at = make_id()
        timeline = Timeline(at)
        start = timeline_event(start_id, video_id, Kind.START, at, timeline)
        await store.append(comment, due=NOW)
        await store.append(other, key=IdempotencyKey(other.user.id, video_id, "k", b"f"), due=NOW + 2)
        pinned = (await store.apply(pin, due=NOW + 1)).comment
        await store.keep_video(Video(video_id, timeline=timeline), was=None, event=start, due=NOW + 3)
        assert await store.count_unpublished() == 4
        assert await _lease(store, "a", now=NOW - 1) == []
        assert await _lease(store, "a", now=NOW + 1) == [comment_event(comment), change_event(pin, pinned)]
        assert await _lease(store, "b", now=NOW + 3) == [comment_event(other), start]

    async def test_what_writes_no_event_lists_none(self, store: Store, video_id: str) -> None:
        """Neither repeats, nor changes without effect, nor a video's record alone."""
        comment = make_comment(video_id)
        key = IdempotencyKey(comment.user.id, video_id, "k", b"f")
        await store.append(comment, key=key)
        pin = make_change(Kind.PINNED, comment)
        await store.apply(pin)
        await store.append(comment, due=NOW)
        await store.append(make_comment(video_id, user=comment.user), key=key, due=NOW)
        await store.apply(pin, due=NOW)
        await store.apply(make_change(Kind.PINNED, comment), due=NOW)
        await store.keep_video(Video(video_id, "named"), was=None, due=NOW)
        assert await store.count_unpublished() == 0

    async def test_many_appends_at_once_are_all_listed(self, store: Store, video_id: str) -> None:
        """Batched or not, each is on the list exactly once, also beside some that were not to be listed."""
        comments = [make_comment(video_id) for _ in range(100)]
        dues = [NOW if number % 3 else None for number in range(100)]
        await asyncio.gather(*(store.append(one, due=due) for one, due in zip(comments, dues, strict=True)))
        leased = await _lease(store, "a")
        assert leased == [comment_event(one) for one, due in zip(comments, dues, strict=True) if due is not None]

    async def test_marking_what_is_not_yet_due_makes_it_due(self, store: Store, video_id: str) -> None:
        """Whoever wrote it knows that its publish has failed; what is leased stays leased."""
        comment = make_comment(video_id)
        await store.append(comment, due=NOW + LEASE)
        assert await _lease(store, "a") == []
        await store.mark_unpublished(comment_event(comment), at=NOW)
        assert await _lease(store, "a") == [comment_event(comment)]
        await store.mark_unpublished(comment_event(comment), at=NOW)
        assert await _lease(store, "b") == []
        assert await store.count_unpublished() == 1

    async def test_a_lease_can_be_given_back(self, store: Store, video_id: str) -> None:
        """Leased for no time at all, an event is the next holder's at once."""
        events = await _mark_some(store, video_id, 2)
        await _lease(store, "a")
        assert await store.lease_unpublished("a", now=NOW, lease_ms=0, limit=1) == events[:1]
        assert await _lease(store, "b") == events[:1]

    async def test_an_empty_list_leases_nothing(self, store: Store) -> None:
        """Nothing waits, and that is no error."""
        assert await store.count_unpublished() == 0
        assert await _lease(store, "a") == []

    async def test_a_leased_event_is_as_it_stands_now(self, store: Store, video_id: str) -> None:
        """What was retracted since it was marked is leased blank, and shown again once restored."""
        deleted, hidden = await append_some(store, video_id, 2)
        pin = make_change(Kind.PINNED, deleted)
        pinned = change_event(pin, (await store.apply(pin)).comment)
        delete = make_change(Kind.DELETED, deleted)
        for event in (comment_event(deleted), comment_event(hidden), pinned, change_event(delete, None)):
            await store.mark_unpublished(event, at=NOW)
        await change(store, Kind.HIDDEN, hidden)
        await store.apply(delete)
        assert await _lease(store, "a") == [
            comment_event(deleted).blank(),
            comment_event(hidden).blank(),
            pinned.blank(),
            change_event(delete, None),
        ]
        await change(store, Kind.RESTORED, hidden)
        assert (await _lease(store, "a"))[1] == comment_event(hidden)

    @pytest.mark.parametrize("kind", [Kind.SETTINGS, Kind.END])
    async def test_events_without_a_comment_keep_their_body(self, store: Store, video_id: str, kind: Kind) -> None:
        """What speaks of no comment is returned byte for byte."""
        event_id, at = make_id()
        event = Event(event_id, video_id, kind, "", at, encode_json({"title": "a\u2028b ✓", "at": at}))
        await store.mark_unpublished(event, at=NOW)
        assert await _lease(store, "a") == [event]

    async def test_flags_come_in_order_of_comment_and_person(self, store: Store, video_id: str) -> None:
        """Flags of a video are read page by page, with what they say."""
        comments = await append_some(store, video_id, 2)
        places = [(one.id, by) for one in comments for by in ("ann", "bob", "rule:x")]
        flags = [Flag(video_id, *place, f"spam ✓ {place}", NOW - age) for age, place in enumerate(places)]
        for flag in reversed(flags):
            await store.add_flag(flag)
        assert await store.flags(video_id=video_id, after=None, limit=10) == flags
        walked: list[Flag] = []
        while page := await store.flags(
            video_id=video_id, after=(walked[-1].comment_id, walked[-1].by) if walked else None, limit=4
        ):
            walked += page
        assert walked == flags

    async def test_flags_of_all_videos_are_read_together(self, store: Store, video_id: str) -> None:
        """Without a video, every open flag is in the list; with one, only its own."""
        mine, other = make_comment(video_id), make_comment(make_video_id())
        flags = [Flag(one.video_id, one.id, "ann", "rude", NOW) for one in (mine, other)]
        for flag in flags:
            await store.add_flag(flag)
        assert await store.flags(video_id=None, after=None, limit=10) == flags
        assert await store.flags(video_id=None, after=(mine.id, "ann"), limit=10) == flags[1:]
        assert await store.flags(video_id=video_id, after=None, limit=10) == flags[:1]

    async def test_a_second_flag_by_the_same_person_changes_nothing(self, store: Store, video_id: str) -> None:
        """The first reason stands."""
        first = Flag(video_id, make_id()[0], "ann", "rude", NOW)
        await store.add_flag(first)
        await store.add_flag(first._replace(reason="other", at=NOW + 1))
        assert await store.flags(video_id=video_id, after=None, limit=10) == [first]

    async def test_clearing_closes_every_flag_of_a_comment(self, store: Store, video_id: str) -> None:
        """All flags of that comment go, those of others stay; a comment without flags is fine."""
        cleared, kept = make_id()[0], make_id()[0]
        for comment_id in (cleared, kept):
            for by in ("ann", "bob"):
                await store.add_flag(Flag(video_id, comment_id, by, "rude", NOW))
        await store.clear_flags(video_id, cleared)
        await store.clear_flags(video_id, cleared)
        assert {flag.comment_id for flag in await store.flags(video_id=video_id, after=None, limit=10)} == {kept}
