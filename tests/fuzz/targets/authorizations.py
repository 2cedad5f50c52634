"""``Authorization``: refused, or a token that reads back from a header of our own."""

from __future__ import annotations

from tests.fuzz.oracles import check_refusal, fields

from hubbub.comments.identity import bearer_token
from hubbub.errors import Malformed, Refusal, Unauthenticated

SEEDS = [b"Bearer abc.def.ghi", b"bearer  abc=", b"Basic YTpi", b"Bearer", b"Bearer a b", b"\tBearer a\t", b"a\0b"]


def check(data: bytes) -> None:
    """Each field is a value of the header."""
    values = fields(data)
    try:
        token = bearer_token(values)
    except Refusal as refusal:
        check_refusal(refusal, Malformed, Unauthenticated)
        return
    assert token is not None and token.encode() in data
    assert len(values) == 1 and values[0].strip().lower().startswith(b"bearer ")
    assert bearer_token([b"Bearer " + token.encode()]) == token
