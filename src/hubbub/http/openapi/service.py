"""The calls for whoever runs the service, and the pages about it."""

from __future__ import annotations

from typing import Any

from hubbub.http.openapi.responses import header_refs, json_response

_METRICS = """\
# HELP hubbub_viewers Who watches now
# TYPE hubbub_viewers gauge
hubbub_viewers 2.0
"""


def service_paths() -> dict[str, Any]:
    """Health, metrics, and the contract itself."""
    return {
        "/healthz": {
            "get": _operation(
                "getHealth",
                "Is it alive?",
                "`200` as long as the process turns over. It says nothing about other parts, since a restart would "
                "not mend those.",
                {"200": json_response("Alive.", "Health", {"alive": {"status": "ok"}})},
            )
        },
        "/readyz": {
            "get": _operation(
                "getReadiness",
                "Should traffic go here?",
                "For load balancers: no while it shuts down, and while posts can't be stored.",
                {
                    "200": json_response(
                        "Yes.",
                        "Readiness",
                        {
                            "all is well": {"status": "ok"},
                            "viewers get comments late": {
                                "status": "degraded",
                                "reason": "unpublished",
                                "detail": "Accepted comments wait to reach the live log; they are published by and by.",
                            },
                        },
                    ),
                    "503": json_response(
                        "Not now.",
                        "NotReady",
                        {
                            "shutting down": {
                                "status": "not_ready",
                                "reason": "draining",
                                "detail": "This process is shutting down.",
                            }
                        },
                        "Retry-After",
                    ),
                },
            )
        },
        "/metrics": {
            "get": _operation(
                "getMetrics",
                "Metrics",
                "In the text format of Prometheus (0.0.4).",
                {"200": _text("The metrics.", "text/plain", _METRICS)},
            )
        },
        "/openapi.json": {
            "get": _operation(
                "getOpenapi",
                "This contract",
                "This document, for programs.",
                {
                    "200": {
                        "description": "The document.",
                        "headers": header_refs(),
                        "content": {
                            "application/json": {"schema": {"type": "object"}, "example": {"openapi": "3.1.1"}}
                        },
                    }
                },
            )
        },
        "/docs": {
            "get": _operation(
                "getDocs",
                "This page",
                "This document, for people.",
                {"200": _text("The page.", "text/html", "<!doctype html>\n…")},
            )
        },
    }


def _operation(id: str, summary: str, description: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": id,
        "tags": ["Operations"],
        "summary": summary,
        "description": description,
        "security": [],
        "responses": responses,
    }


def _text(description: str, kind: str, example: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string"}, "example": example}}
    return {"description": description, "headers": header_refs(), "content": content}
