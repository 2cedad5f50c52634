"""Who speaks, and what they may: tokens in, `Identity` out.

A token is verified step by step: its header picks the algorithm and the key (`keys`), the signature is checked (PyJWT),
then what it says (`claims`). The outcome is kept for a minute, so that a busy poster costs one digest and one look-up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jwt
import msgspec

from hubbub.comments.claims import Claims, check_claims, read_claims
from hubbub.comments.keys import KeySource, SecretKey, hs256_secret
from hubbub.comments.patterns import VideoPatterns
from hubbub.errors import ConfigError, Forbidden, Malformed, Unauthenticated
from hubbub.model import User

Scope = Literal["read", "post", "moderate"]

SCOPES: frozenset[str] = frozenset({"read", "post", "moderate"})

MAX_TOKEN = 8 * 1024
"""Characters of a token; a longer one is refused unread."""

MAX_VERIFIED = 10_000
"""Verified tokens remembered, of about 1 KB each. At the bound the one longest unused goes, to be verified again."""

VERIFIED_FOR = 60.0
"""Seconds a verified token is remembered, never beyond its ``exp``. A withdrawn key lives that much longer."""

_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, as their verified token describes them.

    ``videos`` is None for every video. ``follows`` are user ids. ``expires_at`` is in seconds since the Unix epoch;
    None, for an identity that no token made, is never.
    """

    user: User
    scopes: frozenset[str]
    videos: VideoPatterns | None = None
    follows: tuple[str, ...] = ()
    expires_at: float | None = None

    def may(self, scope: Scope, video_id: str | None) -> bool:
        """Whether they may do that on a video; with None, on all videos at once."""
        return scope in self.scopes and self._covers(video_id)

    def require(self, scope: Scope, video_id: str | None) -> None:
        """Raise `Forbidden` (codes ``missing_scope``, ``video_not_allowed``) unless they `may`."""
        if scope not in self.scopes:
            has = " ".join(sorted(self.scopes)) or "none"
            raise Forbidden(
                f"This needs a token with the scope {scope}; yours has: {has}.", code="missing_scope", scope=scope
            )
        if not self._covers(video_id):
            which = "every video" if video_id is None else f"the video {video_id}"
            raise Forbidden(
                f"This needs a token for {which}; the videos claim of yours leaves that out.", code="video_not_allowed"
            )

    def _covers(self, video_id: str | None) -> bool:
        return self.videos is None or (video_id is not None and self.videos.match(video_id))


def identity_of(claims: Claims) -> Identity:
    """The person that checked claims describe."""
    videos = None if claims.videos is None else VideoPatterns(claims.videos)
    return Identity(
        User(claims.sub, claims.display_name, tuple(claims.roles or ()), claims.picture),
        claims.scopes & SCOPES,
        None if videos is None or videos.everything else videos,
        tuple(claims.follows or ()),
        claims.exp,
    )


class _Header(msgspec.Struct):
    """The members of a JOSE header that mean something here. Any other is ignored, `crit` alone is refused."""

    alg: str
    kid: str | None = None
    crit: Any = msgspec.UNSET


class _Verified(NamedTuple):
    identity: Identity
    since: float
    until: float


