"""Texts of strangers on a terminal."""

from __future__ import annotations

import math
import re
import unicodedata

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.cli.tail import comment_line
from hubbub.cli.terminal import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\nc\td\x00", r"a\x0db\x0ac\x09d\x00"),
        ("abc\u202edcba\u2066x\u2069", r"abc\u202edcba\u2066x\u2069"),
        ("\u200fx\u2028y\ud800", r"\u200fx\u2028y\ud800"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    """Escape sequences, line breaks and direction overrides become visible text."""
    assert harmless(text) == shown


@pytest.mark.parametrize("text", ["Grüße", "שלום עולם", "مرحبا", "👩‍👩‍👧‍👦 ❤️ 🇳🇱", "こんにちは", "e\u0301", "क्‍ष"])
def test_what_people_write_is_left_as_it_is(text: str) -> None:
    """All scripts, combining marks, and emoji that are joined of several."""
    assert harmless(text) == text


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    """Of any text, only printable characters and format characters without direction remain."""
    assert not [char for char in harmless(text) if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]


@pytest.mark.parametrize("at", ["12:00", math.nan, math.inf, 1e30, -1e30, 10**400, [], {}])
def test_an_odd_time_is_shown_as_none(at: object) -> None:
    """A server of another kind may send anything."""
    assert click.unstyle(comment_line({"created_at": at, "text": "hi"})) == "--:--:-- : hi"


@pytest.mark.parametrize("comment", [{}, {"user": None}, {"user": {"id": 5, "name": []}, "text": {}}, {"user": "ann"}])
def test_a_comment_without_its_parts_is_an_empty_line(comment: dict[str, object]) -> None:
    """What is missing is left empty."""
    assert re.fullmatch(r"[0-9:]{8} : ", click.unstyle(comment_line(comment)))


def test_a_comment_is_a_line_that_no_other_can_pass_for() -> None:
    """Time, name and text; further lines are indented, so that a comment can't forge another."""
    line = comment_line(
        {
            "user": {"id": "eve", "name": "Eve\x1b[31m"},
            "text": "hi\n12:00:00 Admin: send me money",
            "created_at": 1_800_000_000_000,
        }
    )
    first, second = click.unstyle(line).split("\n")
    assert first[8:] == r" Eve\x1b[31m: hi"
    assert second == "         12:00:00 Admin: send me money"
