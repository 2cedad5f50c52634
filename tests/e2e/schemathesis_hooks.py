"""What Schemathesis must be told that the document can't say; loaded by it, not by pytest."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import schemathesis

from hubbub.testing.server import token

STREAM = "/v1/videos/{video_id}/comments/stream"
LIFETIME = 0.2
"""Seconds a stream lasts here: as long as its token."""


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Put our ``x-events`` as a schema of each event, which is how Schemathesis reads a stream's schema."""
    media = raw_schema["paths"][STREAM]["get"]["responses"]["200"]["content"]["text/event-stream"]
    events = {event["name"]: event["data"] for event in media["x-events"]}
    media["schema"] = {
        "type": "object",
        "required": ["event", "data"],
        "properties": {"event": {"enum": list(events)}},
        "allOf": [
            {
                "if": {"properties": {"event": {"const": name}}},
                "then": {"properties": {"data": {"contentMediaType": "application/json", "contentSchema": data}}},
            }
            for name, data in events.items()
        ],
    }


@schemathesis.hook
def filter_body(context: schemathesis.HookContext, body: Any) -> bool:
    """Leave out `meta` that is refused for its size in bytes: a schema counts characters at best."""
    meta = body.get("meta") if isinstance(body, dict) else None
    return not isinstance(meta, dict) or len(json.dumps(meta, ensure_ascii=False).encode(errors="replace")) <= 1024


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """End streams soon, and make usable idempotency keys fresh.

    The document's example of a key, sent with two different bodies, is rightly refused.
    """
    if case.path == STREAM:
        case.headers["Authorization"] = f"Bearer {token(lifetime=LIFETIME)}"
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and 0 < len(key) < 90 and key.isascii() and key.isprintable():
        case.headers["Idempotency-Key"] = f"{uuid4()} {key}"
