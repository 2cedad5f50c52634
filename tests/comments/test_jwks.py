from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.comments.jwks import MAX_KEYS, parse_jwks
from hubbub.testing.issuer import SigningKey, ec_key, key_set


def test_knows_keys_by_algorithm_and_id(rsa: SigningKey, ec: SigningKey, ed: SigningKey) -> None:
    """RSA, P-256 and Ed25519 keys each serve their one algorithm."""
    keys = parse_jwks(key_set(rsa, ec, ed))
    assert len(keys) == 3
    for key in (rsa, ec, ed):
        assert keys.find(key.alg, key.kid) is not None
    assert keys.find("RS256", "ec") is None
    assert keys.find("ES256", "rsa") is None
    assert keys.find("RS256", "other") is None


def test_without_an_id_only_a_single_key_decides(ec: SigningKey, ed: SigningKey) -> None:
    """A token that names no key fits the only one of its algorithm; among several it fits none."""
    assert parse_jwks(key_set(ec, ed)).find("ES256", None) is not None
    assert parse_jwks(key_set(ec, ed)).find("RS256", None) is None
    assert parse_jwks(key_set(ec, ec_key("ec2"))).find("ES256", None) is None


def test_a_key_without_an_id_is_found_without_one(ec: SigningKey) -> None:
    """An issuer with one key may leave its id away, in the set and in tokens."""
    keys = parse_jwks(key_set(ec.jwk(kid=None)))
    assert keys.find("ES256", None) is not None
    assert keys.find("ES256", "ec") is None


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"alg": "ES384"},
        {"alg": "HS256"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA"},
        {"kty": None},
        {"kty": 5},
        {"x": None},
        {"x": "AAAA"},
        {"x": "!"},
        {"x": 5},
        {"y": "A" * 43},
        {"kid": 5},
    ],
)
def test_leaves_out_keys_that_may_not_verify(ec: SigningKey, ed: SigningKey, members: dict[str, Any]) -> None:
    """A key of another kind or use, or a broken one, is passed over; the others in the set still count."""
    keys = parse_jwks(key_set(ec.jwk(**members), ed))
    assert len(keys) == 1
    assert keys.find("EdDSA", "ed") is not None


def test_leaves_out_short_rsa_keys(weak_rsa: SigningKey, rsa: SigningKey) -> None:
    """1024 bits can be factored; RFC 7518 asks for 2048."""
    keys = parse_jwks(key_set(weak_rsa, rsa))
    assert keys.find("RS256", "weak") is None
    assert keys.find("RS256", "rsa") is not None


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
def test_takes_only_the_public_half_of_a_private_key(kind: str, request: pytest.FixtureRequest) -> None:
    """An issuer that publishes its private key by mistake gives us no more than we need."""
    key: SigningKey = request.getfixturevalue(kind)
    found = parse_jwks(key_set(key.private_jwk())).find(key.alg, key.kid)
    assert found is not None
    assert "Public" in type(found.key).__name__


def test_of_two_keys_with_one_id_the_first_counts(ec: SigningKey) -> None:
    """A set that contradicts itself does not change its meaning by what is appended."""
    alone = parse_jwks(key_set(ec)).find("ES256", "ec")
    first = parse_jwks(key_set(ec, ec_key("ec"))).find("ES256", "ec")
    assert alone is not None
    assert first is not None
    assert first.key.public_numbers() == alone.key.public_numbers()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":[NaN]}',
        b"\xff",
        b'{"keys":' + b"[" * 50_000,
    ],
)
def test_refuses_what_is_no_key_set(document: bytes) -> None:
    """The error says what a key set is."""
    with pytest.raises(ValueError, match='"keys"'):
        parse_jwks(document)


def test_refuses_a_set_of_too_many_keys(ec: SigningKey) -> None:
    """A hundred keys are read, one more is not."""
    assert len(parse_jwks(key_set(*[ec.jwk(kid=str(number)) for number in range(MAX_KEYS)]))) == MAX_KEYS
    with pytest.raises(ValueError, match="101 keys"):
        parse_jwks(key_set(*[{}] * 101))


def test_an_empty_set_is_one() -> None:
    """An issuer may have withdrawn every key."""
    assert len(parse_jwks(b'{"keys":[]}')) == 0


_junk = (
    st.none()
    | st.integers()
    | st.text(max_size=50)
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "AQAB"])
)
_jwk = st.dictionaries(st.sampled_from(["kty", "crv", "n", "e", "x", "y", "use", "alg", "kid", "key_ops", "d"]), _junk)


@given(st.lists(_jwk | _junk, max_size=5))
def test_any_junk_is_passed_over(keys: list[Any]) -> None:
    """Whatever stands in the list, reading it raises nothing."""
    parse_jwks(json.dumps({"keys": keys}).encode())
