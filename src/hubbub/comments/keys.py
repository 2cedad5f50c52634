"""Where the keys that verify tokens come from: a secret shared with the issuer, or the issuer's published key set, for
which there is `JwksKeys`.

An algorithm belongs to one source. So a public key can never be taken for an HMAC secret ("key confusion"), whatever a
token's header says; and headers that bring or point to a key (``jwk``, ``jku``, ``x5u``, ``x5c``) are not even read.
"""

from __future__ import annotations

from typing import Protocol

import jwt
from jwt.algorithms import HMACAlgorithm

from hubbub.errors import ConfigError

MIN_SECRET = 32
"""Bytes of an HMAC secret: as many as the digest has (RFC 7518, section 3.2)."""


class KeySource(Protocol):
    """Finds the key that verifies a token."""

    @property
    def algorithms(self) -> frozenset[str]:
        """What this source has keys for."""

    async def find(self, alg: str, kid: str | None) -> bytes | jwt.PyJWK:
        """The key for a token of that algorithm (one of `algorithms`) and key id.

        Raises `Unauthenticated` (code ``unknown_key``) when there is none, `KeysUnavailable` when that can't be told.
        """

    async def close(self) -> None:
        """Let go of connections. Idempotent."""


def hs256_secret(text: str) -> bytes:
    """``HUBBUB_JWT_SECRET`` as a key: its UTF-8 bytes, as they stand. Raises `ConfigError` for one that is not safe."""
    secret = text.encode("utf-8", "surrogateescape")  # as the environment had it
    if len(secret) < MIN_SECRET:
        raise ConfigError(
            "HUBBUB_JWT_SECRET",
            f"it has {len(secret)} bytes and needs at least {MIN_SECRET}; make one with: openssl rand -base64 32",
        )
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ConfigError(
            "HUBBUB_JWT_SECRET",
            "it is a public or private key, not a secret; set HUBBUB_JWKS_URL for tokens signed with one.",
        ) from None


class SecretKey:
    """HS256 with one secret; a token's key id means nothing here."""

    algorithms = frozenset({"HS256"})

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    async def find(self, alg: str, kid: str | None) -> bytes:
        """The secret."""
        return self._secret

    async def close(self) -> None:
        """Nothing to let go of."""
