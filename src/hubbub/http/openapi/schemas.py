"""The shapes of what is sent and received, as JSON Schema (draft 2020-12).

Comments and users come from `hubbub.model` by way of msgspec, so that a field can't be forgotten here; descriptions
and bounds are added. Requests are written by hand, since their bounds are narrower than types can say.
"""

from __future__ import annotations

import msgspec

from hubbub.comments.draft import MAX_META, MAX_META_DEPTH
from hubbub.comments.video_draft import MAX_MEDIA_URL, MAX_TITLE, MEDIA_URL
from hubbub.http.openapi.event_schemas import EVENT_SCHEMAS
from hubbub.http.openapi.parts import COMMENT_ID, MILLISECONDS, PINS, STATED, VIDEO_ID, Schema, ref, text_pattern
from hubbub.http.problems import CODES
from hubbub.model import MAX_SHARDS, Comment, Status


def component_schemas(max_text: int) -> dict[str, Schema]:
    """Every named shape."""
    return {
        "NewComment": _new_comment(max_text),
        "MetaValue": _META_VALUE,
        **_model(),
        "CommentPage": _COMMENT_PAGE,
        "NewVideo": _NEW_VIDEO,
        "Nothing": _NOTHING,
        "Video": _VIDEO,
        "ListedVideo": _LISTED_VIDEO,
        "VideoPage": _VIDEO_PAGE,
        "ReplayWindow": _REPLAY_WINDOW,
        **EVENT_SCHEMAS,
        "Health": _HEALTH,
        "Readiness": _READINESS,
        "NotReady": _NOT_READY,
        "Problem": _PROBLEM,
    }


def _new_comment(max_text: int) -> Schema:
    return {
        "title": "NewComment",
        "description": "A comment as it is posted. Fields that are not listed here are refused.",
        "type": "object",
        "additionalProperties": False,
        "required": ["text"],
        "properties": {
            "text": {
                "description": f"1 to {max_text} code points, once white space at both ends is trimmed. Control "
                "characters other than the line feed are refused; everything else comes back as it was sent.",
                "type": "string",
                "pattern": text_pattern(max_text),
            },
            "nonce": {
                "description": "Your own mark, 1 to 64 printable ASCII characters. It is echoed on the stream, so "
                "that you know your comment when it comes there before the answer does.",
                "type": ["string", "null"],
                "pattern": "^[ -~]{1,64}$",
            },
            "client_ts": {
                "description": "Your clock, in milliseconds since the Unix epoch. Checked and not kept: a comment's "
                "time is the server's.",
                "type": ["integer", "null"],
                "format": "int64",
                "minimum": 0,
                "maximum": 2**53,
            },
            "meta": {
                "description": f"Anything of yours that viewers shall have: at most {MAX_META} bytes of compact JSON, "
                f"at most {MAX_META_DEPTH} levels deep.",
                "type": ["object", "null"],
                "additionalProperties": ref("MetaValue"),
            },
        },
    }


_META_VALUE: Schema = {
    "title": "MetaValue",
    "description": "Any JSON value; numbers from -2^63 to below 2^64.",
    "anyOf": [
        {"type": ["string", "boolean", "null"]},
        {"type": "number", "minimum": -(2**63), "maximum": 2**64 - 1},
        {"type": "array", "items": ref("MetaValue")},
        {"type": "object", "additionalProperties": ref("MetaValue")},
    ],
}

