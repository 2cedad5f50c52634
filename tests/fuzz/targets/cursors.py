"""Page cursors: refused, or exactly what we would have written."""

from __future__ import annotations

from uuid import UUID

from tests.fuzz.oracles import check_refusal, text_of

from hubbub.errors import Malformed
from hubbub.wire.cursors import decode_cursor, encode_cursor

SEEDS = [
    encode_cursor("01890a5d-ac96-774b-bcce-b302099a8057").encode(),
    b"AQAAAAAAAAAAAAAAAAAAAAB",
    b"AQAAAAAAAAAAAAAAAAAAAAA=",
    b"AQ--__AAAAAAAAAAAAAAAAA",
]


def check(data: bytes) -> None:
    """`Malformed`, or an id that gives this very cursor."""
    text = text_of(data)
    try:
        id = decode_cursor(text)
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
    else:
        assert str(UUID(id)) == id
        assert encode_cursor(id) == text
