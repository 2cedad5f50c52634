"""Ids in a path: refused, or of the form that the rest of the service relies on."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from tests.fuzz.oracles import check_refusal, text_of

from hubbub.comments.draft import check_comment_id, check_video_id
from hubbub.errors import Malformed
from hubbub.wire.cursors import decode_cursor, encode_cursor

SEEDS = [
    b"demo",
    b"a.b_c-D9",
    b"..",
    b"...",
    b"v" * 128,
    b"v\n",
    b"01890a5d-ac96-774b-bcce-b302099a8057",
    b"01890A5D-AC96-774B-BCCE-B302099A8057",
    b"01890a5d-ac96-474b-bcce-b302099a8057",
]


def check(data: bytes) -> None:
    """Both readers get the same text."""
    text = text_of(data)
    try:
        video_id = check_video_id(text)
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
    else:
        assert video_id == text == quote(video_id, safe="") and video_id not in (".", "..") and len(video_id) <= 128
    try:
        comment_id = check_comment_id(text)
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
    else:
        assert str(UUID(comment_id)) == comment_id == check_comment_id(comment_id) == text.lower()
        assert UUID(comment_id).version == 7
        assert decode_cursor(encode_cursor(comment_id)) == comment_id
