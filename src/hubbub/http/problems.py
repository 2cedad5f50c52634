"""Refusals as problem documents (RFC 9457), and the catalog of every code there is.

A code is a promise to programs: it keeps its meaning for good. `CODES` is the one place that lists them; the OpenAPI
document and the page at ``/docs`` are made from it, and a test holds every code in the source to it.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from math import ceil
from typing import Any, NamedTuple

from starlette.responses import Response

from hubbub.errors import Refusal
from hubbub.wire.events import encode_json

MEDIA_TYPE = "application/problem+json"

RETRIED = frozenset({429, 503})
"""Statuses whose request is worth repeating unchanged; their answers say after how many seconds."""


class Code(NamedTuple):
    """What a code stands for: its HTTP status, its fixed heading, and what whoever gets it should do."""

    status: int
    title: str
    remedy: str


_FIX_TOKEN = "Get another token from whoever issues them."
_LATER = "Repeat the request after `Retry-After` seconds."

CODES: dict[str, Code] = {
    # 400: the request can't be read
    "malformed": Code(400, "Malformed request", "Correct what `detail` names; `field` or `position` says where it is."),
    "bad_http": Code(
        400, "Not HTTP", "Send a well-formed HTTP/1.1 request; the connection is closed after this answer."
    ),
    "bad_video_id": Code(400, "Bad video id", "Use 1 to 128 of `A-Z a-z 0-9 . _ -`."),
    "bad_comment_id": Code(400, "Bad comment id", "Use a comment's `id` as it was given."),
    "bad_query": Code(400, "Bad query", "Correct the query parameter named in `field`, or leave it away."),
    "bad_cursor": Code(400, "Bad cursor", "Use `next_cursor` as it was given, or leave it away for the first page."),
    "bad_idempotency_key": Code(400, "Bad idempotency key", "Use 1 to 128 printable ASCII characters, such as a UUID."),
    "doubled_header": Code(400, "Doubled header", "Send the header named in `field` once."),
    "incomplete_body": Code(400, "Incomplete body", "Send the whole body that the headers announce."),
    # 401: who are you
    "unauthenticated": Code(401, "Not signed in", "Send a valid token: `Authorization: Bearer <token>`."),
    "no_token": Code(401, "No token", "Send a token: `Authorization: Bearer <token>`."),
    "wrong_scheme": Code(401, "Not a bearer token", "Send the token as `Authorization: Bearer <token>`."),
    "bad_token": Code(401, "Bad token", _FIX_TOKEN),
    "bad_signature": Code(401, "Bad signature", _FIX_TOKEN + " It must be signed with a key of this service."),
    "unknown_key": Code(401, "Unknown key", "Get a token signed with a key that is in the service's key set."),
    "bad_claims": Code(401, "Bad claims", _FIX_TOKEN + " `claim` names what is missing or wrong."),
    "token_expired": Code(401, "Token expired", "Get a new token."),
    "token_not_yet_valid": Code(401, "Token not yet valid", "Use it later, or set the issuer's clock right."),
    "wrong_issuer": Code(401, "Wrong issuer", "Get a token from the issuer that this service trusts."),
    "wrong_audience": Code(401, "Wrong audience", "Get a token made for this service."),
    # 403: not with this token
    "forbidden": Code(403, "Not allowed", "Use a token that grants this."),
    "missing_scope": Code(403, "Scope missing", "Use a token with the scope named in `scope`."),
    "video_not_allowed": Code(403, "Video not allowed", "Use a token whose `videos` claim covers this video."),
    "not_yours": Code(403, "Not yours", "Only a comment's author or a moderator of the video may do this."),
    "dev_only_local": Code(
        403, "For this machine only", "A development server answers its own machine; run without `--dev` for others."
    ),
    "bad_origin": Code(
        403, "Not for this page", "Call from an origin in `HUBBUB_CORS_ORIGINS`, with methods and headers it may use."
    ),
    # 404, 405: not here
    "not_found": Code(404, "Not found", "Check the address."),
    "no_such_comment": Code(
        404, "No such comment", "Drop it: it is gone, or hidden from you, or never was on this video."
    ),
    "no_such_video": Code(404, "No such video", "Register the video first, by `PUT`, or correct its id."),
    "no_such_page": Code(404, "No such page", "Check the path; this page lists every call."),
    "method_not_allowed": Code(405, "Method not allowed", "Use one of the methods in the `Allow` header."),
    # 408: not in time
    "slow_request": Code(
        408, "Too slow", "Send the request again, all of it at once; the connection is closed after this answer."
    ),
    # 409: not in the comment's present state
    "conflict": Code(409, "Not possible now", "Read the comment again and decide anew."),
    "comment_deleted": Code(409, "Comment deleted", "Drop it: a deleted comment stays deleted."),
    "comment_not_visible": Code(409, "Comment not visible", "Restore the comment first."),
    "start_unknown": Code(409, "Start unknown", "Tell when the video started; history needs no start."),
    "video_not_started": Code(409, "Video not started", "Correct the video's start first; it lies ahead."),
    "too_many_pins": Code(409, "Too many pins", "Unpin another comment of this video first."),
    # 413, 422: too much, or against a rule
    "too_large": Code(413, "Too large", "Send a body of at most `limit` bytes."),
    "unprocessable": Code(422, "Not acceptable", "Change what `detail` names."),
    "text_empty": Code(422, "Empty text", "Write something; white space alone is nothing."),
    "text_too_long": Code(422, "Text too long", "Shorten the text to `limit` code points."),
    "text_control_characters": Code(
        422,
        "Control characters",
        "Leave control characters other than the line feed away; `position` has the first one.",
    ),
    "meta_too_large": Code(422, "Meta too large", "Shorten `meta` to `limit` bytes of compact JSON."),
    "meta_too_deep": Code(422, "Meta too deep", "Nest at most `limit` objects and arrays in `meta`."),
    "meta_number_out_of_range": Code(422, "Number out of range", "Send numbers beyond 64 bits as strings."),
    "bad_title": Code(422, "Bad title", "Send 1 to `limit` characters on one line, or null."),
    "bad_media_url": Code(422, "Bad media URL", "Send an `https://` address, a path `/…` of this site, or null."),
    "start_after_end": Code(422, "Start after the end", "Tell a start before `ended_at`, or start the video again."),
    "idempotency_key_reused": Code(
        422, "Idempotency key reused", "Use a fresh key for another comment; repeat a key only with the same body."
    ),
    # 421: here, but by another process
    "other_role": Code(
        421, "Not served here", "Send it to a process of the `role` named; whoever runs the service routes by address."
    ),
    # 431: too much before the body
    "head_too_large": Code(431, "Head too large", "Send a shorter address, or fewer or shorter headers."),
    # 429, 503: later
    "too_fast": Code(429, "Too fast", _LATER),
    "user_rate": Code(429, "You post too fast", _LATER),
    "address_rate": Code(429, "Your address posts too fast", _LATER),
    "global_rate": Code(429, "The service is at its limit", _LATER),
    "unavailable": Code(503, "Not available now", _LATER),
    "too_many_connections": Code(
        503, "Too many connections", _LATER + " Use one connection for many requests, and close those you don't need."
    ),
    "no_seat": Code(503, "No seat free", _LATER + " Then somebody may have gone."),
    "draining": Code(503, "Shutting down", _LATER + " Another process may answer."),
    "store_unavailable": Code(
        503, "Store not available", _LATER + " Give a post the same `Idempotency-Key` as before."
    ),
    "broker_unavailable": Code(503, "Live log not available", _LATER),
    "keys_unavailable": Code(503, "Token keys not available", _LATER + " Until then no token can be checked."),
    # 500: ours; 501, 505: HTTP that we don't speak; 502: between proxies and us
    "internal_error": Code(500, "Our fault", "Tell whoever runs the service, with the `request_id`."),
    "not_implemented": Code(501, "Not implemented", "Use a usual method, and no transfer coding other than `chunked`."),
    "ask_another": Code(
        502, "Ask another process", "Only proxies get this, that said by `Hubbub-Tries` that they ask another gateway."
    ),
    "http_version": Code(505, "Not this HTTP version", "Use HTTP/1.1."),
}


def problem_type(code: str) -> str:
    """The ``type`` of a code's documents: a reference that leads to its entry on this server's own ``/docs``."""
    return f"/docs#errors-{code}"


def problem_document(refusal: Refusal, *, request_id: str | None = None) -> dict[str, Any]:
    """The members of the document; ``extra`` of the refusal stands beside the standard ones and can't replace them."""
    known = CODES.get(refusal.code)
    document = {
        "type": problem_type(refusal.code),
        "title": known.title if known else refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
    }
    if refusal.status in RETRIED:
        document["retry_after"] = _retry_after(refusal)
    if request_id is not None:
        document["request_id"] = request_id
    return document | {name: value for name, value in refusal.extra.items() if name not in document}


