"""Group commit: batches, bounds, and callers who go away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from hubbub.errors import StoreUnavailable
from hubbub.model import Comment, Kind
from hubbub.stores.base import IdempotencyKey
from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.samples import DAY_MS, ago, make_change, make_comment, make_user
from hubbub.wire.events import comment_event


@pytest.fixture
async def commits() -> list[int]:
    """How many writes each commit held."""
    return []


@pytest.fixture
async def store(tmp_path: Path, commits: list[int]) -> AsyncIterator[SqliteStore]:
    """A store that takes note of its commits."""
    store = SqliteStore(
        tmp_path / "hubbub.db", pending_writes=1_000, on_commit=lambda size, seconds: commits.append(size)
    )
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def held_up(store: SqliteStore) -> threading.Event:
    """Queue a write that keeps the writer busy until the event is set, so that what follows gathers."""
    event = threading.Event()
    store._writer.submit(lambda session: event.wait())
    return event


async def read_all(store: SqliteStore) -> list[Comment]:
    return await store.page("video", after=None, limit=10_000, order="asc")


async def test_what_waits_is_committed_together(
    store: SqliteStore, commits: list[int], held_up: threading.Event
) -> None:
    """While one commit is under way the next gathers, up to its bound."""
    comments = [make_comment() for _ in range(900)]
    appends = [asyncio.ensure_future(store.append(comment)) for comment in comments]
    await asyncio.sleep(0)
    held_up.set()
    await asyncio.gather(*appends)
    assert sum(commits) == 901
    assert len(commits) <= 4
    assert max(commits) <= 512
    assert await read_all(store) == comments


async def test_commits_are_told_on_the_event_loop(tmp_path: Path) -> None:
    """`on_commit` may touch what belongs to the loop, and learns a time in seconds."""
    told: list[tuple[int, float, threading.Thread]] = []
    store = SqliteStore(
        tmp_path / "hubbub.db", on_commit=lambda size, seconds: told.append((size, seconds, threading.current_thread()))
    )
    await store.open()
    await store.append(make_comment())
    await store.close()
    ((size, seconds, thread),) = told
    assert size == 1
    assert 0 < seconds < 60
    assert thread is threading.current_thread()


async def test_a_write_outlives_its_caller(store: SqliteStore, held_up: threading.Event) -> None:
    """A client that hangs up after sending changes nothing about what was accepted."""
    comment, other = make_comment(), make_comment()
    gone = asyncio.ensure_future(store.append(comment))
    stays = asyncio.ensure_future(store.append(other))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    held_up.set()
    assert (await stays).created
    assert await read_all(store) == [comment, other]


async def test_waiting_writes_are_bounded(store: SqliteStore, held_up: threading.Event) -> None:
    """At the bound a write is refused at once and nothing of it is kept; the ones before it are not harmed."""
    waiting = [asyncio.ensure_future(store.append(make_comment())) for _ in range(999)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="HUBBUB_PENDING_WRITES") as refused:
        await store.append(make_comment())
    assert refused.value.retry_after
    held_up.set()
    await asyncio.gather(*waiting)
    assert (await store.append(make_comment())).created
    assert len(await read_all(store)) == 1_000


@pytest.mark.parametrize(
    "unfit",
    [
        {"text": "\ud800"},
        {"created_at": 2**63},
        {"status": "unheard of"},
        {"offset": float("inf")},
    ],
    ids=["a lone surrogate", "a number beyond 64 bits", "an unknown status", "an endless offset"],
)
async def test_what_cannot_be_stored_fails_alone(
    store: SqliteStore, held_up: threading.Event, unfit: dict[str, object]
) -> None:
    """A caller who breaks the rules gets an error of their own; everyone else in the same commit is served."""
    comments = [make_comment() for _ in range(6)]
    bad = replace(make_comment(), **unfit)
    batch = [*comments[:3], bad, *comments[3:]]
    appends = [asyncio.ensure_future(store.append(comment)) for comment in batch]
    await asyncio.sleep(0)
    held_up.set()
    outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Appended"] * 3 + ["ValueError"] + ["Appended"] * 3
    assert await read_all(store) == comments
    assert (await store.log_tail("video", 100)).head.offset == 6


async def test_a_mixed_batch_keeps_its_order(store: SqliteStore, held_up: threading.Event) -> None:
    """Appends, repeats and changes that were queued together are written in that order."""
    one, two, three = make_comment(), make_comment(), make_comment()
    key = IdempotencyKey(two.user.id, "video", "key", b"same")
    writes = [
        asyncio.ensure_future(store.append(one)),
        asyncio.ensure_future(store.apply(make_change(Kind.HIDDEN, one))),
        asyncio.ensure_future(store.append(one)),
        asyncio.ensure_future(store.append(two, key=key)),
        asyncio.ensure_future(store.append(make_comment(user=two.user), key=key)),
        asyncio.ensure_future(store.apply(make_change(Kind.DELETED, two))),
        asyncio.ensure_future(store.append(three)),
    ]
    await asyncio.sleep(0)
    held_up.set()
    outcomes = [await write for write in writes]
    positions = [outcome[2] for outcome in outcomes]
    assert [outcome[0] for outcome in outcomes] == [True, True, False, True, False, True, True]
    assert [position.offset for position in positions if position] == [1, 2, 1, 3, 3, 4, 5]
    assert await read_all(store) == [three]


async def test_expired_keys_are_cleared_away_in_passing(store: SqliteStore) -> None:
    """Keys older than a day do not pile up: new ones take them along, a few at a time."""
    user = make_user()

    async def append_keyed(count: int, at: int | None) -> None:
        comments = [make_comment(user=user, at=at) for _ in range(count)]
        keys = [IdempotencyKey(user.id, "video", comment.id, b"same") for comment in comments]
        await asyncio.gather(*(store.append(one, key=key) for one, key in zip(comments, keys, strict=True)))

    async def count_keys() -> int:
        return await store._readers.run(lambda db: int(db.execute("SELECT count(*) FROM idempotency").get))

    await append_keyed(400, ago(2 * DAY_MS))
    assert await count_keys() == 400
    await append_keyed(100, None)
    assert 200 < await count_keys() < 500
    await append_keyed(200, None)
    assert await count_keys() == 300


async def test_a_deleted_text_leaves_the_file(store: SqliteStore) -> None:
    """After a deletion and a clean end, the words are nowhere in the database's pages."""
    secrets = [make_comment(text="the secret word is xylophone " * 3) for _ in range(30)]
    for secret in secrets:
        await store.append(secret)
    for secret in secrets:
        await store.apply(make_change(Kind.DELETED, secret))
    await store.close()
    assert b"xylophone" not in store.path.read_bytes()