_FIELDS: dict[str, dict[str, Schema]] = {
    "Comment": {
        "video_id": VIDEO_ID | {"description": "The video it belongs to."},
        "id": COMMENT_ID | {"description": "A UUIDv7 in lower case: ids sort by time of creation."},
        "user": {"description": "Who wrote it."},
        "text": {"description": "As posted, trimmed. Empty once the comment is deleted."},
        "created_at": MILLISECONDS | {"description": "When it was accepted, in milliseconds since the Unix epoch."},
        "offset": {
            "description": "Seconds since the video's start, negative before it; null while it is not known. "
            "In answers to reading, by the start as it is known now; on streams, as it was known when the comment was "
            "made."
        },
        "status": {"description": "What has become of it."},
        "pinned": {"description": "Whether it is on top. Absent when it is not."},
        "nonce": {"description": "The poster's own mark. Absent without one."},
        "meta": {"description": "What the poster's program added. Absent without it."},
    },
    "User": {
        "id": {"description": "The `sub` of the poster's token."},
        "name": {"description": "What to show beside the comment."},
        "roles": {"description": "The `roles` of the token, such as `host`. Absent when there are none."},
        "avatar": {"description": "An https address of a picture. Absent without one.", "format": "uri"},
    },
}


def _model() -> dict[str, Schema]:
    _, found = msgspec.json.schema_components([Comment], ref_template="#/components/schemas/{name}")
    comment, user, status = found["Comment"], found["User"], found["Status"]
    comment["description"] = "A comment as it stands. Fields may be added in later versions."
    user["description"] = "Who wrote a comment, as their token said at the time."
    status["description"] = "Only `visible` comments are shown to viewers. `deleted` is final, and the text is erased."
    status["type"] = "string"
    status["enum"] = [value.value for value in Status]
    for name, fields in _FIELDS.items():
        properties = found[name]["properties"]
        for field, more in fields.items():
            properties[field] = _present(properties[field]) | more
    streamed = comment | {
        "title": "StreamedComment",
        "description": "A comment on a video's own stream: without `video_id`.",
        "properties": {name: field for name, field in comment["properties"].items() if name != "video_id"},
        "required": [name for name in comment["required"] if name != "video_id"],
    }
    return {"Comment": comment, "StreamedComment": streamed, "User": user, "Status": status}


def _present(field: Schema) -> Schema:
    """What a field holds when it is there: those with a default are left out of the JSON instead of being null."""
    if "default" not in field:
        return field
    kept = {name: value for name, value in field.items() if name != "default"}
    if kept.get("anyOf", [{}])[-1] == {"type": "null"}:
        [present, _] = kept.pop("anyOf")
        kept |= present
    return kept


_COMMENT_PAGE: Schema = {
    "title": "CommentPage",
    "description": "A page of history.",
    "type": "object",
    "required": ["comments", "next_cursor", "has_more"],
    "properties": {
        "comments": {"description": "In the order asked for.", "type": "array", "items": ref("Comment")},
        "next_cursor": {
            "description": "Give it as `cursor` to go on; null on the last page.",
            "type": ["string", "null"],
        },
        "has_more": {"description": "Whether there is a next page.", "type": "boolean"},
    },
}

_NEW_VIDEO: Schema = {
    "title": "NewVideo",
    "description": "What is told about a video. Fields left away stay as they are, null forgets one; fields that are "
    "not listed here are refused.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": {
            "description": f"1 to {MAX_TITLE} code points on one line, once white space at both ends is trimmed.",
            "type": ["string", "null"],
            "pattern": text_pattern(MAX_TITLE, one_line=True),
        },
        "media_url": {
            "description": "Where the media is: an http(s) address, or a path of this site.",
            "type": ["string", "null"],
            "maxLength": MAX_MEDIA_URL,
            "pattern": MEDIA_URL,
        },
        "started_at": {
            "description": "When it started, or will, in milliseconds since the Unix epoch; not after its end.",
            "type": ["integer", "null"],
            "format": "int64",
            "minimum": 0,
            "maximum": 2**53,
        },
        "shards": {
            "description": "Over how many gateways its viewers should be spread; null is 1.",
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MAX_SHARDS,
        },
    },
}

_NOTHING: Schema = {
    "title": "Nothing",
    "description": "An empty object, or no body at all.",
    "type": "object",
    "additionalProperties": False,
    "properties": {},
}

