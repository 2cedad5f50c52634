"""The values that the document shows. One small story throughout: the video ``launch``, watched by Ada and Grace."""

from __future__ import annotations

from typing import Any

from hubbub.model import ListPlace
from hubbub.wire.cursors import encode_cursor, encode_video_cursor

VIDEO_ID = "launch"
COMMENT_ID = "01a1fc0b-2b3e-728f-ab0b-849a4d6782ae"
CREATED_AT = 1795229952830  # the millisecond in the id
STARTED_AT = 1795229000000
ENDED_AT = 1795233600000

USER: dict[str, Any] = {"id": "ada", "name": "Ada"}
HOST: dict[str, Any] = {"id": "grace", "name": "Grace", "roles": ["host"]}

STREAMED: dict[str, Any] = {
    "id": COMMENT_ID,
    "user": USER,
    "text": "Liftoff! 🚀",
    "created_at": CREATED_AT,
    "offset": 952.83,
    "status": "visible",
    "nonce": "tab1-17",
}
"""A comment as a stream carries it."""

REPLY: dict[str, Any] = {
    "id": "01a1fc0b-3a60-7c11-8d27-5c0f2b7e9d14",
    "user": HOST,
    "text": "Max Q in a minute.",
    "created_at": 1795229956704,
    "offset": 956.704,
    "status": "visible",
    "pinned": True,
}

COMMENT = {"video_id": VIDEO_ID, **STREAMED}
PINNED = {"video_id": VIDEO_ID, **REPLY}
HIDDEN = COMMENT | {"status": "hidden"}

CURSOR = encode_cursor(COMMENT_ID)
PLACE = "6f1c9a.1042.1795229946704"
"""A resume token."""

NEW_COMMENT: dict[str, Any] = {"text": "Liftoff! 🚀", "nonce": "tab1-17"}
NEW_COMMENT_WITH_META: dict[str, Any] = {
    "text": "Which camera is this?",
    "client_ts": 1795229952610,
    "meta": {"app": "tv", "layout": {"side": "left"}},
}

PAGE: dict[str, Any] = {"comments": [PINNED, COMMENT], "next_cursor": CURSOR, "has_more": True}
LAST_PAGE: dict[str, Any] = {"comments": [COMMENT], "next_cursor": None, "has_more": False}

REPLAY: dict[str, Any] = {"started_at": STARTED_AT, **LAST_PAGE}

WELCOME: dict[str, Any] = {
    "video_id": VIDEO_ID,
    "viewers": 2,
    "position": PLACE,
    "resumed": False,
    "state": "live",
    "started_at": STARTED_AT,
    "ended_at": None,
    "pins": [REPLY],
    "settings": {},
}
RESET: dict[str, Any] = {
    "reason": "not_provable",
    "state": "live",
    "started_at": STARTED_AT,
    "ended_at": None,
    "pins": [REPLY],
}
STARTED: dict[str, Any] = {"started_at": STARTED_AT, "ended_at": None, "at": STARTED_AT}
ENDED: dict[str, Any] = {"started_at": STARTED_AT, "ended_at": ENDED_AT, "at": ENDED_AT}

NEW_VIDEO: dict[str, Any] = {
    "title": "Launch day",
    "media_url": "https://cdn.example.org/launch.m3u8",
    "started_at": STARTED_AT,
}
VIDEO: dict[str, Any] = {
    "video_id": VIDEO_ID,
    "title": "Launch day",
    "media_url": "https://cdn.example.org/launch.m3u8",
    "state": "live",
    "started_at": STARTED_AT,
    "ended_at": None,
    "shards": 1,
    "viewers": 2,
    "settings": {},
    "pins": [REPLY],
}
ENDED_VIDEO = VIDEO | {"state": "ended", "ended_at": ENDED_AT, "viewers": 1}
VIDEO_CURSOR = encode_video_cursor(ListPlace(STARTED_AT, VIDEO_ID))
VIDEO_PAGE: dict[str, Any] = {
    "videos": [{name: value for name, value in VIDEO.items() if name != "pins"}],
    "next_cursor": VIDEO_CURSOR,
    "has_more": True,
}

COMMENT_REF: dict[str, Any] = {"id": COMMENT_ID, "at": 1795229960118}

EXTRAS: dict[str, dict[str, Any]] = {
    "malformed": {"field": "text"},
    "bad_video_id": {"field": "video_id"},
    "bad_comment_id": {"field": "comment_id"},
    "bad_query": {"field": "limit"},
    "bad_cursor": {"field": "cursor"},
    "bad_idempotency_key": {"field": "Idempotency-Key"},
    "doubled_header": {"field": "Authorization"},
    "bad_claims": {"claim": "exp"},
    "token_not_yet_valid": {"claim": "nbf"},
    "wrong_issuer": {"claim": "iss"},
    "wrong_audience": {"claim": "aud"},
    "missing_scope": {"scope": "post"},
    "too_many_pins": {"limit": 10},
    "too_large": {"limit": 16384},
    "bad_title": {"field": "title", "limit": 200},
    "bad_media_url": {"field": "media_url", "limit": 2048},
    "start_after_end": {"field": "started_at"},
    "text_empty": {"field": "text"},
    "text_too_long": {"field": "text", "limit": 500, "length": 612},
    "text_control_characters": {"field": "text", "position": 4, "character": "U+0007"},
    "meta_too_large": {"field": "meta", "limit": 1024, "length": 1380},
    "meta_too_deep": {"field": "meta", "limit": 16},
    "meta_number_out_of_range": {"field": "meta"},
}
"""What a code's documents have besides the standard members."""
