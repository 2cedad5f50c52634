"""Bodies that tell of videos: refused as promised, or what the JSON says, safe to show and to follow."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from msgspec import UNSET
from tests.fuzz.oracles import check_refusal

from hubbub.comments.video_draft import MAX_MEDIA_URL, MAX_TITLE, read_nothing, read_video
from hubbub.errors import Malformed, Refusal, TooLarge, Unprocessable
from hubbub.model import MAX_SHARDS

SEEDS = [
    b'{"title": "Launch day", "media_url": "https://cdn.example.org/a.m3u8?x=1#t", "started_at": 1795229000000}',
    b'{"title": null, "media_url": null, "started_at": null}',
    b'{"media_url": "/media/clip.mp4", "started_at": 1.0}',
    b'{"title": " \\u202e \\ud83d\\ude00 "}',
    b'{"media_url": "//x", "title": "a\\nb"}',
    b'{"started_at": 9007199254740993}',
    b'{"shards": 1000, "title": "a"}',
    b'{"shards": 0.5}',
    b" {} ",
]
DICTIONARY = [b'"title"', b'"media_url"', b'"started_at"', b"https://", b"javascript:", b"\\u", b"\\\\", b"/", b"1e999"]
MAX_LENGTH = 4096


def check(data: bytes) -> None:
    """A known refusal; or fields that say the same, a title on one line, and an address that leads where it says."""
    try:
        read_nothing(data)
    except Refusal as refusal:
        check_refusal(refusal, TooLarge, Malformed)
    try:
        draft = read_video(data)
    except Refusal as refusal:
        check_refusal(refusal, TooLarge, Malformed, Unprocessable)
        return
    said = json.loads(data)
    for name in ("title", "media_url", "started_at", "shards"):
        value = getattr(draft, name)
        assert (value is UNSET) == (name not in said)
        assert value is UNSET or (value is None) == (said[name] is None)
    if isinstance(draft.shards, int | float):
        assert draft.shards == int(draft.shards) and 1 <= draft.shards <= MAX_SHARDS
    if isinstance(draft.title, str):
        assert 1 <= len(draft.title) <= MAX_TITLE and len(draft.title.splitlines()) == 1
        assert draft.title in said["title"]
    if isinstance(draft.media_url, str):
        parts = urlsplit(draft.media_url)
        assert len(draft.media_url) <= MAX_MEDIA_URL and draft.media_url.isascii() and draft.media_url.isprintable()
        assert (parts.scheme in ("http", "https") and parts.netloc) or (not parts.scheme and not parts.netloc)