def problem_bytes(refusal: Refusal, *, request_id: str | None = None) -> bytes:
    """The document as JSON, also for answers that are written without Starlette."""
    document = problem_document(refusal, request_id=request_id)
    try:
        return encode_json(document)
    except UnicodeEncodeError:  # half of a surrogate pair, quoted from the request
        return encode_json({name: _mended(value) for name, value in document.items()})


def problem_response(
    refusal: Refusal, *, request_id: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The answer to a refused request; ``headers`` are added to those that the status asks for."""
    body = problem_bytes(refusal, request_id=request_id)
    return Response(body, refusal.status, problem_headers(refusal) | (headers or {}), MEDIA_TYPE)


def problem_answer(refusal: Refusal) -> bytes:
    """The last answer on a connection, as it goes over the wire (RFC 9112), for what never gets to an application."""
    body = problem_bytes(refusal)
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        **problem_headers(refusal),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def problem_headers(refusal: Refusal) -> dict[str, str]:
    """``Retry-After`` and ``Allow`` (RFC 9110), ``WWW-Authenticate`` (RFC 6750, section 3), and no caching."""
    headers = {"cache-control": "no-store"}
    if refusal.status in RETRIED:
        headers["retry-after"] = str(_retry_after(refusal))
    if challenge := _challenge(refusal):
        headers["www-authenticate"] = challenge
    if refusal.status == 405:
        headers["allow"] = str(refusal.extra.get("allow", ""))
    return headers


def _retry_after(refusal: Refusal) -> int:
    """Whole seconds, rounded up: who comes back a moment early is refused again. At least one."""
    return max(ceil(refusal.retry_after or 0), 1)


def _challenge(refusal: Refusal) -> str | None:
    """A caller without a token is told the scheme alone; one with a bad or a narrow token also what is wrong."""
    if refusal.status == 401 and refusal.code in ("no_token", "wrong_scheme"):
        return 'Bearer realm="hubbub"'
    if refusal.status == 401:
        return f'Bearer realm="hubbub", error="invalid_token", error_description="{_quotable(refusal.detail)}"'
    if refusal.status == 403 and "scope" in refusal.extra:
        return f'Bearer realm="hubbub", error="insufficient_scope", scope="{_quotable(str(refusal.extra["scope"]))}"'
    return None


def _quotable(text: str) -> str:
    """``text`` cut down to what RFC 6750 admits between the quotes (printable ASCII but ``"`` and ``\\``)."""
    return re.sub(r"[^ !#-\[\]-~]+", "?", text)


def _mended(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
