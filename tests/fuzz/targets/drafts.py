"""Bodies of posts: refused as promised, or a draft that says what the JSON says, as far as a viewer's screen."""

from __future__ import annotations

import json

from tests.fuzz.oracles import check_refusal

from hubbub.comments.draft import Draft, fingerprint, read_draft
from hubbub.errors import Malformed, Refusal, TooLarge, Unprocessable
from hubbub.model import Comment, Status, User
from hubbub.testing.raw import EventDecoder
from hubbub.wire.events import comment_event, encode_json
from hubbub.wire.sse import Item, items_frame

MAX_TEXT = 500
SEEDS = [
    b'{"text": "Hello!"}',
    b'{"text": "\\ud83d\\ude00 \\u2028", "nonce": "n-1", "client_ts": 1700000000000, "meta": {"a": [1, 2.5, null]}}',
    '{"text": " Grüße\u2028\u0085🎉\\n", "meta": {"ü": {"b": {"c": [[[]]]}}}}'.encode(),
    b'{"text": "x", "text": "y", "meta": null, "nonce": null, "client_ts": 1.0}',
    b'{"text": "\\ud800"}',
    b'{"text": "x", "meta": {"n": 123456789012345678901234567890}}',
    b'{"text": NaN}',
    b'["text"]',
    b'\xef\xbb\xbf{"text": "bom"}',
]
DICTIONARY = [b'"text"', b'"nonce"', b'"client_ts"', b'"meta"', b"\\u", b"\\ud83d\\ude00", b"1e999", b"\xe2\x80\xa8"]
MAX_LENGTH = 17 * 1024
_WHITE_SPACE = "".join(char for char in map(chr, range(0x110000)) if char.isspace() and char not in "\x1c\x1d\x1e\x1f")


def check(data: bytes) -> None:
    """`TooLarge`, `Malformed` or `Unprocessable`; or the same text through JSON, frame and stream."""
    try:
        draft = read_draft(data, max_text=MAX_TEXT)
    except Refusal as refusal:
        check_refusal(refusal, TooLarge, Malformed, Unprocessable)
        return
    said = json.loads(data)
    assert draft.text == said["text"].strip(_WHITE_SPACE) and 1 <= len(draft.text) <= MAX_TEXT
    assert (draft.nonce, draft.meta) == (said.get("nonce"), said.get("meta"))
    _check_repeat(draft)
    _check_delivery(draft)


def _check_repeat(draft: Draft) -> None:
    """Written anew, it is the same draft: same fields, same fingerprint."""
    again = read_draft(encode_json({"text": draft.text, "nonce": draft.nonce, "meta": draft.meta}), max_text=MAX_TEXT)
    assert (again.text, again.nonce, again.meta) == (draft.text, draft.nonce, draft.meta)
    assert fingerprint(again) == fingerprint(draft)


def _check_delivery(draft: Draft) -> None:
    """Every kind of viewer gets it whole, whatever its reader takes for the end of a line."""
    comment = Comment(
        video_id="v",
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        user=User("ada", "Ada"),
        text=draft.text,
        created_at=1,
        offset=None,
        status=Status.VISIBLE,
        nonce=draft.nonce,
        meta=draft.meta,
    )
    for batch in (False, True):
        frame = items_frame([Item("e.1.0", comment_event(comment))], batch=batch)
        assert len(frame.decode().splitlines()) == 4, "no line breaks but those of SSE"
        (event,) = EventDecoder().feed(frame)
        (found,) = event.json() if batch else [event.json()]
        assert (found["text"], found.get("nonce"), found.get("meta")) == (draft.text, draft.nonce, draft.meta)
