from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.limiters.base import MAX_COUNT, MAX_SECONDS, Limit, parse_limit


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5/10s", Limit(5, 10)),
        ("50000/s", Limit(50_000, 1)),
        ("100/min", Limit(100, 60)),
        ("1000/2h", Limit(1000, 7200)),
        ("1/0.5s", Limit(1, 0.5)),
        (" 5 / 10 S ", Limit(5, 10)),
        ("off", None),
        ("OFF", None),
    ],
)
def test_reads_limits_as_people_write_them(text: str, limit: Limit | None) -> None:
    """A count, a slash, and a time in seconds, minutes or hours; or off."""
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5/",
        "/s",
        "5/10",
        "5/10m",
        "-1/s",
        "1e3/s",
        "5/10s/s",
        "five/s",
        "٥/s",
        "5/-1s",
        "5/nans",
        "5//s",
        "x" * 1000,
    ],
)
def test_refuses_what_is_no_limit_and_shows_how_to_write_one(text: str) -> None:
    """The error quotes at most the beginning of the text, and examples."""
    with pytest.raises(ValueError, match="write it like 5/10s") as caught:
        parse_limit(text)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("text", "what"),
    [("0/s", "write off"), ("1000000001/s", "count"), ("1/0s", "time"), ("1/25h", "time"), ("1/0.0s", "time")],
)
def test_refuses_numbers_out_of_bounds(text: str, what: str) -> None:
    """A limit of zero is not how to switch one off, and the error says how."""
    with pytest.raises(ValueError, match=what):
        parse_limit(text)


@given(st.integers(1, MAX_COUNT), st.integers(1, int(MAX_SECONDS) * 1000))
def test_writes_limits_as_it_reads_them(count: int, milliseconds: int) -> None:
    """The text of a limit reads back as that limit."""
    limit = Limit(count, milliseconds / 1000)
    assert parse_limit(str(limit)) == limit
