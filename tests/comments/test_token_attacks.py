"""Tokens that somebody forged. Each is refused as what it is, never with an error of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from hubbub.comments.identity import Authenticator
from hubbub.errors import Refusal, Unauthenticated
from hubbub.testing.clock import FakeClock
from hubbub.testing.issuer import KeyServer, SigningKey, ec_key, key_set

SECRET = "a secret of more than thirty-two bytes"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: Any, claims: Any, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token put together by hand."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


@pytest.fixture
def claims(clock: FakeClock) -> dict[str, Any]:
    """What an attacker would like to say."""
    return {"sub": "root", "scope": "read post moderate", "exp": clock.now + 3600}


@pytest.fixture
def by_secret(clock: FakeClock) -> Authenticator:
    """Knows a secret only."""
    return Authenticator(secret=SECRET, clock=clock)


@pytest.fixture
async def by_keys(clock: FakeClock, rsa: SigningKey, ec: SigningKey, ed: SigningKey) -> AsyncIterator[Authenticator]:
    """Knows a secret and the keys of an issuer."""
    async with KeyServer(key_set(rsa, ec, ed)) as server:
        authenticator = Authenticator(secret=SECRET, jwks_url=server.url, clock=clock, monotonic=clock)
        try:
            yield authenticator
        finally:
            await authenticator.close()


async def refused(authenticator: Authenticator, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.authenticate(token)
    return caught.value.code


async def test_the_honest_tokens_pass(
    by_keys: Authenticator, claims: dict[str, Any], rsa: SigningKey, ec: SigningKey, ed: SigningKey
) -> None:
    """So that the refusals below mean something: each algorithm, with and without a key id, is accepted."""
    tokens = [key.sign(claims, with_kid=with_kid) for key in (rsa, ec, ed) for with_kid in (True, False)]
    tokens += [jwt.encode(claims, SECRET, "HS256"), forge({"alg": "HS256"}, claims, hs256(SECRET.encode()))]
    for token in tokens:
        assert (await by_keys.authenticate(token)).user.id == "root"


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "hs256", "HS384", "HS512", "PS256", "RS512", "ES384", "ES256K"]
)
async def test_attack_algorithm_that_is_not_offered(by_keys: Authenticator, claims: dict[str, Any], alg: str) -> None:
    """`alg: none` in any spelling, and any algorithm but the four, with or without a signature."""
    assert await refused(by_keys, forge({"alg": alg}, claims)) == "bad_token"
    assert await refused(by_keys, forge({"alg": alg}, claims, hs256(SECRET.encode()))) == "bad_token"


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
async def test_attack_algorithm_of_a_source_that_is_not_there(
    by_secret: Authenticator, claims: dict[str, Any], alg: str
) -> None:
    """A service with a secret only takes nothing that public keys sign."""
    assert await refused(by_secret, forge({"alg": alg}, claims, hs256(SECRET.encode()))) == "bad_token"


async def test_attack_signature_left_away(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """The signature is needed, and all of it."""
    whole = jwt.encode(claims, SECRET, "HS256")
    unsigned = whole.rpartition(".")[0]
    assert await refused(by_secret, unsigned + ".") == "bad_signature"
    assert await refused(by_secret, unsigned) == "bad_token"
    assert await refused(by_secret, whole[:-3]) == "bad_signature"


@pytest.mark.parametrize("form", ["PEM", "DER", "JWK", "modulus"])
async def test_attack_key_confusion(by_keys: Authenticator, claims: dict[str, Any], rsa: SigningKey, form: str) -> None:
    """A public key is known to all, so a token signed with it as if it were an HMAC secret means nothing."""
    public = rsa.private.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "PEM": public.public_bytes(serialization.Encoding.PEM, spki),
        "DER": public.public_bytes(serialization.Encoding.DER, spki),
        "JWK": json.dumps(rsa.jwk()).encode(),
        "modulus": rsa.jwk()["n"].encode(),
    }[form]
    assert await refused(by_keys, forge({"alg": "HS256", "kid": "rsa"}, claims, hs256(secret))) == "bad_signature"


async def test_attack_symmetric_key_in_the_key_set(clock: FakeClock, claims: dict[str, Any], ec: SigningKey) -> None:
    """A secret in a published key set is no secret: it verifies nothing."""
    published = b"published to everybody, 32 bytes!"
    document = key_set(ec, {"kty": "oct", "kid": "oct", "k": b64(published), "alg": "HS256"})
    async with KeyServer(document) as server:
        authenticator = Authenticator(jwks_url=server.url, clock=clock, monotonic=clock)
        assert (
            await refused(authenticator, forge({"alg": "HS256", "kid": "oct"}, claims, hs256(published))) == "bad_token"
        )
        await authenticator.close()


async def test_attack_algorithm_of_another_key(
    by_keys: Authenticator, claims: dict[str, Any], rsa: SigningKey, ec: SigningKey
) -> None:
    """A key verifies its own algorithm only, whatever the header claims."""
    token = ec.sign(claims).split(".")
    relabelled = ".".join([b64(json.dumps({"alg": "RS256", "kid": "rsa"}).encode()), *token[1:]])
    assert await refused(by_keys, relabelled) == "bad_signature"
    relabelled = ".".join([b64(json.dumps({"alg": "RS256", "kid": "ec"}).encode()), *token[1:]])
    assert await refused(by_keys, relabelled) == "unknown_key"


async def test_attack_signature_of_zeros(by_keys: Authenticator, claims: dict[str, Any]) -> None:
    """ECDSA with r = s = 0 ("psychic signatures", CVE-2022-21449) and an all-zero EdDSA signature verify nothing."""
    for alg, kid in (("ES256", "ec"), ("EdDSA", "ed")):
        token = forge({"alg": alg, "kid": kid}, claims, lambda _: bytes(64))
        assert await refused(by_keys, token) == "bad_signature"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/proc/self/environ",
        "https://attacker.example/key",
        "x' UNION SELECT 'secret",
        "rsa\x00",
        "RSA",
        " rsa",
        "",
    ],
)
async def test_attack_key_id_injection(by_keys: Authenticator, claims: dict[str, Any], kid: str) -> None:
    """A key id is looked up among those known, and is never a path, an address or a query."""
    theirs = ec_key(kid)
    assert await refused(by_keys, theirs.sign(claims)) == "unknown_key"
    assert await refused(by_keys, forge({"alg": "HS256", "kid": kid}, claims, hs256(b""))) == "bad_signature"


@pytest.mark.parametrize("kid", [5, ["ec"], {"ec": 1}, True])
async def test_attack_key_id_of_another_type(by_keys: Authenticator, claims: dict[str, Any], kid: Any) -> None:
    """A key id that is no string is no token's."""
    assert await refused(by_keys, forge({"alg": "ES256", "kid": kid}, claims)) == "bad_token"


