from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.comments.claims import Claims, check_claims, read_claims
from hubbub.errors import Unauthenticated

NOW = 1_800_000_000


def payload(**claims: Any) -> bytes:
    return json.dumps({"sub": "ada", "exp": NOW + 60, **claims}).encode()


def refused(raw: bytes) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        read_claims(raw)
    return caught.value


def refused_now(claims: Claims, *, issuer: str | None = None, audience: str | None = None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        check_claims(claims, now=NOW, issuer=issuer, audience=audience)
    return caught.value


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", ""),
        ("sub", "x" * 129),
        ("sub", "a\nb"),
        ("sub", "a\x85b"),
        ("sub", 5),
        ("sub", None),
        ("exp", "tomorrow"),
        ("exp", None),
        ("exp", True),
        ("nbf", "now"),
        ("iat", []),
        ("iss", 1),
        ("aud", {"a": 1}),
        ("aud", [1]),
        ("name", 5),
        ("name", "x" * 65),
        ("name", "a\x00"),
        ("scope", 1),
        ("scope", ["read", 1]),
        ("roles", "host"),
        ("roles", ["r"] * 9),
        ("roles", ["r" * 33]),
        ("roles", [""]),
        ("roles", ["a\nb"]),
        ("avatar", 1),
        ("videos", "a"),
        ("videos", ["a"] * 101),
        ("videos", ["a b"]),
        ("videos", [""]),
        ("videos", ["x" * 129]),
        ("follows", ["a"] * 201),
        ("follows", [1]),
        ("follows", ["x" * 129]),
    ],
)
def test_names_the_claim_that_is_wrong(claim: str, value: Any) -> None:
    """A claim of a wrong type or out of bounds refuses the token, and is named."""
    fault = refused(payload(**{claim: value}))
    assert (fault.code, fault.extra) == ("bad_claims", {"claim": claim})
    assert claim in fault.detail


@pytest.mark.parametrize("claim", ["sub", "exp"])
def test_needs_a_user_and_an_end(claim: str) -> None:
    """A token for nobody, or one that never ends, is refused."""
    claims = json.loads(payload())
    del claims[claim]
    fault = refused(json.dumps(claims).encode())
    assert (fault.code, fault.extra) == ("bad_claims", {"claim": claim})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b'{"sub":"a","exp":NaN}',
        b'{"sub":"a","exp":1e400}',
        b'{"sub":"a","exp":Infinity}',
        b'{"sub":"\\ud800","exp":1}',
        b'{"sub":"\xff","exp":1}',
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000,
    ],
)
def test_a_payload_that_is_no_object_of_claims_is_a_bad_token(raw: bytes) -> None:
    """What is not JSON, not UTF-8, not an object or half a surrogate pair is refused without more ado."""
    assert refused(raw).code == "bad_token"


@given(st.binary(max_size=200))
def test_any_payload_is_read_or_refused(raw: bytes) -> None:
    """Nothing but claims or a refusal comes of any bytes at all."""
    with contextlib.suppress(Unauthenticated):
        read_claims(raw)


def test_an_issuer_may_say_more() -> None:
    """Claims that mean nothing here are left alone."""
    assert read_claims(payload(email="ada@example.org", nested={"a": [1]})).sub == "ada"


@pytest.mark.parametrize("scope", ["read post", " read  post openid", ["read", "post", "openid"]])
def test_scopes_come_in_a_string_or_a_list(scope: Any) -> None:
    """RFC 8693 writes them in a string, other issuers in a list."""
    assert read_claims(payload(scope=scope)).scopes >= {"read", "post"}


def test_no_scope_is_no_right() -> None:
    """A token without the claim may do nothing."""
    assert read_claims(payload()).scopes == frozenset()


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ada", "Ada"), (None, "ada"), ("", "ada"), ("  ", "ada"), (" Ada ", "Ada"), ("x" * 64, "x" * 64)],
)
def test_a_name_is_shown_or_the_id_instead(name: str | None, shown: str) -> None:
    """Nobody goes without a name."""
    assert read_claims(payload(name=name)).display_name == shown


def test_a_long_id_is_cut_to_the_length_of_a_name() -> None:
    """An id of 128 characters does not make a longer name than anybody else's."""
    assert read_claims(payload(sub="x" * 128)).display_name == "x" * 64


@pytest.mark.parametrize(
    "avatar", ["https://a.example/b.png", "https://[2001:db8::1]:8443/x?y=z#w", "https://a.example"]
)
def test_an_https_avatar_is_kept(avatar: str) -> None:
    """URLs of pictures come through."""
    assert read_claims(payload(avatar=avatar)).picture == avatar


@pytest.mark.parametrize(
    "avatar",
    [
        "",
        "http://a.example/b.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "//a.example/b.png",
        "https://",
        "https://user:pass@a.example/",
        'https://a.example/"onerror=alert(1)',
        "https://a.example/<b>",
        "https://a.example/a b",
        "https://a.example/\n",
        "https://ä.example/",
        "https://a.example/" + "x" * 512,
    ],
)
def test_any_other_avatar_is_ignored(avatar: str) -> None:
    """A picture that can't be shown safely is no reason to refuse the person."""
    assert read_claims(payload(avatar=avatar)).picture is None


def test_a_token_ends_at_its_exp() -> None:
    """The second named in `exp` is the first at which the token is over."""
    check_claims(Claims("ada", NOW + 0.1), now=NOW, issuer=None, audience=None)
    assert refused_now(Claims("ada", NOW)).code == "token_expired"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_from_the_future_is_not_yet_valid(claim: str) -> None:
    """Clocks may disagree by ten seconds, not by more."""
    check_claims(read_claims(payload(**{claim: NOW + 10})), now=NOW, issuer=None, audience=None)
    fault = refused_now(read_claims(payload(**{claim: NOW + 11})))
    assert (fault.code, fault.extra) == ("token_not_yet_valid", {"claim": claim})


def test_the_issuer_is_checked_when_one_is_set() -> None:
    """With an issuer set, a token of another or of none is refused; without, anybody's passes."""
    claims = read_claims(payload(iss="https://id.example"))
    check_claims(claims, now=NOW, issuer="https://id.example", audience=None)
    check_claims(claims, now=NOW, issuer=None, audience=None)
    assert refused_now(claims, issuer="https://id.example/").code == "wrong_issuer"
    assert refused_now(read_claims(payload()), issuer="https://id.example").code == "wrong_issuer"


@pytest.mark.parametrize("audience", ["live", ["shop", "live"]])
def test_the_audience_is_checked_when_one_is_set(audience: Any) -> None:
    """With an audience set, a token must name it, alone or among others."""
    claims = read_claims(payload(aud=audience))
    check_claims(claims, now=NOW, issuer=None, audience="live")
    check_claims(claims, now=NOW, issuer=None, audience=None)
    assert refused_now(claims, audience="liv").code == "wrong_audience"
    assert refused_now(read_claims(payload()), audience="live").code == "wrong_audience"
