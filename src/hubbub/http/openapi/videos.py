"""The calls that tell of videos, and ask."""

from __future__ import annotations

from typing import Any

from hubbub.http.openapi import examples
from hubbub.http.openapi.calls import CURSOR, Operation, needs, parameter_ref, watching, watching_codes
from hubbub.http.openapi.parts import ref
from hubbub.http.openapi.responses import BEARER, empty_response, json_response, refusals
from hubbub.http.replay import MAX_PAGE, MAX_PLACE, MAX_WINDOW, WINDOW
from hubbub.http.video_list import MAX_PAGE as LONGEST_LIST
from hubbub.model import State
from hubbub.wire.cursors import VIDEO_CURSOR

_TOLD_CODES = (
    *BEARER,
    "bad_query",
    "bad_video_id",
    "incomplete_body",
    "malformed",
    "missing_scope",
    "no_token",
    "store_unavailable",
    "too_large",
    "video_not_allowed",
)


def video_paths(*, public: bool) -> dict[str, Any]:
    """The paths of videos; ``public``: watching needs no token."""
    video = "/v1/videos/{video_id}"
    parameters = [parameter_ref("VideoId")]
    return {
        "/v1/videos": {"get": _list(public)},
        video: {"parameters": parameters, "get": _show(public), "put": _put()},
        video + "/start": {"parameters": parameters, "post": _start()},
        video + "/end": {"parameters": parameters, "post": _end()},
        video + "/replay": {"parameters": parameters, "get": _replay(public)},
    }


def _list(public: bool) -> Operation:
    return {
        "operationId": "listVideos",
        "tags": ["Videos"],
        "summary": "Ask what is on",
        "description": "The videos that were told of (by `PUT`, `start` or `end`), the latest first: by their end, "
        "their start, or when they were first told of. Each as it is answered by itself, without `pins`. One that "
        "changes between two pages may be on both, or on neither."
        + ("" if public else " Only those that the token covers; a page may then be short and yet not the last."),
        "security": watching(public),
        "parameters": [
            {
                "name": "state",
                "in": "query",
                "description": "Only those in this state.",
                "schema": {"type": "string", "enum": [state.value for state in State]},
            },
            {
                "name": "limit",
                "in": "query",
                "description": "Videos on one page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_LIST, "default": 50},
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Where to go on: the `next_cursor` of the page before.",
                "schema": {"type": "string", "pattern": VIDEO_CURSOR},
                "example": examples.VIDEO_CURSOR,
            },
        ],
        "responses": {
            "200": json_response("A page.", "VideoPage", {"example": examples.VIDEO_PAGE}),
            **refusals(
                *(code for code in watching_codes(public) if code != "video_not_allowed"),
                "bad_cursor",
                "bad_query",
                "store_unavailable",
            ),
        },
    }


def _show(public: bool) -> Operation:
    return {
        "operationId": "getVideo",
        "tags": ["Videos"],
        "summary": "Ask about a video",
        "description": "What is known of it, who watches, and what is pinned. Where any id is a video "
        "(`HUBBUB_VIDEOS=open`), one that nobody has told anything about is `upcoming`.",
        "security": watching(public),
        "responses": {
            "200": json_response("The video.", "Video", {"example": examples.VIDEO}),
            **refusals(*watching_codes(public), "bad_video_id", "bad_query", "no_such_video", "store_unavailable"),
        },
    }


def _put() -> Operation:
    return {
        "operationId": "putVideo",
        "tags": ["Videos"],
        "summary": "Register a video, or change what is known of it",
        "description": "Fields left away stay as they are; null forgets one. The start may be told late, corrected, or "
        "lie ahead: the comments' offsets follow. Viewers get `start` when it changes.",
        "security": needs("moderate"),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ref("NewVideo"), "examples": {"example": {"value": examples.NEW_VIDEO}}}
            },
        },
        "responses": {
            "200": json_response("As it is known now.", "Video", {"example": examples.VIDEO}),
            **refusals(*_TOLD_CODES, "bad_media_url", "bad_title", "start_after_end"),
        },
    }


_NO_BODY: dict[str, Any] = {
    "description": "None, or an empty object.",
    "content": {
        "application/json": {
            "schema": ref("Nothing"),
            "examples": {"example": {"value": {}}},
        }
    },
}


def _start() -> Operation:
    return {
        "operationId": "startVideo",
        "tags": ["Videos"],
        "summary": "Start a video",
        "description": "It starts now; repeated, nothing changes. One that has ended goes on, with the start it had. "
        "Viewers get `start`.",
        "security": needs("moderate"),
        "requestBody": _NO_BODY,
        "responses": {
            "200": json_response("Started.", "Video", {"example": examples.VIDEO}),
            **refusals(*_TOLD_CODES, "no_such_video"),
        },
    }


def _end() -> Operation:
    return {
        "operationId": "endVideo",
        "tags": ["Videos"],
        "summary": "End a video",
        "description": "It ends now; repeated, nothing changes. It can be watched and commented on all the same, and "
        "its replay may be cached. Viewers get `end`.",
        "security": needs("moderate"),
        "requestBody": _NO_BODY,
        "responses": {
            "200": json_response("Ended.", "Video", {"example": examples.ENDED_VIDEO}),
            **refusals(*_TOLD_CODES, "no_such_video", "video_not_started"),
        },
    }


def _replay(public: bool) -> Operation:
    return {
        "operationId": "replayComments",
        "tags": ["Videos"],
        "summary": "Read the comments of a stretch of the video",
        "description": "Those with `start <= offset < start + duration`, in the order of their time, by the video's "
        "start as it is known now.\n\nOf a video that has ended, windows with `duration` 180 and `start` a multiple of "
        "180 may be cached for 30 seconds"
        + (" by anybody" if public else " by who asked")
        + ", and have an `ETag`. All other answers are not to be kept.",
        "security": watching(public),
        "parameters": [
            {
                "name": "start",
                "in": "query",
                "description": "Seconds on the timeline; negative ones are before the start.",
                "schema": {"type": "number", "minimum": -MAX_PLACE, "maximum": MAX_PLACE, "default": 0},
                "example": 900,
            },
            {
                "name": "duration",
                "in": "query",
                "description": "Seconds.",
                "schema": {"type": "number", "minimum": 0.001, "maximum": MAX_WINDOW, "default": WINDOW},
            },
            {
                "name": "limit",
                "in": "query",
                "description": "Comments in one answer.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 500},
            },
            CURSOR,
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The `ETag` of an answer you have.",
                "schema": {"type": "string"},
                "example": '"9b2c1f0a7d3e4c5b8a6f1e2d3c4b5a69"',
            },
        ],
        "responses": {
            "200": json_response("The window.", "ReplayWindow", {"example": examples.REPLAY}, "Cache-Control", "ETag"),
            "304": empty_response("You have it.", "Cache-Control", "ETag"),
            **refusals(
                *watching_codes(public),
                "bad_cursor",
                "bad_query",
                "bad_video_id",
                "no_such_video",
                "start_unknown",
                "store_unavailable",
            ),
        },
    }
