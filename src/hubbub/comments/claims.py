"""What a verified token says (RFC 7519, section 4), checked claim by claim. Bytes in, `Claims` out, no I/O.

| claim | |
|---|---|
| `sub` | required: the user's id, 1 to 128 characters |
| `exp` | required: when the token ends, in seconds since the Unix epoch. Exact: a stream ends at that very moment |
| `nbf`, `iat` | not before these, with 10 seconds of leeway for clocks that disagree |
| `iss`, `aud` | checked when the service has an issuer or an audience set |
| `name` | what viewers see, at most 64 characters; absent or blank: `sub`, cut to 64 |
| `scope` | `read`, `post`, `moderate`, in a string separated by spaces or in a list; others are ignored; absent: none |
| `roles` | at most 8, of 1 to 32 characters |
| `avatar` | an https URL of at most 512 characters, without a user in it; any other string is ignored |
| `videos` | at most 100 patterns of video ids, in which `*` stands for anything; absent: every video |
| `follows` | at most 200 user ids |

Ids, names and roles have no control characters. A token without `exp` is refused because it could never be withdrawn;
an avatar that can't be shown is no reason to silence a person.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from hubbub.comments.misfits import first_misfit, first_missing
from hubbub.errors import Unauthenticated

LEEWAY = 10.0
"""Seconds that ``nbf`` and ``iat`` may lie ahead of our clock."""

MAX_NAME = 64

_PLAIN = r"\A[^\x00-\x1f\x7f-\x9f]*\Z"
_UserId = Annotated[str, Meta(min_length=1, max_length=128, pattern=_PLAIN)]
_Role = Annotated[str, Meta(min_length=1, max_length=32, pattern=_PLAIN)]
_Pattern = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._*-]{1,128}\Z")]

_AVATAR = re.compile(
    r"https://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9!#$%&'()*+,./:;=?@\[\]_~-]*)?",
    re.ASCII,
)
_MAX_AVATAR = 512


class Claims(msgspec.Struct, frozen=True):
    """The claims that mean something here; a token may have others."""

    sub: _UserId
    exp: float
    nbf: float | None = None
    iat: float | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    name: Annotated[str, Meta(max_length=MAX_NAME, pattern=_PLAIN)] | None = None
    scope: str | list[str] | None = None
    roles: Annotated[list[_Role], Meta(max_length=8)] | None = None
    avatar: str | None = None
    videos: Annotated[list[_Pattern], Meta(max_length=100)] | None = None
    follows: Annotated[list[_UserId], Meta(max_length=200)] | None = None

    @property
    def display_name(self) -> str:
        """What viewers see."""
        return (self.name or "").strip() or self.sub[:MAX_NAME]

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes, known to us or not."""
        return frozenset(self.scope.split() if isinstance(self.scope, str) else self.scope or ())

    @property
    def audiences(self) -> list[str]:
        """``aud`` as the list it may be."""
        return [self.aud] if isinstance(self.aud, str) else self.aud or []

    @property
    def picture(self) -> str | None:
        """``avatar`` where it can be shown."""
        usable = self.avatar and len(self.avatar) <= _MAX_AVATAR and _AVATAR.fullmatch(self.avatar)
        return self.avatar if usable else None


_RULES = {
    "sub": "a string of 1 to 128 characters without control characters: the user's id",
    "exp": "a number: when the token ends, in seconds since the Unix epoch",
    "nbf": "a number: seconds since the Unix epoch",
    "iat": "a number: seconds since the Unix epoch",
    "iss": "a string",
    "aud": "a string or a list of strings",
    "name": f"a string of at most {MAX_NAME} characters without control characters",
    "scope": 'a string such as "read post", or a list of strings',
    "roles": "a list of at most 8 strings of 1 to 32 characters",
    "avatar": "a string: an https URL",
    "videos": "a list of at most 100 patterns, each of 1 to 128 of A-Z a-z 0-9 . _ - *",
    "follows": "a list of at most 200 user ids",
}

_decoder = msgspec.json.Decoder(Claims)


def read_claims(payload: bytes) -> Claims:
    """The claims in a verified token's payload.

    Raises `Unauthenticated`: ``bad_claims`` with the claim in ``claim``, or ``bad_token`` when there is no reading it
    at all.
    """
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable() from None
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable() from None
    if not isinstance(value, dict):
        raise _unreadable()
    if claim := first_misfit(Claims, value):
        raise Unauthenticated(f"The token's claim {claim} must be {_RULES[claim]}.", code="bad_claims", claim=claim)
    claim = first_missing(Claims, value) or ""
    raise Unauthenticated(f"The token lacks the claim {claim}: {_RULES.get(claim)}.", code="bad_claims", claim=claim)


def _unreadable() -> Unauthenticated:
    return Unauthenticated("The token's payload is not a JSON object of claims; get another token.", code="bad_token")


def check_claims(claims: Claims, *, now: float, issuer: str | None, audience: str | None) -> None:
    """Whether a token counts here and now (``now`` in seconds since the Unix epoch).

    Raises `Unauthenticated`: ``token_expired``, ``token_not_yet_valid``, ``wrong_issuer``, ``wrong_audience``.
    """
    if claims.exp <= now:
        raise Unauthenticated("The token has expired; get a new one.", code="token_expired")
    for claim, begins in (("nbf", claims.nbf), ("iat", claims.iat)):
        if begins is not None and begins > now + LEEWAY:
            raise Unauthenticated(
                f"The token's {claim} lies in the future; use it later, or set the issuer's clock right.",
                code="token_not_yet_valid",
                claim=claim,
            )
    if issuer is not None and claims.iss != issuer:
        raise Unauthenticated(
            f"The token's iss must be {issuer!r}; get one from that issuer.", code="wrong_issuer", claim="iss"
        )
    if audience is not None and audience not in claims.audiences:
        raise Unauthenticated(
            f"The token's aud must include {audience!r}; get one made for this service.",
            code="wrong_audience",
            claim="aud",
        )
