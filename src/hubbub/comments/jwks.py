"""JSON Web Key Sets (RFC 7517): which keys of a document may verify tokens. Bytes in, keys out, no I/O."""

from __future__ import annotations

import binascii
from typing import Any, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_KEYS = 100
"""Keys in a document; one with more is refused whole, as the mistake (or attack) it is."""

MIN_RSA_BITS = 2048  # RFC 7518, section 3.3


class _Kind(NamedTuple):
    alg: str
    members: tuple[str, ...]  # the public ones that make the key; private ones are never looked at


_KINDS = {
    ("RSA", None): _Kind("RS256", ("n", "e")),
    ("EC", "P-256"): _Kind("ES256", ("crv", "x", "y")),
    ("OKP", "Ed25519"): _Kind("EdDSA", ("crv", "x")),
}

ALGORITHMS = frozenset(kind.alg for kind in _KINDS.values())
"""What tokens checked by a key set may be signed with. A kind of key has one, so a token can't choose another for
it."""


class _Jwk(msgspec.Struct):
    kty: str
    use: str | None = None
    key_ops: list[str] | None = None
    alg: str | None = None
    kid: str | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None


class _Document(msgspec.Struct):
    keys: list[Any]


class KeySet:
    """Usable keys, by algorithm and id."""

    def __init__(self) -> None:
        self._by_kid: dict[tuple[str, str], jwt.PyJWK] = {}
        self._by_alg: dict[str, list[jwt.PyJWK]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_alg.values()))

    def add(self, alg: str, kid: str | None, key: jwt.PyJWK) -> None:
        """Take a key. Of two with the same algorithm and id the first counts."""
        if kid is not None:
            self._by_kid.setdefault((alg, kid), key)
        self._by_alg.setdefault(alg, []).append(key)

    def find(self, alg: str, kid: str | None) -> jwt.PyJWK | None:
        """The key with that id; without an id, the only key of that algorithm, None if there are none or several."""
        if kid is not None:
            return self._by_kid.get((alg, kid))
        fitting = self._by_alg.get(alg, [])
        return fitting[0] if len(fitting) == 1 else None


def parse_jwks(document: bytes) -> KeySet:
    """The keys that may verify signatures here; others are left out, as RFC 7517, section 5 asks. May be empty.

    Raises `ValueError` with a sentence when the document is no key set at all.
    """
    try:
        listed = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError('it is not a JSON Web Key Set: {"keys": [...]}') from None
    if len(listed) > MAX_KEYS:
        raise ValueError(f"it has {len(listed)} keys, and at most {MAX_KEYS} are read")
    keys = KeySet()
    for value in listed:
        try:
            jwk = msgspec.convert(value, _Jwk)
        except msgspec.ValidationError:
            continue
        kind = _KINDS.get((jwk.kty, None if jwk.kty == "RSA" else jwk.crv))
        if kind is None or not _may_verify(jwk, kind.alg):
            continue
        key = _public_key(jwk, kind)
        if key is not None:
            keys.add(kind.alg, jwk.kid, key)
    return keys


def _may_verify(jwk: _Jwk, alg: str) -> bool:
    return jwk.use in (None, "sig") and jwk.alg in (None, alg) and (jwk.key_ops is None or "verify" in jwk.key_ops)


def _public_key(jwk: _Jwk, kind: _Kind) -> jwt.PyJWK | None:
    members = {name: getattr(jwk, name) for name in kind.members}
    try:
        key = jwt.PyJWK({"kty": jwk.kty, **members}, kind.alg)
    except (jwt.PyJWTError, binascii.Error, ValueError, TypeError, AttributeError, OverflowError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        return None
    return key
