"""Pages of other origins: who may call from a browser (``HUBBUB_CORS_ORIGINS``)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from hubbub.errors import Forbidden
from hubbub.http.edge import Answering

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
    allowed. Pages can read refusals too, so those are answered inside; that of a preflight is left to `Edge` around it.
    """
    if not origins:
        return app
    return _Cors(
        Answering(app),
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=3600,
    )


class _Cors(CORSMiddleware):
    """Starlette's, but that a refused preflight raises `Forbidden` (code ``bad_origin``)."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        if not self.is_allowed_origin(request_headers["origin"]):
            raise Forbidden(
                "Pages of this origin may not call from a browser; HUBBUB_CORS_ORIGINS says which may.",
                code="bad_origin",
            )
        raise Forbidden(
            f"Pages of other origins may use {', '.join(_METHODS)} and the headers {', '.join(_REQUEST_HEADERS)}.",
            code="bad_origin",
        )
