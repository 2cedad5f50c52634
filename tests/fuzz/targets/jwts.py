"""Tokens: nobody gets in who was not signed for, and nothing but `Unauthenticated` comes of the rest.

The first byte chooses what the input is: a token as a stranger sends it, the claims of one that is well signed, or the
header of one that is well signed.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import jwt
from jwt.algorithms import HMACAlgorithm
from tests.fuzz.oracles import check_refusal, done, text_of

from hubbub.comments.identity import SCOPES, Authenticator, Identity
from hubbub.errors import Unauthenticated
from hubbub.testing.server import SECRET

NOW = 1_800_000_000.0
GOOD = b'{"sub":"ada","name":"Ada","scope":"read post","exp":1900000000}'
HEADER = b'{"alg":"HS256","typ":"JWT"}'


def _encoded(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")


def _signed(header: bytes, payload: bytes) -> str:
    signed = _encoded(header) + b"." + _encoded(payload)
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(signed, SECRET.encode())
    return (signed + b"." + _encoded(signature)).decode()


STOLEN = _signed(HEADER, GOOD)
SEEDS = [
    b"t" + STOLEN.encode(),
    b"t" + jwt.encode({"sub": "eve", "exp": 1_900_000_000}, "x" * 40, algorithm="HS256").encode(),
    b"t" + b".".join([_encoded(b'{"alg":"none"}'), _encoded(GOOD), b""]),
    b"c" + GOOD,
    (
        b'c{"sub":"ada","exp":1.9e9,"nbf":0,"iat":1,"iss":"i","aud":["a","b"],"scope":["read"],"roles":["host"],'
        b'"avatar":"https://example.org/a.png","videos":["a*","*"],"follows":["bob"]}'
    ),
    b'c{"sub":"","exp":1e999}',
    b"h" + HEADER,
    b'h{"alg":"HS256","kid":"1","crit":["exp"],"jku":"https://evil.example","b64":false}',
]
DICTIONARY = [b'"alg"', b'"HS256"', b'"none"', b'"kid"', b'"crit"', b'"b64"', b'"sub"', b'"exp"', b'"videos"', b"false"]


def check(data: bytes) -> None:
    """An identity only for what was signed here, and just that one."""
    kind, rest = data[:1], data[1:]
    token = {b"c": _signed(HEADER, rest), b"h": _signed(rest, GOOD)}.get(kind, text_of(rest))
    try:
        identity = done(Authenticator(secret=SECRET, clock=lambda: NOW).authenticate(token))
    except Unauthenticated as refusal:
        check_refusal(refusal, Unauthenticated)
        return
    if kind == b"c":
        _check_claims(identity, rest)
    else:
        assert (identity.user.id, identity.user.name, identity.expires_at) == ("ada", "Ada", 1_900_000_000)
        assert identity.scopes == {"read", "post"}


def _check_claims(identity: Identity, payload: bytes) -> None:
    said = json.loads(payload.decode("utf-8", "replace"))  # claims that mean nothing here are not looked into
    assert identity.user.id == said["sub"] and 1 <= len(said["sub"]) <= 128
    assert identity.expires_at == float(said["exp"]) > NOW
    assert len(identity.user.name) <= 64
    scope = said.get("scope") or ""
    assert identity.scopes == SCOPES & set(scope.split() if isinstance(scope, str) else scope)
    for text in (identity.user.id, identity.user.name, *identity.user.roles):
        assert not set(map(ord, text)) & {*range(32), *range(127, 160)}
    if identity.user.avatar is not None:
        assert identity.user.avatar.startswith("https://") and not set(identity.user.avatar) & set('"<> \\\n')
