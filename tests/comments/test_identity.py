from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from hubbub.comments.identity import (
    MAX_TOKEN,
    MAX_VERIFIED,
    VERIFIED_FOR,
    Authenticator,
    Identity,
    Scope,
    bearer_token,
    mint_token,
)
from hubbub.comments.patterns import VideoPatterns
from hubbub.errors import ConfigError, Forbidden, Malformed, Unauthenticated
from hubbub.model import User
from hubbub.testing.clock import FakeClock

SECRET = "a secret of more than thirty-two bytes"


@pytest.fixture
def authenticator(clock: FakeClock) -> Authenticator:
    return Authenticator(secret=SECRET, clock=clock)


def token(clock: FakeClock, **claims: Any) -> str:
    said = {"sub": "ada", "name": "Ada", "scope": "read post", "exp": clock.now + 3600, **claims}
    return jwt.encode({claim: value for claim, value in said.items() if value is not None}, SECRET, "HS256")


async def test_a_token_becomes_the_person_it_describes(authenticator: Authenticator, clock: FakeClock) -> None:
    """Every claim that means something here is in the identity."""
    claims = {
        "roles": ["host"],
        "avatar": "https://a.example/ada.png",
        "videos": ["launch-*"],
        "follows": ["bob"],
        "scope": "read moderate profile",
    }
    identity = await authenticator.authenticate(token(clock, **claims))
    assert identity.user == User("ada", "Ada", ("host",), "https://a.example/ada.png")
    assert identity.scopes == {"read", "moderate"}
    assert identity.follows == ("bob",)
    assert identity.expires_at == clock.now + 3600
    assert identity.may("read", "launch-1")
    assert not identity.may("read", "other")


async def test_a_token_for_every_video_is_not_limited(authenticator: Authenticator, clock: FakeClock) -> None:
    """A lone star is the same as no patterns, also where all videos at once are concerned."""
    identity = await authenticator.authenticate(token(clock, videos=["a", "*"]))
    assert identity.may("read", None)


ADA = User("ada", "Ada")


@pytest.mark.parametrize(
    ("identity", "scope", "video_id", "code"),
    [
        (Identity(ADA, frozenset({"post"})), "post", "a", None),
        (Identity(ADA, frozenset({"post"})), "post", None, None),
        (Identity(ADA, frozenset({"post"})), "read", "a", "missing_scope"),
        (Identity(ADA, frozenset()), "moderate", None, "missing_scope"),
        (Identity(ADA, frozenset({"post"}), VideoPatterns(["a"])), "post", "a", None),
        (Identity(ADA, frozenset({"post"}), VideoPatterns(["a"])), "post", "b", "video_not_allowed"),
        (Identity(ADA, frozenset({"post"}), VideoPatterns(["a"])), "post", None, "video_not_allowed"),
        (Identity(ADA, frozenset({"post"}), VideoPatterns([])), "post", "a", "video_not_allowed"),
    ],
)
def test_a_right_needs_its_scope_and_its_video(
    identity: Identity, scope: Scope, video_id: str | None, code: str | None
) -> None:
    """`may` and `require` agree; None asks for all videos, which a token for some does not cover."""
    assert identity.may(scope, video_id) == (code is None)
    if code is None:
        identity.require(scope, video_id)
    else:
        with pytest.raises(Forbidden) as caught:
            identity.require(scope, video_id)
        assert caught.value.code == code


def test_a_refused_right_says_what_is_missing() -> None:
    """The sentence names the scope or the video that the token lacks."""
    identity = Identity(ADA, frozenset({"read", "post"}), VideoPatterns(["a"]))
    with pytest.raises(Forbidden, match="scope moderate; yours has: post read"):
        identity.require("moderate", "a")
    with pytest.raises(Forbidden, match="the video b"):
        identity.require("post", "b")


