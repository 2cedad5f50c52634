"""The rules of a comment's text."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.comments.draft import check_text, read_draft
from hubbub.errors import Unprocessable


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u3000\u2003\u00a0", "\x85\u2028\u2029"])
def test_an_empty_text_is_refused(text: str) -> None:
    """White space alone is no comment."""
    with pytest.raises(Unprocessable) as caught:
        check_text(text, 500)
    assert (caught.value.code, caught.value.extra["field"]) == ("text_empty", "text")


def test_length_counts_code_points_after_trimming() -> None:
    """500 code points pass whatever surrounds them; one more is refused with both numbers."""
    assert check_text("  " + "é" * 500 + "\n", 500) == "é" * 500
    assert check_text("\U0001f600" * 500, 500) == "\U0001f600" * 500
    with pytest.raises(Unprocessable) as caught:
        check_text("a" * 501, 500)
    assert caught.value.code == "text_too_long"
    assert caught.value.extra == {"field": "text", "limit": 500, "length": 501}


@pytest.mark.parametrize("code", [*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_refused_with_their_place(code: int) -> None:
    """Every control character but the line feed is refused inside a text, and its place is in the text as sent."""
    with pytest.raises(Unprocessable) as caught:
        check_text(f"\u3000 a{chr(code)}b ", 500)
    assert caught.value.code == "text_control_characters"
    assert caught.value.extra == {"field": "text", "position": 3, "character": f"U+{code:04X}"}


@pytest.mark.parametrize("code", range(0x1C, 0x20))
def test_separator_controls_are_not_trimmed_away(code: int) -> None:
    """U+001C to U+001F are no Unicode white space, so at the edge they are refused like anywhere."""
    with pytest.raises(Unprocessable) as caught:
        check_text(f"a{chr(code)}", 500)
    assert caught.value.code == "text_control_characters"


@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "e\u0301",
        "\ufeffa\u200b",
        "\u202eabc",
        "👩‍👩‍👧‍👦",
        "in\u2028side",
        "\U0010ffff",
        "\ue000",
        "a\u00a0b",
        "ﬁ",
    ],
)
def test_everything_else_comes_back_code_point_for_code_point(text: str) -> None:
    """No normalisation, no stripping of what is invisible: the text is the poster's."""
    assert check_text(text, 500) == text
    assert read_draft(json.dumps({"text": text}).encode(), max_text=500).text == text
    assert read_draft(json.dumps({"text": text}, ensure_ascii=False).encode(), max_text=500).text == text


@given(st.text(max_size=60))
def test_holds_its_rules_for_any_text(text: str) -> None:
    """What passes is the text itself without white space around it, in bounds, without controls."""
    try:
        result = check_text(text, 40)
    except Unprocessable:
        inner = text.strip()
        assert not inner or len(inner) > 40 or any(unicodedata.category(c) == "Cc" and c != "\n" for c in text)
    else:
        before, _, after = text.partition(result)
        assert not (before + after).strip()
        assert not result[0].isspace()
        assert not result[-1].isspace()
        assert 1 <= len(result) <= 40
        assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in result)
        assert check_text(result, 40) == result
