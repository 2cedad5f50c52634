"""The OpenAPI 3.1 document: the contract, complete, made once at the start.

    calls       posting, history, moderation         schemas     the shapes, from `hubbub.model`
    stream      the stream, its events, polls            responses   refusals by status, with their codes
    videos      what is known of videos              examples    one small story
    service     health, metrics, the contract

The page at ``/docs`` (`hubbub.http.reference`) shows this same document.
"""

from __future__ import annotations

from typing import Any, Literal

from hubbub.http.openapi.calls import PARAMETERS, comment_paths
from hubbub.http.openapi.responses import ANYWHERE, HEADERS, problem_examples
from hubbub.http.openapi.schemas import component_schemas
from hubbub.http.openapi.service import service_paths
from hubbub.http.openapi.stream import poll_path, stream_path
from hubbub.http.openapi.videos import video_paths
from hubbub.http.problems import CODES

_ABOUT = """\
Live comments for live video: posted, kept for good, and shown to everyone watching a moment later.

JSON in UTF-8, names in snake_case. Times named `…_at` (and `at`) are whole milliseconds since the Unix epoch. Ids
of comments are UUIDv7 and sort by time.

Whoever posts or moderates sends a JSON Web Token: `Authorization: Bearer <token>`. Its scopes (`read`, `post`,
`moderate`) stand at each call.

Refusals are problem documents (RFC 9457) with a stable `code`. Every answer has an `X-Request-Id`, which is also in the
server's log; send one of your own to use it there. Fields may be added to answers: ignore those you don't know."""

_TAGS = [
    {"name": "Comments", "description": "Say something, and read what was said."},
    {"name": "Watching", "description": "Have comments as they come."},
    {"name": "Videos", "description": "When they begin and end, and what was said when."},
    {"name": "Moderation", "description": "Take away, bring back, put on top."},
    {"name": "Operations", "description": "For whoever runs it."},
]


def openapi_document(
    *, version: str, max_text: int = 500, watch: Literal["public", "token"] = "public"
) -> dict[str, Any]:
    """The document for a server with these settings, to be read only: parts are shared between calls."""
    public = watch == "public"
    document: dict[str, Any] = {
        "openapi": "3.1.1",
        "info": {
            "title": "Hubbub",
            "summary": "Live comments for live video",
            "description": _ABOUT,
            "version": version,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": _TAGS,
        "paths": {
            **comment_paths(max_text=max_text, public=public),
            **stream_path(public=public),
            **poll_path(public=public),
            **video_paths(public=public),
            **service_paths(),
        },
        "components": {
            "schemas": component_schemas(max_text),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "examples": problem_examples(code for code, known in CODES.items() if code not in ANYWHERE),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JSON Web Token (RFC 7519) with `sub`, `exp`, `scope`, and as you like `name`, "
                    "`roles`, `avatar` and `videos`.",
                },
                "streamToken": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "access_token",
                    "description": "The same token, for clients that can't send headers. It lets you watch and "
                    "nothing else.",
                },
            },
        },
        "x-codes": {code: known._asdict() for code, known in CODES.items()},
    }
    return document
