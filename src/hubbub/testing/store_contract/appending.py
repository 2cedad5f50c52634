"""`Store.append` and `Store.recall`: what is kept, once."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from hubbub.errors import Unprocessable
from hubbub.model import Comment, Kind, Status, User
from hubbub.stores.base import IdempotencyKey, Store
from hubbub.testing.samples import DAY_MS, ago, make_comment, make_user, make_video_id
from hubbub.testing.store_contract.base import Contract, append_all, append_some, change, read_all

MINUTE_MS = 60_000

TEXTS = {
    "newlines": "one\ntwo\n\n three ",
    "quotes": """ ' " \\ ` %s ? ?1 :a {} [] ); DROP TABLE comments; -- """,
    "emoji": "👩🏽‍🚀🏳️‍🌈 🇺🇳 ❤️",
    "right to left": "שלום, עולם \u202eabc\u202c مرحبا",
    "combining": "Ze\u0301 is not Zé, a\u0300\u0301\u0302",
    "line breakers": "a\u0085b\u2028c\u2029d",
    "invisible": "\ufeffa\u200b\u00ad\u2060b\u00a0",
    "beyond the first plane": "𝕳𝖚𝖇𝖇𝖚𝖇 𠜎 \U0010fffd",
    "noncharacters": "\ufffe\uffff\U0001ffff",
    "long": "字" * 500,
    "empty": "",
}


def key_of(comment: Comment, key: str = "key", fingerprint: bytes = b"\x00\xff same") -> IdempotencyKey:
    """A key that the comment's author sent along."""
    return IdempotencyKey(comment.user.id, comment.video_id, key, fingerprint)