@pytest.mark.parametrize("alg", [None, 5, ["HS256"], {"HS256": 1}])
async def test_attack_algorithm_of_another_type(by_secret: Authenticator, claims: dict[str, Any], alg: Any) -> None:
    """An algorithm that is no string is no algorithm."""
    assert await refused(by_secret, forge({"alg": alg}, claims, hs256(SECRET.encode()))) == "bad_token"


async def test_attack_key_in_the_token(by_keys: Authenticator, claims: dict[str, Any], ec: SigningKey) -> None:
    """A key that the token itself brings (`jwk`) is not looked at, under a known key id or under its own."""
    theirs = ec_key("theirs")
    assert await refused(by_keys, theirs.sign(claims, header={"jwk": theirs.jwk()})) == "unknown_key"
    assert await refused(by_keys, theirs.sign(claims, header={"kid": "ec", "jwk": theirs.jwk()})) == "bad_signature"
    assert (await by_keys.authenticate(ec.sign(claims, header={"jwk": theirs.jwk()}))).user.id == "root"


@pytest.mark.parametrize("header", ["jku", "x5u"])
async def test_attack_address_of_keys_in_the_token(by_keys: Authenticator, claims: dict[str, Any], header: str) -> None:
    """An address of keys in the token is not visited."""
    theirs = ec_key("theirs")
    async with KeyServer(key_set(theirs)) as their_server:
        assert await refused(by_keys, theirs.sign(claims, header={header: their_server.url})) == "unknown_key"
        assert (
            await refused(by_keys, theirs.sign(claims, header={"kid": "ec", header: their_server.url}))
            == "bad_signature"
        )
        assert their_server.requests == 0


async def test_attack_certificate_in_the_token(by_keys: Authenticator, claims: dict[str, Any]) -> None:
    """A certificate that the token brings (`x5c`) is not looked at."""
    theirs = ec_key("theirs")
    assert await refused(by_keys, theirs.sign(claims, header={"kid": "ec", "x5c": ["MIIB"]})) == "bad_signature"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["http://example.org/ext"], [], "b64", None])
async def test_attack_critical_extension(by_secret: Authenticator, claims: dict[str, Any], crit: Any) -> None:
    """What a token calls critical and we don't know must not be ignored (RFC 7515, section 4.1.11)."""
    header = {"alg": "HS256", "crit": crit, "b64": True, "http://example.org/ext": 1}
    assert await refused(by_secret, forge(header, claims, hs256(SECRET.encode()))) == "bad_token"


