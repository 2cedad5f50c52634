from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.comments.patterns import VideoPatterns


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("launch", ["launch"], ["launches", "Launch", "", "x-launch"]),
        ("live-*", ["live-", "live-1", "live-a-b"], ["live", "alive-1"]),
        ("*-live", ["-live", "a-live"], ["live", "a-live-"]),
        ("a*b*c", ["abc", "aXbYc", "abbcc"], ["ac", "acb", "bac"]),
        ("*a*", ["a", "bab"], ["b"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("*a*a*", ["aa", "aba"], ["a"]),
        ("*ab*b", ["abb"], ["ab"]),
        ("a.c", ["a.c"], ["abc"]),
        ("*", ["anything", "x"], []),
        ("**", ["anything", "x"], []),
    ],
)
def test_a_star_stands_for_any_run_of_characters(pattern: str, fits: list[str], does_not: list[str]) -> None:
    """Only the star is special, and the whole id has to fit."""
    patterns = VideoPatterns([pattern])
    assert [id for id in fits + does_not if patterns.match(id)] == fits


def test_any_of_several_patterns_will_do() -> None:
    """A list allows what one of its patterns fits; an empty list allows nothing."""
    assert [id for id in ("a", "b-1", "c") if VideoPatterns(["a", "b-*"]).match(id)] == ["a", "b-1"]
    assert not VideoPatterns([]).match("a")
    assert not VideoPatterns([]).everything
    assert VideoPatterns(["a", "***"]).everything


@given(st.text("ab*.", max_size=8), st.text("ab.", max_size=10))
def test_matches_as_the_regular_expression_would(pattern: str, video_id: str) -> None:
    """Walking the parts finds exactly what the expression with `.*` for each star finds."""
    expression = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert VideoPatterns([pattern]).match(video_id) == bool(expression.fullmatch(video_id))


def test_a_pattern_made_to_backtrack_costs_no_more_than_others() -> None:
    """Many stars against an id that almost fits are answered at once, where an expression would take for ever."""
    assert not VideoPatterns(["*a" * 63 + "*b"]).match("a" * 128)