class AppendingContract(Contract):
    """Appends, repeats and idempotency keys."""

    async def test_an_appended_comment_is_read_back_as_it_was(self, store: Store, video_id: str) -> None:
        """Every field of a comment survives, the optional ones too."""
        full = make_comment(
            video_id,
            user=User("u/1 ü", "Zoë", roles=("host", "moderator"), avatar="https://example.org/a.png?x=1&y=2"),
            offset=5025.123,
            nonce="n-1",
            meta={"list": [1, 2.5, None, True, {"deep": "✓"}], "": {}, "big": 2**53, "z": 1, "a": 2},
        )
        bare = make_comment(video_id, user=User("u2", ""), offset=None)
        for comment in (full, bare):
            appended = await store.append(comment)
            assert appended.created
            assert appended.comment == comment
            assert await store.get(video_id, comment.id) == comment
        assert await store.newest(video_id, 10) == [full, bare]

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
    async def test_text_is_kept_code_point_for_code_point(self, store: Store, video_id: str, text: str) -> None:
        """Whatever people write comes back unchanged, in names and notes as well."""
        comment = make_comment(video_id, text, user=make_user(name=text), nonce=text, meta={text: text})
        await store.append(comment)
        assert await store.get(video_id, comment.id) == comment
        assert await store.newest(video_id, 1) == [comment]

    @pytest.mark.parametrize("offset", [0.0, 0.001, 1 / 3, -12.5, 1e-9, 86_399.999, 123_456_789.123456789])
    async def test_offsets_are_kept_to_the_last_bit(self, store: Store, video_id: str, offset: float) -> None:
        """A place on the timeline comes back as the same number."""
        comment = make_comment(video_id, offset=offset)
        await store.append(comment)
        assert await store.newest(video_id, 1) == [comment]

    async def test_the_same_id_again_changes_nothing(self, store: Store, video_id: str) -> None:
        """A second append of an id is not created and returns what stands, which is the first."""
        comment = make_comment(video_id, "first")
        await store.append(comment)
        again = await store.append(replace(comment, text="second", status=Status.HIDDEN))
        assert not again.created
        assert again.comment == comment
        assert await read_all(store, video_id) == [comment]

    async def test_a_repeat_says_how_the_comment_stands_now(self, store: Store, video_id: str) -> None:
        """A redelivery after a deletion neither restores the text nor returns it."""
        (comment,) = await append_some(store, video_id, 1)
        await change(store, Kind.DELETED, comment)
        again = await store.append(comment)
        assert not again.created
        assert (again.comment.status, again.comment.text) == (Status.DELETED, "")
        assert await read_all(store, video_id) == []

    async def test_the_same_id_is_another_comment_on_another_video(self, store: Store, video_id: str) -> None:
        """Ids are unique within a video."""
        comment = make_comment(video_id)
        other = replace(comment, video_id=make_video_id(), text="other")
        await append_all(store, [comment, other])
        assert await store.get(video_id, comment.id) == comment
        assert await store.get(other.video_id, comment.id) == other

    async def test_an_append_at_the_same_moment_as_itself_is_made_once(self, store: Store, video_id: str) -> None:
        """Of many appends of one id at once, exactly one creates."""
        comment = make_comment(video_id)
        appended = await asyncio.gather(*(store.append(comment) for _ in range(20)))
        assert [one.created for one in appended].count(True) == 1
        assert all(one.comment == comment for one in appended)
        assert await store.newest(video_id, 10) == [comment]

    async def test_200_appends_at_once_are_all_kept(self, store: Store, video_id: str) -> None:
        """Concurrency loses nothing and mixes nothing up."""
        comments = [make_comment(video_id, f"comment {number}", nonce=str(number)) for number in range(200)]
        appended = await asyncio.gather(*(store.append(comment) for comment in comments))
        assert [one.comment for one in appended] == comments
        assert all(one.created for one in appended)
        assert await store.newest(video_id, 200) == comments

    @pytest.mark.parametrize("status", [Status.PENDING, Status.HIDDEN])
    async def test_a_comment_may_be_born_out_of_sight(self, store: Store, video_id: str, status: Status) -> None:
        """One held back is kept whole, and in no list."""
        comment = make_comment(video_id, status=status)
        await store.append(comment)
        assert await store.get(video_id, comment.id) == comment
        assert await read_all(store, video_id) == []

    async def test_a_key_sent_again_returns_the_first_comment(self, store: Store, video_id: str) -> None:
        """A retried post, which has a new id, makes no second comment."""
        first = make_comment(video_id, user=make_user())
        retry = make_comment(video_id, user=first.user)
        assert (await store.append(first, key=key_of(first))).created
        again = await store.append(retry, key=key_of(first))
        assert (again.created, again.comment) == (False, first)
        assert await store.get(video_id, retry.id) is None
        assert await read_all(store, video_id) == [first]

    async def test_a_redelivered_comment_with_its_key_is_known(self, store: Store, video_id: str) -> None:
        """The same id with the same key is a repeat like any other."""
        comment = make_comment(video_id)
        await store.append(comment, key=key_of(comment))
        again = await store.append(comment, key=key_of(comment))
        assert (again.created, again.comment) == (False, comment)

    async def test_a_key_at_the_same_moment_as_itself_makes_one_comment(self, store: Store, video_id: str) -> None:
        """Of many posts with one key at once, exactly one is made and all get it."""
        user = make_user()
        posts = [make_comment(video_id, user=user) for _ in range(20)]
        appended = await asyncio.gather(*(store.append(post, key=key_of(posts[0])) for post in posts))
        assert [one.created for one in appended].count(True) == 1
        assert len({one.comment.id for one in appended}) == 1
        assert await store.newest(video_id, 30) == [appended[0].comment]

    async def test_a_key_with_another_fingerprint_is_refused(self, store: Store, video_id: str) -> None:
        """The same key for another request is a client's mistake, and stores nothing."""
        first = make_comment(video_id)
        await store.append(first, key=key_of(first))
        other = make_comment(video_id, user=first.user)
        with pytest.raises(Unprocessable) as refused:
            await store.append(other, key=key_of(first, fingerprint=b"another"))
        assert refused.value.code == "idempotency_key_reused"
        assert await store.get(video_id, other.id) is None
        assert await read_all(store, video_id) == [first]

    async def test_a_refused_key_harms_no_append_at_the_same_moment(self, store: Store, video_id: str) -> None:
        """One refusal among concurrent appends concerns its own caller only."""
        first = make_comment(video_id)
        await store.append(first, key=key_of(first))
        others = [make_comment(video_id) for _ in range(10)]
        outcomes = await asyncio.gather(
            *(store.append(other) for other in others[:5]),
            store.append(make_comment(video_id), key=key_of(first, fingerprint=b"another")),
            *(store.append(other, key=key_of(other)) for other in others[5:]),
            return_exceptions=True,
        )
        assert [isinstance(outcome, Unprocessable) for outcome in outcomes] == [False] * 5 + [True] + [False] * 5
        assert await read_all(store, video_id) == [first, *others]

    async def test_keys_of_other_users_and_videos_are_other_keys(self, store: Store, video_id: str) -> None:
        """A key counts for one user on one video."""
        first = make_comment(video_id)
        same_user = make_comment(make_video_id(), user=first.user)
        same_video = make_comment(video_id)
        same_both = make_comment(video_id, user=first.user)
        for comment, key in ((first, "k"), (same_user, "k"), (same_video, "k"), (same_both, "K")):
            assert (await store.append(comment, key=key_of(comment, key))).created

    async def test_recall_finds_what_a_key_has_made(self, store: Store, video_id: str) -> None:
        """`recall` answers like a repeat would, without a comment at hand."""
        comment = make_comment(video_id)
        assert await store.recall(key_of(comment)) is None
        await store.append(comment, key=key_of(comment))
        assert await store.recall(key_of(comment)) == comment
        assert await store.recall(key_of(comment, "another")) is None
        with pytest.raises(Unprocessable) as refused:
            await store.recall(key_of(comment, fingerprint=b"another"))
        assert refused.value.code == "idempotency_key_reused"

    async def test_recall_shows_a_comment_of_any_status(self, store: Store, video_id: str) -> None:
        """A key's comment may have been deleted since: it is found, its text is not."""
        comment = make_comment(video_id, nonce="n")
        await store.append(comment, key=key_of(comment))
        await change(store, Kind.DELETED, comment)
        assert await store.recall(key_of(comment)) == replace(comment, status=Status.DELETED, text="", nonce=None)

    async def test_a_key_counts_for_24_hours(self, store: Store, video_id: str) -> None:
        """Just before a day is over a key is remembered; after it, it is free for another comment."""
        user = make_user()
        fresh = make_comment(video_id, user=user, at=ago(DAY_MS - MINUTE_MS))
        stale = make_comment(video_id, user=user, at=ago(DAY_MS + MINUTE_MS))
        await store.append(fresh, key=key_of(fresh, "fresh"))
        await store.append(stale, key=key_of(stale, "stale"))
        assert await store.recall(key_of(fresh, "fresh")) == fresh
        assert await store.recall(key_of(stale, "stale")) is None
        assert not (await store.append(make_comment(video_id, user=user), key=key_of(fresh, "fresh"))).created
        later = make_comment(video_id, user=user)
        assert (await store.append(later, key=key_of(stale, "stale", b"another"))).created
        assert await store.recall(key_of(stale, "stale", b"another")) == later

    async def test_what_was_written_is_there_after_reopening(self, store: Store, video_id: str) -> None:
        """`close` loses nothing, may be called twice, and `open` takes up where it was."""
        comment = make_comment(video_id)
        await store.append(comment, key=key_of(comment))
        await store.close()
        await store.close()
        await store.open()
        assert await read_all(store, video_id) == [comment]
        assert await store.recall(key_of(comment)) == comment
        assert not (await store.append(comment)).created

    async def test_close_finishes_what_was_begun(self, store: Store, video_id: str) -> None:
        """Appends under way when `close` is called are kept and answered."""
        comments = [make_comment(video_id) for _ in range(50)]
        appends = [asyncio.ensure_future(store.append(comment)) for comment in comments]
        await asyncio.sleep(0)  # each task has begun its append
        await store.close()
        assert all(appended.created for appended in await asyncio.gather(*appends))
        await store.open()
        assert await read_all(store, video_id) == comments

    async def test_ping_is_content_while_posts_are_taken(self, store: Store) -> None:
        """`ping` returns, and leaves no trace that anybody sees."""
        await store.ping()
        await store.ping()
