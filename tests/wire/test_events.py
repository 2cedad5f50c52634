"""Events as JSON."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hubbub.model import Change, Comment, Kind, Status, User
from hubbub.wire.events import change_event, comment_event, encode_json, without_video_id

VIDEO_IDS = st.text("ABCxyz019._-", min_size=1, max_size=128)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def comment(text: str = "hello", video_id: str = "v", **more: object) -> Comment:
    fields = {"offset": None, "status": Status.VISIBLE, "created_at": 5, **more}
    return msgspec.convert(
        {"video_id": video_id, "id": "c1", "user": {"id": "u", "name": "U"}, "text": text, **fields}, Comment
    )


@given(VIDEO_IDS, TEXTS)
def test_stream_bytes_are_the_comment_without_its_video_id(video_id: str, text: str) -> None:
    """The slice that drops the video id leaves exactly the other fields."""
    whole = encode_json(comment(text, video_id))
    expected = json.loads(whole)
    del expected["video_id"]
    assert json.loads(without_video_id(whole, video_id)) == expected


@given(TEXTS)
def test_text_survives_encoding_and_no_line_separator_is_left(text: str) -> None:
    """Every character comes back, though none that some SSE client takes for a line's end is on the wire."""
    encoded = encode_json(comment(text))
    assert json.loads(encoded)["text"] == text
    assert not set("\n\r\u0085\u2028\u2029") & set(encoded.decode())


def test_absent_fields_are_left_out_and_offset_is_null() -> None:
    """Optional fields appear only when there is something to say; ``offset`` and ``status`` always do."""
    assert json.loads(encode_json(comment())) == {
        "video_id": "v",
        "id": "c1",
        "user": {"id": "u", "name": "U"},
        "text": "hello",
        "created_at": 5,
        "offset": None,
        "status": "visible",
    }


def test_a_change_that_shows_its_comment_carries_it_and_others_name_it() -> None:
    """A restored comment travels whole; a deleted one by id only."""
    shown = Comment("v", "c1", User("u", "U"), "hi", 5, None, Status.VISIBLE)
    restored = change_event(Change("e1", "v", Kind.RESTORED, "c1", 9, "mod"), shown)
    deleted = change_event(Change("e2", "v", Kind.DELETED, "c1", 9, "mod"), shown)
    assert json.loads(restored.body)["text"] == "hi"
    assert json.loads(deleted.body) == {"id": "c1", "at": 9}
    assert change_event(Change("e3", "v", Kind.RESTORED, "c1", 9, "mod"), None).body == b""


def test_encoded_bytes_are_reused() -> None:
    """Given the comment's bytes, its event is cut from them and not encoded again."""
    assert comment_event(comment(), b'{"video_id":"v","id":"x"}').body == b'{"id":"x"}'
