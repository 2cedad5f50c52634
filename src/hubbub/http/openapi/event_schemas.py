"""The shapes of what viewers are sent: a stream's events, and the same as polls bring them."""

from __future__ import annotations

from hubbub.http.openapi.parts import COMMENT_ID, MILLISECONDS, PINS, STATED, TIMES, VIDEO_ID, Schema, ref

_VIDEO_TIMES: Schema = {
    "title": "VideoTimes",
    "description": "What is known of a video's start and end from now on.",
    "type": "object",
    "required": [*TIMES, "at"],
    "properties": {
        **TIMES,
        "at": MILLISECONDS | {"description": "When this was said, in milliseconds since the Unix epoch."},
    },
}

_WELCOME: Schema = {
    "title": "Welcome",
    "description": "Where a viewer stands.",
    "type": "object",
    "required": ["video_id", "viewers", "position", "resumed", *STATED, "pins", "settings"],
    "properties": {
        "video_id": VIDEO_ID,
        "viewers": {
            "description": "How many watch this video, as far as is known, you included.",
            "type": "integer",
            "minimum": 1,
        },
        "position": {
            "description": "The place you will have reached once everything that follows at once has come; null "
            "where there is none. Resume from the `id` of events, not from this.",
            "type": ["string", "null"],
        },
        "resumed": {
            "description": "True: what you missed follows. False: the newest comments follow, behind a `reset` if "
            "you asked to resume.",
            "type": "boolean",
        },
        **STATED,
        "pins": PINS,
        "settings": {"description": "Settings of the video; none yet.", "type": "object"},
    },
}

_COMMENT_REF: Schema = {
    "title": "CommentRef",
    "description": "Names a comment that something was done to.",
    "type": "object",
    "required": ["id", "at"],
    "properties": {
        "id": COMMENT_ID | {"description": "The comment."},
        "at": MILLISECONDS | {"description": "When, in milliseconds since the Unix epoch."},
    },
}

_RESET: Schema = {
    "title": "Reset",
    "description": "Continuity can't be proven: forget what you show and begin again with what follows.",
    "type": "object",
    "required": ["reason", *STATED, "pins"],
    "properties": {
        "reason": {
            "description": "`bad_token`: the place you resumed from is not one of ours. `not_provable`: it lies too "
            "far back. `too_slow`: your connection could not keep up. `restarted`: the log began anew. Others may be "
            "added.",
            "type": "string",
        },
        **STATED,
        "pins": PINS,
    },
}

_POLLED_EVENT: Schema = {
    "title": "PolledEvent",
    "description": "An event of the video, as on the stream. Ignore those you don't know.",
    "type": "object",
    "required": ["event", "id", "data"],
    "properties": {
        "event": {"description": "Its name, as on the stream.", "type": "string"},
        "id": {"description": "Its place, null where it has none of its own.", "type": ["string", "null"]},
        "data": {"description": "What it is on the stream.", "type": "object"},
    },
}

_POLL_ANSWER: Schema = {
    "title": "PollAnswer",
    "description": "What came, in order; nothing, when the time is over or the server shuts down.",
    "type": "object",
    "required": ["events", "position"],
    "properties": {
        "events": {"type": "array", "items": ref("PolledEvent")},
        "position": {"description": "Where to go on: the next `after`.", "type": "string"},
    },
}

_RECONNECT: Schema = {
    "title": "Reconnect",
    "description": "The server ends this stream and asks you to come back after the time in the event's `retry:`.",
    "type": "object",
    "required": ["reason"],
    "properties": {
        "reason": {
            "description": "`draining`: this server is shutting down. `full`: no seat is free. `unavailable`: a part "
            "it needs is away. `token_expired`: come back with a new token. `no_such_video`: nobody has registered the "
            "video yet. Others may be added.",
            "type": "string",
        },
    },
}

EVENT_SCHEMAS: dict[str, Schema] = {
    "PollAnswer": _POLL_ANSWER,
    "PolledEvent": _POLLED_EVENT,
    "Welcome": _WELCOME,
    "CommentRef": _COMMENT_REF,
    "VideoTimes": _VIDEO_TIMES,
    "Reset": _RESET,
    "Reconnect": _RECONNECT,
}
"""By name."""
