"""Resume tokens and page cursors: what we wrote is read, everything else is told apart."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.errors import Malformed
from hubbub.model import Position
from hubbub.wire.cursors import decode_cursor, encode_cursor
from hubbub.wire.tokens import ResumeToken, decode_token, encode_token

EPOCHS = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=32)
IDS = st.uuids().map(str)


@given(EPOCHS, st.integers(0, 10**18 - 1), st.integers(0, 10**16 - 1))
def test_a_token_reads_back(epoch: str, offset: int, low_water: int) -> None:
    """Every token we can write is one we can read, and fits an ``id:`` line and a URL."""
    text = encode_token(Position(epoch, offset), low_water)
    assert decode_token(text) == ResumeToken(Position(epoch, offset), low_water)
    assert text.isascii() and text.isprintable() and not set(text) & set(" &=#%+")


@given(st.text(max_size=80))
def test_a_strange_token_is_none_or_canonical(text: str) -> None:
    """Nothing a client invents raises, and nothing is read that we would have written differently."""
    token = decode_token(text)
    assert token is None or encode_token(*token) == text


@pytest.mark.parametrize(
    "text", ["", "e.1", "e.1.2.3", "e.-1.2", "e.01.2", "E.1.2", "e.1.2\n", "e." + "9" * 5000 + ".1", "é.1.2", "e.١.2"]
)
def test_unreadable_tokens(text: str) -> None:
    """Near misses, huge numbers and other scripts' digits are unreadable, not errors."""
    assert decode_token(text) is None


@given(IDS)
def test_a_cursor_reads_back(comment_id: str) -> None:
    """Every cursor we can write is one we can read."""
    assert decode_cursor(encode_cursor(comment_id)) == comment_id


@given(st.one_of(st.text(max_size=40), st.text("abcXYZ019-_", min_size=23, max_size=23)))
def test_a_strange_cursor_is_malformed_or_canonical(text: str) -> None:
    """Anything else is a clear refusal, never another error and never a second spelling of a cursor."""
    try:
        comment_id = decode_cursor(text)
    except Malformed as refusal:
        assert refusal.code == "bad_cursor"
    else:
        assert encode_cursor(comment_id) == text


def test_a_cursor_does_not_look_like_an_id() -> None:
    """Cursors are opaque: a comment's id is not accepted as one."""
    with pytest.raises(Malformed):
        decode_cursor(str(UUID(int=1)))