async def test_a_token_ends_at_its_exp_even_when_remembered(authenticator: Authenticator, clock: FakeClock) -> None:
    """Having been verified a moment ago does not prolong a token."""
    short = token(clock, exp=clock.now + 5)
    await authenticator.authenticate(short)
    clock.advance(4.9)
    await authenticator.authenticate(short)
    clock.advance(0.1)
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.authenticate(short)
    assert caught.value.code == "token_expired"


async def test_a_verified_token_is_remembered_for_a_minute(authenticator: Authenticator, clock: FakeClock) -> None:
    """Within it the very same identity comes back; then, or when the clock was set back, the token is verified anew."""
    long = token(clock)
    first = await authenticator.authenticate(long)
    clock.advance(VERIFIED_FOR - 1)
    assert await authenticator.authenticate(long) is first
    clock.advance(1)
    second = await authenticator.authenticate(long)
    assert second is not first
    clock.advance(-30)
    assert await authenticator.authenticate(long) is not second


async def test_remembers_a_bounded_number_of_tokens(
    authenticator: Authenticator, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the bound the token longest unused is forgotten, and still verifies."""
    assert MAX_VERIFIED == 10_000
    monkeypatch.setattr("hubbub.comments.identity.MAX_VERIFIED", 3)
    tokens = [token(clock, sub=f"user-{number}") for number in range(4)]
    first, second, *_ = [await authenticator.authenticate(each) for each in tokens[:3]]
    assert await authenticator.authenticate(tokens[0]) is first
    await authenticator.authenticate(tokens[3])
    assert await authenticator.authenticate(tokens[0]) is first
    again = await authenticator.authenticate(tokens[1])
    assert again == second
    assert again is not second


async def test_a_remembered_token_needs_no_turn_of_the_loop(authenticator: Authenticator, clock: FakeClock) -> None:
    """The hot path never suspends: the coroutine ends at its first step."""
    known = token(clock)
    await authenticator.authenticate(known)
    coroutine = authenticator.authenticate(known)
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    assert isinstance(ended.value.value, Identity)


async def test_issuer_and_audience_are_checked_when_set(clock: FakeClock) -> None:
    """Both settings reach the check of the claims."""
    strict = Authenticator(secret=SECRET, issuer="https://id.example", audience="live", clock=clock)
    await strict.authenticate(token(clock, iss="https://id.example", aud=["live"]))
    for claims, code in (({"aud": "live"}, "wrong_issuer"), ({"iss": "https://id.example"}, "wrong_audience")):
        with pytest.raises(Unauthenticated) as caught:
            await strict.authenticate(token(clock, **claims))
        assert caught.value.code == code


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, "é" * 15])
def test_a_short_secret_is_refused(secret: str) -> None:
    """32 bytes are the least an HS256 secret may have; the setting is named."""
    with pytest.raises(ConfigError, match="HUBBUB_JWT_SECRET") as caught:
        Authenticator(secret=secret)
    assert caught.value.setting == "HUBBUB_JWT_SECRET"


def test_without_any_key_there_is_no_authenticator() -> None:
    """Neither secret nor key set is a mistake in the settings, not a service that lets nobody in."""
    with pytest.raises(ConfigError, match="HUBBUB_JWKS_URL"):
        Authenticator()


class TestBearer:
    """The `Authorization` header."""

    @pytest.mark.parametrize("value", [b"Bearer a.b.c", b"bearer a.b.c", b"BEARER  a.b.c", b" Bearer a.b.c "])
    def test_gives_the_token(self, value: bytes) -> None:
        """The scheme's name may be in any case."""
        assert bearer_token([value]) == "a.b.c"

    def test_may_be_absent(self) -> None:
        """No header, no token."""
        assert bearer_token([]) is None

    @pytest.mark.parametrize("values", [[b"Bearer a", b"Bearer b"], [b"Bearer a", b"Bearer a"], [b"", b"Bearer a"]])
    def test_attack_doubled_header(self, values: list[bytes]) -> None:
        """A proxy may have checked the one and we the other, so two are refused even when they agree."""
        with pytest.raises(Malformed) as caught:
            bearer_token(values)
        assert caught.value.code == "doubled_header"

    @pytest.mark.parametrize("value", [b"", b"Basic YTpi", b"a.b.c", b"Token a.b.c", b"Bearera.b.c", b"\xff"])
    def test_of_another_scheme_is_refused(self, value: bytes) -> None:
        """The answer shows the scheme that is wanted."""
        with pytest.raises(Unauthenticated, match="Authorization: Bearer") as caught:
            bearer_token([value])
        assert caught.value.code == "wrong_scheme"

    @pytest.mark.parametrize(
        "value", [b"Bearer", b"Bearer ", b"Bearer a b", b"Bearer a, Bearer b", b"Bearer a\x00", b'Bearer "a"']
    )
    def test_with_something_else_than_a_token_is_refused(self, value: bytes) -> None:
        """Nothing, two tokens in one value, or characters that no token has."""
        with pytest.raises(Unauthenticated) as caught:
            bearer_token([value])
        assert caught.value.code == "bad_token"


class TestMinting:
    """Tokens of our own making."""

    async def test_makes_tokens_that_verify(self, authenticator: Authenticator, clock: FakeClock) -> None:
        """What is minted with the secret says what was asked for."""
        made = mint_token(
            SECRET, "bob", "Bob", ("read", "post"), 60, roles=["host"], videos=["a-*"], follows=["ada"], clock=clock
        )
        identity = await authenticator.authenticate(made)
        assert identity.user == User("bob", "Bob", ("host",))
        assert identity.scopes == {"read", "post"}
        assert identity.expires_at == clock.now + 60
        assert identity.follows == ("ada",)
        assert identity.may("post", "a-1")
        assert not identity.may("post", "b")

    async def test_takes_the_id_for_a_name(self, authenticator: Authenticator, clock: FakeClock) -> None:
        """Without a name the id is shown."""
        made = mint_token(SECRET, "bob", None, (), 60, clock=clock)
        assert (await authenticator.authenticate(made)).user == User("bob", "bob")

    async def test_makes_tokens_for_a_strict_service(self, clock: FakeClock) -> None:
        """Issuer and audience can be put in."""
        strict = Authenticator(secret=SECRET, issuer="us", audience="live", clock=clock)
        await strict.authenticate(mint_token(SECRET, "bob", None, (), 60, issuer="us", audience="live", clock=clock))

    @pytest.mark.parametrize(
        ("user_id", "name", "more"),
        [
            ("", None, {}),
            ("x" * 129, None, {}),
            ("a\n", None, {}),
            ("a", "x" * 65, {}),
            ("a", None, {"videos": ["/"]}),
            ("a\udc80", None, {}),
        ],
    )
    def test_makes_no_token_that_would_be_refused(self, user_id: str, name: str | None, more: dict[str, Any]) -> None:
        """What no token may say is refused when it is asked for, not when it is used."""
        with pytest.raises(Unauthenticated) as caught:
            mint_token(SECRET, user_id, name, ("read",), 60, **more)
        assert caught.value.code == "bad_claims"

    def test_wants_a_safe_secret(self) -> None:
        """A weak secret mints nothing."""
        with pytest.raises(ConfigError):
            mint_token("weak", "bob", None, (), 60)


async def test_the_longest_token_is_read_and_a_longer_one_is_not(
    authenticator: Authenticator, clock: FakeClock
) -> None:
    """8,192 characters are the bound."""
    base = token(clock, pad="")
    room = MAX_TOKEN - len(base)
    fits = token(clock, pad="x" * (room * 3 // 4 - 4))
    assert MAX_TOKEN - 8 < len(fits) <= MAX_TOKEN
    await authenticator.authenticate(fits)
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.authenticate(token(clock, pad="x" * (room * 3 // 4 + 4)))
    assert caught.value.code == "bad_token"


async def test_closing_twice_is_fine(authenticator: Authenticator) -> None:
    """`close` is idempotent."""
    await asyncio.gather(authenticator.close(), authenticator.close())