async def test_attack_payload_that_is_not_encoded(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """A detached payload (RFC 7797) is refused."""
    signed = b64(b'{"alg":"HS256","b64":false}') + "."
    signature = hmac.digest(SECRET.encode(), signed.encode() + json.dumps(claims).encode(), hashlib.sha256)
    assert await refused(by_secret, f"{signed}.{b64(signature)}") == "bad_token"


async def test_attack_other_payload_under_a_good_signature(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """A payload exchanged after signing does not verify, also right after the honest token did."""
    honest = jwt.encode({**claims, "sub": "ada"}, SECRET, "HS256")
    assert (await by_secret.authenticate(honest)).user.id == "ada"
    head, _, signature = honest.split(".")
    assert await refused(by_secret, f"{head}.{b64(json.dumps(claims).encode())}.{signature}") == "bad_signature"


async def test_attack_token_of_another_issuer(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """Another secret's token does not verify."""
    token = jwt.encode(claims, "another secret of at least 32 bytes", "HS256")
    assert await refused(by_secret, token) == "bad_signature"


async def test_attack_replay_after_the_end(by_secret: Authenticator, clock: FakeClock, claims: dict[str, Any]) -> None:
    """An expired token is over, and one from the future has not begun."""
    assert await refused(by_secret, jwt.encode({**claims, "exp": clock.now - 1}, SECRET, "HS256")) == "token_expired"
    ahead = jwt.encode({**claims, "nbf": clock.now + 60}, SECRET, "HS256")
    assert await refused(by_secret, ahead) == "token_not_yet_valid"


async def test_attack_oversized_token(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """A token of a megabyte is refused by its length alone."""
    assert await refused(by_secret, jwt.encode({**claims, "x": "x" * 1_000_000}, SECRET, "HS256")) == "bad_token"
    assert await refused(by_secret, "a" * 10_000_000) == "bad_token"


async def test_attack_deep_nesting(by_secret: Authenticator) -> None:
    """Brackets without end, in the header or in a payload that is truly signed, exhaust nothing."""
    sign = hs256(SECRET.encode())
    deep = b"[" * 3_000 + b"]" * 3_000
    assert await refused(by_secret, forge(b"[" * 6_000, {}, sign)) == "bad_token"
    assert await refused(by_secret, forge(b'{"alg":"HS256","x":' + deep[:5_000], {}, sign)) == "bad_token"
    assert await refused(by_secret, forge({"alg": "HS256"}, b'{"x":' + deep[:5_000], sign)) == "bad_token"


@pytest.mark.parametrize("extra", [" ", "\n", "==", ".", ".e30", "A", "\x00", "ä", "\ud800", "%0a"])
async def test_attack_another_spelling_of_a_good_token(
    by_secret: Authenticator, claims: dict[str, Any], extra: str
) -> None:
    """Whatever is added to a token, it is refused, though the token itself was verified just before."""
    honest = jwt.encode(claims, SECRET, "HS256")
    await by_secret.authenticate(honest)
    assert await refused(by_secret, honest + extra) in ("bad_token", "bad_signature")
    assert await refused(by_secret, extra + honest) == "bad_token"


async def test_attack_last_character_of_the_signature_changed(by_secret: Authenticator, claims: dict[str, Any]) -> None:
    """The unused bits of the last character must be zero: no second spelling of the same signature passes."""
    honest = jwt.encode(claims, SECRET, "HS256")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for character in alphabet.replace(honest[-1], ""):
        assert await refused(by_secret, honest[:-1] + character) in ("bad_token", "bad_signature")


async def test_attack_half_a_surrogate_in_a_claim(by_secret: Authenticator, clock: FakeClock) -> None:
    """A name that can't be encoded never gets in, though it was truly signed."""
    payload = b'{"sub":"a","name":"\\ud800","exp":%d}' % (clock.now + 60)
    assert await refused(by_secret, forge({"alg": "HS256"}, payload, hs256(SECRET.encode()))) == "bad_token"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30", "null", "bnVsbA.bnVsbA.bnVsbA"]
)
async def test_attack_no_token_at_all(by_secret: Authenticator, token: str) -> None:
    """Fragments and empty objects are bad tokens."""
    assert await refused(by_secret, token) == "bad_token"


@given(st.text(max_size=100) | st.builds(forge, st.binary(max_size=60), st.binary(max_size=60)))
def test_any_text_is_refused_as_a_token(token: str) -> None:
    """Nothing but a refusal comes of any text at all."""
    authenticating = Authenticator(secret=SECRET).authenticate(token)
    with pytest.raises(Refusal):
        authenticating.send(None)
