"""The stream, and the long poll.

OpenAPI 3.1 has no words for the events in one: they stand in ``x-events`` of its media type, each with its schema,
and the page at ``/docs`` shows them. (3.2 has ``itemSchema``; few tools read it yet.)
"""

from __future__ import annotations

import json
from typing import Any

from hubbub.fanout.backlog import MAX_BACKLOG
from hubbub.fanout.polling import MAX_ENTRIES
from hubbub.http.openapi import examples
from hubbub.http.openapi.calls import parameter_ref, watching, watching_codes
from hubbub.http.openapi.parts import Schema, ref
from hubbub.http.openapi.responses import header_refs, json_response, refusals
from hubbub.http.poll import MAX_WAIT
from hubbub.model import MAX_SHARDS

_DESCRIPTION = """\
Server-sent events, as every browser's `EventSource` reads them: first `welcome`, then the newest comments, then
whatever happens, without a hole or a double between.

An event's `id` is a place in the video's log. Whoever returns with the last one (a browser does so by itself) gets
what came since: from memory or the log exactly once, from the store possibly with doubles of the same comment `id`.
Where nothing can prove that all is there, the answer is `reset` and the newest comments.

After 15 seconds without an event comes a comment line (`:`), which clients don't see. The stream ends when its
token does.

A browser gives up for good on any `4xx` or `5xx`. So these mean here that trying again won't help; when it will (no
seat free, shutting down, the store away, a video that nobody has registered yet), the answer is `200`, one
`reconnect` event, and the end. Ignore events that you don't know."""


def stream_path(*, public: bool) -> dict[str, Any]:
    """The path of a video's stream; ``public``: watching needs no token."""
    get = {
        "operationId": "watchComments",
        "tags": ["Watching"],
        "summary": "Watch a video's comments",
        "description": _DESCRIPTION,
        "security": watching(public, "streamToken"),
        "parameters": _PARAMETERS,
        "responses": {
            "200": {
                "description": "The stream.",
                "headers": header_refs(),
                "content": {"text/event-stream": _MEDIA},
            },
            **refusals(
                *(set(watching_codes(public)) - {"keys_unavailable"}), "ask_another", "bad_video_id", "bad_query"
            ),
        },
    }
    return {"/v1/videos/{video_id}/comments/stream": {"parameters": [parameter_ref("VideoId")], "get": get}}


_POLLING = """\
The stream's events as the answers of ordinary requests, for networks that hold streams back: in the same order, with
the same guarantees.

Without `after` the answer comes at once: `welcome`, then the newest comments. With it comes what has come since, or
`reset` and the newest comments where nothing can prove what that is; and when there is nothing, the answer is held
until there is, or `wait` is over. Then ask again, with the answer's `position` as `after`. Each comment is an event of
its own here, and `reconnect` does not occur: what can't be had now is a `503`."""


def poll_path(*, public: bool) -> dict[str, Any]:
    """The path of a video's long poll."""
    get = {
        "operationId": "pollComments",
        "tags": ["Watching"],
        "summary": "Watch by long poll",
        "description": _POLLING,
        "security": watching(public, "streamToken"),
        "parameters": [
            {
                "name": "after",
                "in": "query",
                "description": "The `position` of the last answer, or an event's `id`. Without it you are a newcomer.",
                "schema": {"type": "string"},
                "example": examples.PLACE,
            },
            {
                "name": "wait",
                "in": "query",
                "description": "Seconds that the answer may be held.",
                "schema": {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 25},
            },
            _PARAMETERS[0],
            _SHARD,
            {
                "name": "limit",
                "in": "query",
                "description": "How many events since `after` come in one answer. Ask for fewer where answers don't "
                "come through whole.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ENTRIES, "default": MAX_ENTRIES},
            },
        ],
        "responses": {
            "200": json_response(
                "What came.",
                "PollAnswer",
                {
                    "something came": {
                        "events": [{"event": "comment", "id": examples.PLACE, "data": examples.STREAMED}],
                        "position": examples.PLACE,
                    },
                    "nothing came": {"events": [], "position": examples.PLACE},
                },
            ),
            **refusals(
                *watching_codes(public),
                "ask_another",
                "bad_query",
                "bad_video_id",
                "draining",
                "no_seat",
                "no_such_video",
                "store_unavailable",
            ),
        },
    }
    return {"/v1/videos/{video_id}/comments/poll": {"parameters": [parameter_ref("VideoId")], "get": get}}


