"""What the client raises, and how an answer becomes an error.

    HubbubError
    ├── ApiError        the server answered, and said no
    └── Unreachable     no usable answer came within the time allowed

Both name the cause for people; an ApiError also has the server's stable code for programs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from hubbub.client.reading import body
from hubbub.errors import HubbubError

WORTH_REPEATING = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses after which the same request may well succeed later. 408, 425, 502 and 504 are proxies' words."""

_PROBLEM_LIMIT = 65_536
"""Bytes of an error's body that are read; a longer one is no problem document of ours."""


class ApiError(HubbubError):
    """The server refused.

    ``code`` is its stable name for the reason (``http_<status>`` when something in between answered), ``detail`` a
    sentence for people, ``problem`` the whole problem document (RFC 9457; empty when there was none),
    ``retry_after`` the seconds it asks to wait, or None.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        problem: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{detail} ({status} {code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.problem = problem or {}
        self.retry_after = retry_after


class Unreachable(HubbubError):
    """The server could not be reached, or its answer could not be read; ``__cause__`` has the reason."""


def describe(error: Exception) -> str:
    """A network failure in a few words; some of httpx's errors have none of their own."""
    if isinstance(error, httpx.ReadTimeout):
        return "nothing was heard for too long"
    return str(error) or type(error).__name__


async def error_from(response: httpx.Response) -> ApiError:
    """The error that a streamed answer other than 2xx stands for; reads its body. Raises `httpx.RequestError`."""
    problem = _problem_in(await body(response, _PROBLEM_LIMIT))
    code = problem.get("code")
    detail = problem.get("detail")
    return ApiError(
        response.status_code,
        code if isinstance(code, str) else f"http_{response.status_code}",
        detail if isinstance(detail, str) else _describe(response),
        problem=problem,
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def _problem_in(document: bytes) -> dict[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _describe(response: httpx.Response) -> str:
    if response.is_redirect:
        return f"The server redirects to {response.headers.get('location', '')}; give the client that as its address."
    return f"The server answered {response.status_code} {response.reason_phrase}".rstrip() + "."


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` as seconds from now: a number or a date (RFC 9110, section 10.2.3). None for anything else."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year of thirty digits
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)
