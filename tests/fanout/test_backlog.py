"""What latecomers see, against the simplest model of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hubbub.fanout.backlog import MAX_BACKLOG, Backlog
from hubbub.model import Event, Kind, Position
from hubbub.wire.tokens import decode_token


def event(kind: Kind, subject: str, *, body: bytes = b"{}") -> Event:
    return Event(subject, "v", kind, subject, 1, body)


def fed(*events: Event) -> Backlog:
    backlog = Backlog(skew_ms=0)
    for offset, one in enumerate(events, 1):
        backlog.apply(one, Position("e", offset))
    return backlog


def shown(backlog: Backlog, count: int = MAX_BACKLOG) -> list[str]:
    return [item.event.subject for item in backlog.newest(count, Position("e", 10**6), 1)]


STEPS = st.lists(
    st.tuples(st.sampled_from([k for k in Kind if k not in (Kind.SETTINGS, Kind.END)]), st.integers(0, 12)), max_size=60
)


@given(STEPS, st.integers(0, 20))
def test_the_backlog_is_the_newest_visible_comments_in_order_of_id(steps: list[tuple[Kind, int]], count: int) -> None:
    """Whatever was restored, hidden or deleted before, in whatever order."""
    visible: set[str] = set()
    pins: list[str] = []
    for kind, number in steps:
        subject = f"{number:02d}"
        if kind in (Kind.COMMENT, Kind.RESTORED):
            visible.add(subject)
        elif kind in (Kind.DELETED, Kind.HIDDEN):
            visible.discard(subject)
        if kind in (Kind.PINNED, Kind.UNPINNED, Kind.DELETED, Kind.HIDDEN) and subject in pins:
            pins.remove(subject)
        if kind is Kind.PINNED:
            pins.append(subject)
    backlog = fed(*(event(kind, f"{number:02d}") for kind, number in steps))
    assert shown(backlog, count) == (sorted(visible)[-count:] if count else [])
    assert list(backlog.pins) == pins


@given(st.permutations(range(1, 9)), st.integers(0, 7))
def test_a_cut_in_mid_backlog_resumes_without_a_hole(log_order: list[int], cut: int) -> None:
    """However id order and log order differ: what comes after the cut lies behind the token of what came before it."""
    backlog = Backlog(skew_ms=0)
    offset_of = {}
    for offset, number in enumerate(log_order, 1):
        backlog.apply(event(Kind.COMMENT, str(number)), Position("e", offset))
        offset_of[str(number)] = offset
    items = backlog.newest(8, Position("e", 8), 1)
    token = decode_token(items[cut].token or "")
    assert token is not None
    missed = {item.event.subject for item in items[cut + 1 :]}
    assert all(offset_of[subject] > token.position.offset for subject in missed)
    if log_order == sorted(log_order):
        assert token.position.offset == cut + 1, "exactly once where the orders agree"


def test_it_keeps_the_newest_and_says_that_there_are_older_ones() -> None:
    """Over its bound the oldest go."""
    backlog = fed(*(event(Kind.COMMENT, f"{n:04d}") for n in range(MAX_BACKLOG + 5)))
    assert shown(backlog)[0] == "0005"
    assert len(backlog) == MAX_BACKLOG
    assert not backlog.complete


def test_comments_older_than_the_log_come_first_and_have_no_place_in_it() -> None:
    """A stream cut among them starts again rather than skip."""
    backlog = Backlog(skew_ms=0)
    backlog.add_older([event(Kind.COMMENT, "01"), event(Kind.COMMENT, "02")])
    backlog.apply(event(Kind.COMMENT, "03"), Position("e", 7))
    items = backlog.newest(3, Position("e", 9), 1)
    assert [item.token for item in items] == [None, "e.6.1", "e.9.1"]


def test_a_restored_comment_is_a_comment_to_latecomers() -> None:
    """They never knew that it was hidden."""
    backlog = fed(event(Kind.COMMENT, "01"), event(Kind.HIDDEN, "01"), event(Kind.RESTORED, "01", body=b'{"id":1}'))
    (item,) = backlog.newest(5, Position("e", 3), 1)
    assert (item.event.kind, item.event.body) == (Kind.COMMENT, b'{"id":1}')
