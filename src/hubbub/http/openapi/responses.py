"""Answers: refusals by status with the codes each may bear, and the headers that answers carry."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any

from hubbub.errors import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Refusal,
    TooFast,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from hubbub.http.elsewhere import AskAnother
from hubbub.http.openapi.examples import EXTRAS
from hubbub.http.openapi.parts import ref
from hubbub.http.problems import CODES, MEDIA_TYPE, problem_document

Response = dict[str, Any]

ANYWHERE = frozenset(
    {
        "bad_http",
        "bad_origin",
        "dev_only_local",
        "head_too_large",
        "http_version",
        "internal_error",
        "method_not_allowed",
        "no_such_page",
        "not_implemented",
        "other_role",
        "slow_request",
        "too_many_connections",
    }
)
"""Codes that have to do with no call in particular; the description of the whole names them."""

BEARER = (
    "bad_claims",
    "bad_signature",
    "bad_token",
    "doubled_header",
    "keys_unavailable",
    "token_expired",
    "token_not_yet_valid",
    "unknown_key",
    "wrong_audience",
    "wrong_issuer",
    "wrong_scheme",
)
"""What can be wrong with a token that is sent, also where none is needed."""

HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Names this request in the server's log. Send one of your own (1 to 64 of `A-Z a-z 0-9 . _ -`), "
        "and it is used.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "5f0c9d1e77a2b643",
    },
    "Retry-After": {
        "description": "Seconds after which the same request is worth repeating.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "WWW-Authenticate": {
        "description": "What is wrong with the token (RFC 6750).",
        "schema": {"type": "string"},
        "example": 'Bearer realm="hubbub", error="invalid_token", error_description="The token has expired."',
    },
    "Cache-Control": {
        "description": "How long the answer may be kept, and by whom.",
        "schema": {"type": "string"},
        "example": "public, max-age=30",
    },
    "ETag": {
        "description": "Names this content (RFC 9110): send it as `If-None-Match`, and what has not changed is not "
        "sent again. Only on windows that may be cached.",
        "schema": {"type": "string"},
        "example": '"9b2c1f0a7d3e4c5b8a6f1e2d3c4b5a69"',
    },
    "Idempotency-Replayed": {
        "description": "`true` when an earlier post with the same `Idempotency-Key` made this comment.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
}


def header_refs(*names: str) -> dict[str, Any]:
    """References to headers; every answer has a request id."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-Id")}


def json_response(description: str, schema: str, examples: dict[str, Any], *headers: str) -> Response:
    """An answer with a JSON body of a named shape; ``examples`` by a few words that tell them apart."""
    shown = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": ref(schema), "examples": shown}}
    return {"description": description, "headers": header_refs(*headers), "content": content}


def empty_response(description: str, *headers: str) -> Response:
    """An answer without a body."""
    return {"description": description, "headers": header_refs(*headers)}


def refusals(*codes: str) -> dict[str, Response]:
    """A call's refusals, by status."""
    ordered = sorted(set(codes), key=lambda code: (CODES[code].status, code))
    return {
        str(status): _refusal(status, list(group))
        for status, group in groupby(ordered, key=lambda code: CODES[code].status)
    }


def _refusal(status: int, codes: list[str]) -> Response:
    headers = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(status, [])
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes) + ".",
        "headers": header_refs(*headers),
        "content": {
            MEDIA_TYPE: {
                "schema": {"allOf": [ref("Problem"), narrowed]},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def problem_examples(codes: Iterable[str]) -> dict[str, Any]:
    """A document of each code."""
    return {code: {"summary": CODES[code].title, "value": _example(code)} for code in codes}


_KINDS: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (
        Malformed,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        Unprocessable,
        TooFast,
        AskAnother,
        Unavailable,
    )
}


def _example(code: str) -> dict[str, Any]:
    known = CODES[code]
    refusal = _KINDS[known.status](known.remedy.replace("`", ""), code=code, retry_after=2, **EXTRAS.get(code, {}))
    return problem_document(refusal, request_id="5f0c9d1e77a2b643")