_SHARD: dict[str, Any] = {
    "name": "shard",
    "in": "query",
    "description": "Of a video with more than one of `shards`: a number below that, chosen once. It leads the proxies "
    "before this service to a gateway, and means nothing else.",
    "schema": {"type": "integer", "minimum": 0, "maximum": MAX_SHARDS - 1, "default": 0},
}

_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "backlog",
        "in": "query",
        "description": "How many of the newest comments come first.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_BACKLOG, "default": 100},
    },
    {
        "name": "batch",
        "in": "query",
        "description": "`1`: comments that go out together come as one `comment_batch`. Fewer bytes, and less work "
        "for you.",
        "schema": {"type": "string", "enum": ["0", "1"], "default": "0"},
    },
    {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The last event `id` you have: resume there.",
        "schema": {"type": "string"},
        "example": examples.PLACE,
    },
    {
        "name": "last_event_id",
        "in": "query",
        "description": "The same, for clients that can't send the header. The header wins.",
        "schema": {"type": "string"},
        "example": examples.PLACE,
    },
    _SHARD,
]


def _event(name: str, description: str, data: Schema, example: Any, place: str) -> dict[str, Any]:
    return {"name": name, "description": description, "data": data, "example": example, "id": place}


_COMMENT = ref("StreamedComment")
_COMMENT_REF = ref("CommentRef")

EVENTS = [
    _event(
        "welcome",
        "Always first, with a `retry:` of its own for each viewer.",
        ref("Welcome"),
        examples.WELCOME,
        "when nothing follows at once",
    ),
    _event("comment", "A comment, new or of the backlog.", _COMMENT, examples.STREAMED, "yes"),
    _event(
        "comment_batch",
        "With `batch=1`, instead of `comment`: the comments that go out together, oldest first.",
        {"type": "array", "items": _COMMENT, "minItems": 1},
        [examples.STREAMED, examples.REPLY],
        "that of the last comment",
    ),
    _event(
        "comment_deleted",
        "Take this comment away for good, from the pins too.",
        _COMMENT_REF,
        examples.COMMENT_REF,
        "yes",
    ),
    _event("comment_hidden", "Take this comment away, from the pins too.", _COMMENT_REF, examples.COMMENT_REF, "yes"),
    _event("comment_restored", "Show this comment again, at its place.", _COMMENT, examples.STREAMED, "yes"),
    _event("comment_pinned", "Put this comment on top.", _COMMENT, examples.REPLY, "yes"),
    _event("comment_unpinned", "Take this comment down from the top.", _COMMENT_REF, examples.COMMENT_REF, "yes"),
    _event(
        "start",
        "What is known of the video's start has changed: it starts, it was corrected, or an end was taken back.",
        ref("VideoTimes"),
        examples.STARTED,
        "yes",
    ),
    _event(
        "end",
        "The video has ended. The stream goes on.",
        ref("VideoTimes"),
        examples.ENDED,
        "yes",
    ),
    _event(
        "reset",
        "Forget what you show: these are the pins, and the newest comments follow.",
        ref("Reset"),
        examples.RESET,
        "when nothing follows at once",
    ),
    _event(
        "reconnect",
        "The last one of a stream: come back after the time in its `retry:`.",
        ref("Reconnect"),
        {"reason": "draining"},
        "no",
    ),
]


def _written(name: str, data: Any, *fields: str) -> str:
    head = "".join(f"{field}\n" for field in fields)
    return f"event: {name}\n{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


_MEDIA: dict[str, Any] = {
    "schema": {
        "type": "string",
        "description": "Events in the format of the HTML standard (section 9.2), each with one line of JSON as its "
        "data.",
    },
    "example": _written("welcome", examples.WELCOME, "retry: 2350")
    + _written("comment", examples.STREAMED, f"id: {examples.PLACE}")
    + ":\n\n"
    + _written("comment_deleted", examples.COMMENT_REF, "id: 6f1c9a.1043.1795229950118"),
    "x-events": EVENTS,
}
