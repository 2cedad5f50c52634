"""Resume tokens: nothing raises, and what is read is what we would have written."""

from __future__ import annotations

from tests.fuzz.oracles import text_of

from hubbub.wire.tokens import decode_token, encode_token

SEEDS = [b"abc.0.0", b"0123456789abcdef.12345.1700000000000", b"a.00.0", b"a.1.-1", "a.\u0663.0".encode()]


def check(data: bytes) -> None:
    """A token or None; a token is canonical."""
    text = text_of(data)
    token = decode_token(text)
    if token is not None:
        assert encode_token(*token) == text
        assert token.position.offset < 2**63 and token.low_water < 2**63, "SQLite's integers hold them"
