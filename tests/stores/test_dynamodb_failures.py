"""The DynamoDB store on the service's bad days: what is tried again, for how long, and what is said in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.stores.dynamodb_tables import PATIENCE, reopened, table_name
from tests.stores.faulty_dynamodb import (
    THROTTLED,
    Fault,
    FaultyDynamoDB,
    cancels,
    fails_after,
    faulty,
    hangs,
    leaves_undone,
    loses_answer,
    refuses,
)

from hubbub.errors import ConfigError, StoreUnavailable
from hubbub.model import Kind
from hubbub.stores.base import IdempotencyKey
from hubbub.stores.dynamodb import DynamoStore
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.samples import make_change, make_comment, make_video_id
from hubbub.wire.events import comment_event

BRIEF = 2.0
"""Seconds for a call that is to run out of time: several tries, also on a busy machine."""

FAR = 2**45
FOR_EVER = 10_000


class Retries:
    """Counts what is tried again."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def consumed(self, operation: str, *, read: float, written: float) -> None:
        """Not of interest here."""

    def retried(self, code: str) -> None:
        """A request is tried again."""
        self.codes.append(code)


class Bench:
    """A store behind a proxy, and one with little patience on the same table."""

    def __init__(self, proxy: FaultyDynamoDB, url: str, store: DynamoStore, retries: Retries) -> None:
        self.proxy, self.url, self.store, self.retries = proxy, url, store, retries

    def brief(self, patience: float = BRIEF) -> DynamoStore:
        """Not open yet."""
        return DynamoStore.from_url(self.url, store_timeout=patience, observer=self.retries)


@pytest.fixture
async def bench(dynamodb_local: DynamoDBLocal) -> AsyncIterator[Bench]:
    """All there is, without faults so far."""
    retries = Retries()
    async with faulty(dynamodb_local.endpoint) as proxy:
        url = f"dynamodb://{table_name()}?region=local&endpoint={proxy.endpoint}"
        async with reopened(url, observer=retries) as store:
            await store.ping()
            yield Bench(proxy, url, store, retries)


THROTTLING = [THROTTLED, "ThrottlingException", "RequestLimitExceeded"]


@pytest.mark.parametrize("code", THROTTLING)
async def test_a_throttled_post_is_tried_until_there_is_capacity(bench: Bench, code: str) -> None:
    """The poster waits a little and learns nothing of it; each try is counted by the service's name for it."""
    comment = make_comment(make_video_id())
    bench.proxy.meet("PutItem", refuses(code), times=5)
    assert (await bench.store.append(comment)).created
    assert bench.retries.codes == [code] * 5
    assert await bench.store.get(comment.video_id, comment.id) == comment


async def test_a_throttled_transaction_is_tried_until_there_is_capacity(bench: Bench) -> None:
    """Also where the reason stands with one of its actions, or it met another transaction."""
    comment = make_comment(make_video_id())
    key = IdempotencyKey(comment.user.id, comment.video_id, "k", b"f")
    for fault in (cancels("None", "ThrottlingError", "None"), cancels("TransactionConflict", "None", "None")):
        bench.proxy.meet("TransactWriteItems", fault)
    bench.proxy.meet("TransactWriteItems", refuses("TransactionInProgressException"))
    assert (await bench.store.append(comment, key=key, due=0)).created
    assert len(bench.retries.codes) == 3
    tokens = {request["ClientRequestToken"] for request in bench.proxy.requests("TransactWriteItems")}
    assert len(tokens) == 1
    assert await bench.store.count_unpublished() == 1


async def test_throttling_without_end_is_a_refusal_that_says_what_to_raise(bench: Bench) -> None:
    """After HUBBUB_STORE_TIMEOUT, with pauses that grow: no flood of tries."""
    store = bench.brief()
    await store.open()
    bench.proxy.meet("PutItem", refuses(THROTTLED), times=FOR_EVER)
    words = rf"throttles the table .*{THROTTLED}.*HUBBUB_STORE_TIMEOUT.*shards= in HUBBUB_STORE"
    with pytest.raises(StoreUnavailable, match=words):
        await store.append(make_comment(make_video_id()))
    assert 3 <= len(bench.retries.codes) <= 60
    await store.close()


