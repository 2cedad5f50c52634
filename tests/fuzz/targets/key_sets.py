"""Key sets: a foreign server's document gives keys or `ValueError`, and only keys that may verify."""

from __future__ import annotations

from hubbub.comments.jwks import ALGORITHMS, MAX_KEYS, parse_jwks

SEEDS = [
    b'{"keys": []}',
    b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
    (
        b'{"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "2",'
        b' "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
    ),
    b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "oct", "k": "c2VjcmV0"}, 5]}',
]
DICTIONARY = [b'"kty"', b'"crv"', b'"use"', b'"key_ops"', b'"verify"', b'"x"', b'"y"', b'"n"', b'"e"', b'"AQAB"']


def check(data: bytes) -> None:
    """A set within bounds, or a sentence."""
    try:
        keys = parse_jwks(data)
    except ValueError as error:
        assert str(error)
        return
    assert len(keys) <= MAX_KEYS
    for alg in ("RS256", "ES256", "EdDSA", "HS256", "none"):
        found = keys.find(alg, None)
        assert found is None or (alg in ALGORITHMS and found.algorithm_name == alg)
