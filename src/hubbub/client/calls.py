"""How a call is made: signed, bounded in time and size, repeated while that is safe and may help."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from hubbub import __version__
from hubbub.client.backoff import Backoff
from hubbub.client.errors import WORTH_REPEATING, ApiError, Unreachable, describe, error_from
from hubbub.client.reading import CODINGS, MAX_ANSWER, body

Token = str | Callable[[], Awaitable[str]] | None
"""A token, or a coroutine function that is asked for one before each request and each connection of a stream."""

OnRetry = Callable[[ApiError | Unreachable, float], None]
"""Told why a call failed and in how many seconds it is tried again."""


def is_address(text: str) -> bool:
    """Whether ``text`` can be a server's base URL."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and bool(httpx.URL(text).host)  # stricter about names
            and parts.port != 0
            and not parts.query
            and not parts.fragment
            and text.isprintable()
            and " " not in text
        )
    except (ValueError, httpx.InvalidURL):
        return False


def is_token(text: str) -> bool:
    """Whether ``text`` can stand in an ``Authorization`` header, but for white space around it."""
    text = text.strip()  # read from a file, it ends in a newline
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


class Calls:
    """The calls of one server in one person's name, over ``http``. ``timeout``: seconds for each attempt;
    ``retry_for``: seconds in which a failed one is repeated, which ``on_retry`` is told. Raises `ValueError` for a base
    URL that can't be one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: Token,
        timeout: float,
        retry_for: float,
        on_retry: OnRetry | None,
        http: httpx.AsyncClient,
    ) -> None:
        if not is_address(base_url):
            raise ValueError(f"base_url must be an http:// or https:// address, not {base_url!r}")
        self.base_url = base_url.rstrip("/")
        self.http = http
        self.timeout = timeout
        self._token = token
        self._retry_for = retry_for
        self._on_retry = on_retry

    async def headers(self) -> dict[str, str]:
        """Who we are, and in whose name. Raises `ValueError` for a token that can't be one."""
        headers = {"User-Agent": f"hubbub-python/{__version__}", "Accept-Encoding": CODINGS}
        token = await self._token() if callable(self._token) else self._token
        if token is not None:
            if not is_token(token):
                raise ValueError("this token cannot be one: it is empty, or has spaces or odd characters in it")
            headers["Authorization"] = f"Bearer {token.strip()}"
        return headers

    async def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> Any:
        """The decoded answer (None without a body). Repeats what is worth repeating while there is time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._retry_for
        backoff = Backoff(0.25, 5.0)
        while True:
            asked: float | None = None
            failure: ApiError | Unreachable
            try:
                async with asyncio.timeout(self.timeout):
                    all_headers = await self.headers() | (headers or {})
                    return await self.once(method, path, headers=all_headers, **request)
            except ApiError as error:
                if error.status not in WORTH_REPEATING:
                    raise
                failure, asked = error, error.retry_after
            except TimeoutError as error:
                failure = Unreachable(f"{self.base_url} did not answer within {self.timeout:g} seconds.")
                failure.__cause__ = error
            except httpx.RequestError as error:
                failure = Unreachable(f"{self.base_url} cannot be reached: {describe(error)}.")
                failure.__cause__ = error
            wait = backoff.next(asked)
            if loop.time() + wait > deadline:
                raise failure
            if self._on_retry is not None:
                self._on_retry(failure, wait)
            await asyncio.sleep(wait)

    async def once(self, method: str, path: str, **request: Any) -> Any:
        """The same, tried once. Raises `ApiError`, `Unreachable` and `httpx.RequestError`."""
        async with self.http.stream(method, self.base_url + path, **request) as response:
            if not response.is_success:
                raise await error_from(response)
            answer = await body(response, MAX_ANSWER)
        if len(answer) > MAX_ANSWER:
            raise Unreachable(f"{self.base_url} answered with more than {MAX_ANSWER // 1024**2} MiB; is it Hubbub?")
        if not answer:
            return None
        try:
            return json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise self.misfit("JSON") from error

    def misfit(self, wanted: str) -> Unreachable:
        """The answer is none of Hubbub's."""
        return Unreachable(f"{self.base_url} answered with something else than {wanted}; is it Hubbub?")