async def test_pauses_double_up_to_a_second_and_end_at_random(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who were refused together don't come back together."""
    pauses: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        pauses.append((least, most))
        return 0.0

    monkeypatch.setattr("hubbub.stores.dynamodb.requests.random.uniform", uniform)
    bench.proxy.meet("PutItem", refuses(THROTTLED), times=8)
    await bench.store.ping()
    assert pauses == [(0, most) for most in (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0)]


LOST = [("fails after", fails_after), ("is cut off", loses_answer)]


@pytest.mark.parametrize("fault", [fault for _, fault in LOST], ids=[name for name, _ in LOST])
@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
async def test_a_post_whose_answer_was_lost_is_kept_once_and_told_as_created(
    bench: Bench, fault: Fault, keyed: bool
) -> None:
    """The second try finds its own first one there, and knows it."""
    earlier = make_comment(make_video_id())
    await bench.store.append(earlier)  # so that the next is the first item to be put, not their hour
    comment = make_comment(earlier.video_id)
    key = IdempotencyKey(comment.user.id, comment.video_id, "k", b"f") if keyed else None
    bench.proxy.meet("TransactWriteItems" if keyed else "PutItem", fault)
    assert (await bench.store.append(comment, key=key, due=0 if keyed else None)).created
    assert len(bench.retries.codes) == 1
    assert await bench.store.newest(comment.video_id, 10) == [earlier, comment]
    assert await bench.store.count_unpublished() == int(keyed)


async def test_a_change_whose_answer_was_lost_is_made_once_and_told_as_made(bench: Bench) -> None:
    """So that its event is published."""
    comment = make_comment(make_video_id())
    await bench.store.append(comment)
    bench.proxy.meet("TransactWriteItems", fails_after)
    applied = await bench.store.apply(make_change(Kind.HIDDEN, comment), due=0)
    assert applied.changed
    assert len(await bench.store.changes_since(comment.video_id, 0, 10)) == 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_service_that_fails_is_tried_three_times(bench: Bench, status: int) -> None:
    """Then the poster is told, well before its time is up."""
    store = bench.brief(PATIENCE)
    await store.open()
    bench.proxy.meet("GetItem", refuses("InternalServerError" if status == 500 else "", status), times=FOR_EVER)
    with pytest.raises(StoreUnavailable, match="DynamoDB failed by itself"):
        await store.video(make_video_id())
    assert len(bench.retries.codes) == 2
    await store.close()


async def test_what_a_batch_leaves_undone_is_done_by_the_next(bench: Bench) -> None:
    """Deletes and reads alike, whatever part is left."""
    video_id = make_video_id()
    comments = [make_comment(video_id) for _ in range(30)]
    await asyncio.gather(*(bench.store.append(comment, due=0) for comment in comments))
    for but in (3, 0, 24):
        bench.proxy.meet("BatchGetItem", leaves_undone("BatchGetItem", but))
        bench.proxy.meet("BatchWriteItem", leaves_undone("BatchWriteItem", but))
    leased = await bench.store.lease_unpublished("a", now=FAR, lease_ms=1_000, limit=100)
    assert leased == [comment_event(comment) for comment in comments]
    await bench.store.confirm_published(leased)
    assert await bench.store.count_unpublished() == 0
    assert bench.retries.codes == ["Unprocessed"] * 6
    assert all(len(_only(request)) <= 25 for request in bench.proxy.requests("BatchWriteItem"))


def _only(request: dict[str, dict[str, list[object]]]) -> list[object]:
    (wanted,) = request["RequestItems"].values()
    return wanted


async def test_batches_left_undone_without_end_are_a_refusal(bench: Bench) -> None:
    """It is throttling by another name, and is called so."""
    store = bench.brief()
    await store.open()
    bench.proxy.meet("BatchWriteItem", leaves_undone("BatchWriteItem", 0), times=FOR_EVER)
    with pytest.raises(StoreUnavailable, match=r"throttles the table .*\(Unprocessed\).*HUBBUB_STORE_TIMEOUT"):
        await store.confirm_published([comment_event(make_comment(make_video_id()))])
    await store.close()


async def test_no_answer_is_a_refusal_within_the_time(bench: Bench) -> None:
    """A ping is refused alike: `/readyz` then says that posts can't be stored."""
    store = bench.brief(0.5)
    await store.open()
    bench.proxy.meet("PutItem", hangs, times=FOR_EVER)
    for call in (store.ping(), store.append(make_comment(make_video_id()))):
        with pytest.raises(StoreUnavailable, match=r"HUBBUB_STORE_TIMEOUT|can't be reached"):
            await call
    await store.close()


async def test_a_service_that_is_gone_is_a_refusal_that_names_the_endpoint(dynamodb_local: DynamoDBLocal) -> None:
    """At start, too."""
    async with faulty(dynamodb_local.endpoint) as proxy:
        url = f"dynamodb://{table_name()}?region=local&endpoint={proxy.endpoint}"
        store = DynamoStore.from_url(url, store_timeout=PATIENCE)
        await store.create()
        await store.open()
    for call in (store.ping, DynamoStore.from_url(url, store_timeout=PATIENCE).open):
        with pytest.raises(StoreUnavailable, match=r"can't be reached .*endpoint in HUBBUB_STORE"):
            await call()
    await store.close()


async def test_no_more_calls_wait_than_pending_writes(bench: Bench) -> None:
    """The one too many is refused at once, by the setting's name."""
    async with reopened(bench.url, pending_writes=2) as store:
        comments = [make_comment(make_video_id()) for _ in range(3)]
        results = await asyncio.gather(*map(store.append, comments), return_exceptions=True)
    refused = [str(result) for result in results if isinstance(result, StoreUnavailable)]
    assert len(refused) == 1
    assert "HUBBUB_PENDING_WRITES (2)" in refused[0]


DENIED = [
    ("AccessDeniedException", "policy allows"),
    ("UnrecognizedClientException", "AWS credentials"),
    ("ExpiredTokenException", "AWS credentials"),
    ("ResourceNotFoundException", "hubbub store create"),
]


@pytest.mark.parametrize(("code", "word"), DENIED)
async def test_what_an_operator_must_mend_is_said_at_start(bench: Bench, code: str, word: str) -> None:
    """As an error of HUBBUB_STORE, and it is not tried again."""
    bench.proxy.meet("GetItem", refuses(code), times=FOR_EVER)
    with pytest.raises(ConfigError, match=word) as refusal:
        await bench.brief().open()
    assert refusal.value.setting == "HUBBUB_STORE"
    assert bench.retries.codes == []


async def test_credentials_that_are_not_there_are_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        await bench.brief().open()


async def test_what_resumes_viewers_is_read_consistently_and_never_from_an_index(bench: Bench) -> None:
    """The resume rung, the backlog and pins; history pages may lag, and cost half."""
    comment = make_comment(make_video_id())
    await bench.store.append(comment)
    await bench.store.apply(make_change(Kind.PINNED, comment))
    bench.proxy.seen.clear()
    await bench.store.changes_since(comment.video_id, 0, 10)
    await bench.store.newest(comment.video_id, 10)
    await bench.store.pins(comment.video_id)
    await bench.store.video(comment.video_id)
    reads = bench.proxy.requests("Query", "GetItem")
    batches = [keys for request in bench.proxy.requests("BatchGetItem") for keys in request["RequestItems"].values()]
    assert len(reads) > 5
    assert batches
    assert all(read["ConsistentRead"] and "IndexName" not in read for read in [*reads, *batches])
    bench.proxy.seen.clear()
    await bench.store.page(comment.video_id, after=None, limit=10, order="desc")
    assert not any(read["ConsistentRead"] for read in bench.proxy.requests("Query"))