async def test_a_deleted_long_text_leaves_the_file(store: SqliteStore) -> None:
    """A text that spans several pages is zeroed on all of them, not only on the one that stays in use."""
    secret = make_comment(text="the secret word is xylophone " * 1_000)
    await store.append(secret)
    await store.close()
    assert store.path.read_bytes().count(b"xylophone") > 900
    await store.open()
    await store.apply(make_change(Kind.DELETED, secret))
    await store.close()
    assert not store.path.with_name("hubbub.db-wal").exists()
    assert b"xylophone" not in store.path.read_bytes()


async def test_an_idle_service_commits_nothing(store: SqliteStore, commits: list[int]) -> None:
    """Asking once a second for what waits to be published is no commit, so the metrics of commits show real ones."""
    comment = make_comment()
    assert await store.lease_unpublished("me", now=ago(0), lease_ms=1_000, limit=10) == []
    assert commits == []
    event = comment_event(comment)
    await store.append(comment)
    await store.mark_unpublished(event, at=ago(0))
    assert await store.lease_unpublished("me", now=ago(0), lease_ms=60_000, limit=10) == [event]
    assert await store.lease_unpublished("other", now=ago(0), lease_ms=60_000, limit=10) == []
    assert commits == [1, 1, 1]


async def test_closing_ends_every_thread_and_connection(tmp_path: Path) -> None:
    """Nothing of a closed store stays behind in the process."""
    before = set(threading.enumerate())
    connections = len(apsw.connections())
    store = SqliteStore(tmp_path / "hubbub.db")
    await store.open()
    await asyncio.gather(
        *(store.newest("video", 1) for _ in range(20)), *(store.append(make_comment()) for _ in range(20))
    )
    assert set(threading.enumerate()) > before
    await store.close()
    assert set(threading.enumerate()) == before
    assert len(apsw.connections()) == connections


async def test_a_close_that_is_given_up_is_still_carried_out(store: SqliteStore, held_up: threading.Event) -> None:
    """A shutdown that runs out of patience does not leave accepted writes undone."""
    comment = make_comment()
    append = asyncio.ensure_future(store.append(comment))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    held_up.set()
    assert (await append).created
    await store.close()
    await store.open()
    assert await read_all(store) == [comment]