class Authenticator:
    """Verifies tokens: HS256 by a shared secret, RS256, ES256 and EdDSA by a key set.

    ``issuer`` and ``audience``, where given, must be the token's. ``clock`` is the wall clock, in seconds. Raises
    `ConfigError` for a weak secret, a URL that can't be one, or neither.
    """

    def __init__(
        self,
        *,
        secret: str | None = None,
        jwks_url: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources: list[KeySource] = []
        if secret is not None:
            self._sources.append(SecretKey(hs256_secret(secret)))
        if jwks_url is not None:
            from hubbub.comments.jwks_keys import JwksKeys  # an HTTP client, which most never need

            self._sources.append(JwksKeys(jwks_url, clock=monotonic))
        if not self._sources:
            raise ConfigError(
                "HUBBUB_JWT_SECRET", "set it, or HUBBUB_JWKS_URL: without either no token can be checked."
            )
        self._source_of = {alg: source for source in self._sources for alg in source.algorithms}
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._jws = jwt.PyJWS(algorithms=sorted(self._source_of))
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def authenticate(self, token: str) -> Identity:
        """Whom a token speaks for.

        Raises `Unauthenticated` (codes ``bad_token``, ``bad_signature``, ``unknown_key``, ``bad_claims``,
        ``token_expired``, ``token_not_yet_valid``, ``wrong_issuer``, ``wrong_audience``), `KeysUnavailable`.
        """
        if len(token) > MAX_TOKEN:
            raise _bad_token(f"is longer than {MAX_TOKEN} characters")
        if not token.isascii():
            raise _bad_token("has characters that no JWT has")
        digest = hashlib.sha256(token.encode()).digest()  # so that the memory of this process holds no usable tokens
        now = self._clock()
        known = self._verified.get(digest)
        if known is not None and known.since <= now < known.until:
            self._verified.move_to_end(digest)
            return known.identity
        claims = read_claims(await self._payload(token))
        now = self._clock()  # finding the key may have taken seconds
        check_claims(claims, now=now, issuer=self._issuer, audience=self._audience)
        identity = identity_of(claims)
        self._verified[digest] = _Verified(identity, now, min(now + VERIFIED_FOR, claims.exp))
        self._verified.move_to_end(digest)
        if len(self._verified) > MAX_VERIFIED:
            self._verified.popitem(last=False)
        return identity

    async def close(self) -> None:
        """Let go of the key sources. Idempotent."""
        for source in self._sources:
            await source.close()

    async def _payload(self, token: str) -> bytes:
        """The payload, once the signature is known to be good."""
        header = _read_header(token)
        source = self._source_of.get(header.alg)
        if source is None:
            known = ", ".join(sorted(self._source_of))
            raise _bad_token(f"is signed with {header.alg[:20]!r}, and this service takes {known}")
        key = await source.find(header.alg, header.kid)
        try:
            payload: bytes = self._jws.decode_complete(token, key, algorithms=[header.alg])["payload"]
        except jwt.InvalidSignatureError:
            raise Unauthenticated(
                "The token's signature does not fit; get a new token from an issuer that has the right key.",
                code="bad_signature",
            ) from None
        except jwt.PyJWTError:
            raise _bad_token("is not a signed JWT") from None
        return payload


def _read_header(token: str) -> _Header:
    encoded, _, _ = token.partition(".")
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        header = msgspec.json.decode(raw, type=_Header)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _bad_token("is not a signed JWT") from None
    if header.crit is not msgspec.UNSET:
        # RFC 7515, section 4.1.11: an extension that is not understood must be refused, and none is.
        raise _bad_token("demands an extension (crit) that this service does not have")
    return header


def _bad_token(fault: str) -> Unauthenticated:
    return Unauthenticated(f"The token {fault}; get another one.", code="bad_token")


def bearer_token(authorization: Sequence[bytes]) -> str | None:
    """The token in a request's ``Authorization`` (RFC 6750, section 2.1), given all its values; None without one.

    Raises `Malformed` (code ``doubled_header``) for more than one value, since two parties might each go by another,
    and `Unauthenticated` (``wrong_scheme``, ``bad_token``).
    """
    if not authorization:
        return None
    if len(authorization) > 1:
        raise Malformed(
            "Authorization is given more than once; send one.", code="doubled_header", field="Authorization"
        )
    value = authorization[0].strip(b" \t")
    match = _BEARER.fullmatch(value)
    if match is not None:
        return match[1].decode("ascii")
    if value.partition(b" ")[0].lower() != b"bearer":
        raise Unauthenticated("Send the token as Authorization: Bearer <token>.", code="wrong_scheme")
    raise _bad_token("is not of the form Authorization: Bearer <token>")


def mint_token(
    secret: str,
    user_id: str,
    name: str | None,
    scopes: Sequence[str],
    lifetime: float,
    *,
    roles: Sequence[str] = (),
    videos: Sequence[str] | None = None,
    avatar: str | None = None,
    follows: Sequence[str] = (),
    issuer: str | None = None,
    audience: str | None = None,
    clock: Callable[[], float] = time.time,
) -> str:
    """An HS256 token for ``lifetime`` seconds from now.

    Raises `ConfigError` for a weak secret, `Unauthenticated` (``bad_claims``) for what no token may say.
    """
    now = clock()
    said = {
        "sub": user_id,
        "name": name,
        "scope": " ".join(scopes),
        "iat": int(now),
        "exp": now + lifetime,
        "roles": list(roles) or None,
        "videos": None if videos is None else list(videos),
        "avatar": avatar,
        "follows": list(follows) or None,
        "iss": issuer,
        "aud": audience,
    }
    try:
        payload = msgspec.json.encode({claim: value for claim, value in said.items() if value is not None})
    except UnicodeEncodeError:  # lone surrogates, as from a command line that is not UTF-8
        raise Unauthenticated("A token can say only what is Unicode text.", code="bad_claims") from None
    read_claims(payload)
    return jwt.PyJWS(algorithms=["HS256"]).encode(payload, hs256_secret(secret), algorithm="HS256")