_REPLAY_WINDOW: Schema = {
    "title": "ReplayWindow",
    "description": "The comments of a stretch of the timeline, or a page of them.",
    "type": "object",
    "required": ["started_at", *_COMMENT_PAGE["required"]],
    "properties": {
        "started_at": MILLISECONDS | {"description": "The start by which the offsets are reckoned."},
        **_COMMENT_PAGE["properties"],
        "comments": {"description": "In the order of their time.", "type": "array", "items": ref("Comment")},
    },
}

_LISTED_VIDEO: Schema = {
    "title": "ListedVideo",
    "description": "A video in a list, as it is known now. Fields may be added in later versions.",
    "type": "object",
    "required": ["video_id", "title", "media_url", *STATED, "shards", "viewers", "settings"],
    "properties": {
        "video_id": VIDEO_ID,
        "title": {"description": "Null until one is told.", "type": ["string", "null"]},
        "media_url": {"description": "Null until one is told.", "type": ["string", "null"]},
        **STATED,
        "shards": {
            "description": "Over how many gateways its viewers are spread. If more than 1: choose a number below it at "
            "random, and give it as `shard` whenever you watch.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_SHARDS,
        },
        "viewers": {"description": "How many watch it, as far as is known.", "type": "integer", "minimum": 0},
        "settings": {"description": "Settings of the video; none yet.", "type": "object"},
    },
}

_VIDEO: Schema = {
    "title": "Video",
    "description": "A video, as it is known now. Fields may be added in later versions.",
    "type": "object",
    "required": [*_LISTED_VIDEO["required"], "pins"],
    "properties": {**_LISTED_VIDEO["properties"], "pins": PINS},
}

_VIDEO_PAGE: Schema = {
    "title": "VideoPage",
    "description": "A page of the videos there are.",
    "type": "object",
    "required": ["videos", "next_cursor", "has_more"],
    "properties": {
        "videos": {"description": "The latest first.", "type": "array", "items": ref("ListedVideo")},
        "next_cursor": _COMMENT_PAGE["properties"]["next_cursor"],
        "has_more": _COMMENT_PAGE["properties"]["has_more"],
    },
}

_HEALTH: Schema = {
    "title": "Health",
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"const": "ok"}},
}

_READINESS: Schema = {
    "title": "Readiness",
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {
            "description": "`degraded`: posts are taken, and viewers get them late; `reason` and `detail` say why.",
            "type": "string",
            "enum": ["ok", "degraded"],
        },
        "reason": {
            "description": "`broker_unavailable`: the live log can't be reached, and viewers are served by polling the "
            "store. `unpublished`: accepted comments wait to reach the live log.",
            "type": "string",
            "enum": ["broker_unavailable", "unpublished"],
        },
        "detail": {"description": "A sentence for people.", "type": "string"},
    },
}

_NOT_READY: Schema = {
    "title": "NotReady",
    "type": "object",
    "required": ["status", "reason", "detail"],
    "properties": {
        "status": {"const": "not_ready"},
        "reason": {"type": "string", "enum": ["draining", "store_unavailable"]},
        "detail": {"description": "A sentence for people.", "type": "string"},
    },
}

_PROBLEM: Schema = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). Programs go by `code`, people read `detail`. What else helps stands beside "
    "these members: `field`, `limit`, `position` and so on.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {
            "description": "Leads to the code's entry in the list of errors.",
            "type": "string",
            "format": "uri-reference",
        },
        "title": {"description": "The code's heading, always the same.", "type": "string"},
        "status": {"description": "The HTTP status.", "type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"description": "What is wrong this time, and what to change.", "type": "string"},
        "code": {"description": "Stable, for programs.", "type": "string", "enum": list(CODES)},
        "request_id": {"description": "Names the request in the server's log.", "type": "string"},
        "retry_after": {
            "description": "With 429 and 503: seconds after which the same request is worth repeating. Also in the "
            "header `Retry-After`, which pages of other origins can't read everywhere.",
            "type": "integer",
            "minimum": 1,
        },
        "field": {"description": "The field, parameter or header to correct.", "type": "string"},
        "limit": {"description": "The bound that was overstepped.", "type": "integer"},
    },
}
