"""Keys that verify tokens, from the key set that the issuer publishes: fetched anew when it may have changed."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable

import jwt

from hubbub.comments.jwks import ALGORITHMS, KeySet, parse_jwks
from hubbub.comments.jwks_reader import Unreadable, reader_for
from hubbub.errors import KeysUnavailable, Unauthenticated

log = logging.getLogger(__name__)

LIFETIME = 600.0
"""Seconds after which a key set is fetched again, so that a key taken out of it stops to count."""

MAX_AGE = 3600.0
"""Seconds for which a key set serves while it can't be fetched anew. After that nobody is let in on the word of a key
that may long be withdrawn."""

REFETCH_AFTER = 30.0
"""Seconds between fetches that an unknown key id (which anybody can make up) or a failure may cause."""

RETRY_AFTER = 5.0
"""Seconds between attempts while there is no usable key set at all."""


class JwksKeys:
    """RS256, ES256 and EdDSA by a JSON Web Key Set: ``file:///path`` or ``https://…`` (``http://`` on loopback only).

    One fetch at a time, which everybody who needs it waits for. A set that may have changed is fetched before it is
    used; after a fetch that failed, the known set serves meanwhile (up to `MAX_AGE`) and further attempts hold nobody
    up.

    ``clock`` is monotonic, in seconds. Raises `ConfigError` for a URL that can't be one.
    """

    algorithms = ALGORITHMS

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reader = reader_for(url)
        self._keys: KeySet | None = None
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._failure: str | None = None  # of the latest attempt
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, alg: str, kid: str | None) -> jwt.PyJWK:
        """See `KeySource.find`. A token without a key id is for the only key of its algorithm."""
        age = self._clock() - self._fetched_at
        if age >= MAX_AGE:
            await self._fetch(RETRY_AFTER)
        elif age >= LIFETIME:
            await self._fetch(REFETCH_AFTER, wait=self._failure is None)
        key = self._known().find(alg, kid)
        if key is None:
            await self._fetch(REFETCH_AFTER)
            key = self._known().find(alg, kid)
        if key is not None:
            return key
        if self._failure is not None:
            raise self._unavailable(REFETCH_AFTER)  # it may be a new key, which only a set just read could deny
        raise Unauthenticated(
            "The issuer publishes no key for the token's kid and alg, or several where it has no kid; get a new token.",
            code="unknown_key",
        )

    async def close(self) -> None:
        """Stop fetching and let go of the connection."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._reader.close()

    def _known(self) -> KeySet:
        if self._keys is None or self._clock() - self._fetched_at >= MAX_AGE:
            raise self._unavailable(RETRY_AFTER)
        return self._keys

    def _unavailable(self, gap: float) -> KeysUnavailable:
        return KeysUnavailable(
            "Tokens can't be checked now, because the key set at HUBBUB_JWKS_URL can't be had:"
            f" {self._failure or 'it was not fetched'}. Try again later.",
            retry_after=max(self._tried_at + gap - self._clock(), 1.0),
        )

    async def _fetch(self, gap: float, *, wait: bool = True) -> None:
        """Join the fetch under way, or begin one if the latest attempt is ``gap`` seconds old."""
        if self._fetching is None:
            if self._clock() - self._tried_at < gap:
                return
            self._tried_at = self._clock()
            self._fetching = asyncio.get_running_loop().create_task(self._refresh())
            self._fetching.add_done_callback(self._fetched)
        if wait:
            # Unlike a plain await, a caller who is cancelled leaves the fetch to the others.
            await asyncio.wait([self._fetching])

    def _fetched(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _refresh(self) -> None:
        began = self._clock()
        try:
            keys = parse_jwks(await self._reader.read())
        except (Unreadable, ValueError) as error:
            self._failed(str(error), error)
        except Exception as error:  # noqa: BLE001 - whatever a foreign server sends ends as a 503, not in a lost task
            self._failed("an unexpected error, which the log has", error)
        else:
            if self._failure is not None:
                log.info("HUBBUB_JWKS_URL: the key set can be had again")
            if not len(keys):
                log.warning("HUBBUB_JWKS_URL: the key set has no usable key, so no token signed with one verifies")
            self._keys, self._fetched_at, self._failure = keys, began, None

    def _failed(self, reason: str, error: Exception) -> None:
        self._failure = reason
        log.warning("HUBBUB_JWKS_URL: no key set: %s (%r)", reason, error.__cause__ or error)
