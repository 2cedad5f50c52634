"""Pages of other origins: who may call from a browser (``HUBBUB_CORS_ORIGINS``)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "Cache-Control",
    "X-Request-Id",
)
_RESPONSE_HEADERS = ("Retry-After", "Idempotency-Replayed", "X-Request-Id")


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """``app`` open to ``origins`` (``*``: any); unchanged when there are none. Tokens go in headers, so no cookies are
    allowed.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=3600,
    )
