"""``Idempotency-Key``: refused, or printable ASCII that is the same key bare and quoted."""

from __future__ import annotations

from tests.fuzz.oracles import check_refusal, fields

from hubbub.comments.draft import idempotency_key
from hubbub.errors import Malformed

SEEDS = [b"k1", b'"k1"', b'"a\\"b\\\\c"', b"a\0a", b'a\0"a"', b"a\0b", b' " "', b'"', b'"a', b"\xff"]


def check(data: bytes) -> None:
    """Each field is a value of the header."""
    values = fields(data)
    try:
        key = idempotency_key(values)
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
        return
    assert key is not None
    assert 1 <= len(key) <= 128 and key.isascii() and key.isprintable()
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    assert idempotency_key([f'"{quoted}"'.encode()]) == key
    assert idempotency_key([values[0], values[-1]]) == key
