from __future__ import annotations

import pytest

from hubbub.comments.limits import Limits
from hubbub.errors import TooFast
from hubbub.limiters.base import Limit
from hubbub.limiters.local import LocalRateLimiter
from hubbub.testing.clock import FakeClock


def limits(
    clock: FakeClock, *, user: Limit | None = None, address: Limit | None = None, everyone: Limit | None = None
) -> Limits:
    return Limits(LocalRateLimiter(clock=clock), user=user, address=address, everyone=everyone)


async def refusal(limits: Limits, user: str, address: str) -> TooFast:
    with pytest.raises(TooFast) as caught:
        await limits.check(user, address)
    return caught.value


async def test_a_user_who_posts_too_fast_is_told_how_long_to_wait(clock: FakeClock) -> None:
    """The refusal names the user's limit, and the wait it gives is enough."""
    checked = limits(clock, user=Limit(2, 10))
    await checked.check("ada", "192.0.2.1")
    await checked.check("ada", "192.0.2.2")
    refused = await refusal(checked, "ada", "192.0.2.3")
    assert refused.code == "user_rate"
    assert refused.retry_after == pytest.approx(5)
    assert refused.detail == "You may post at most 2 comments in 10 seconds; try again in 5 seconds."
    await checked.check("bob", "192.0.2.1")
    clock.advance(refused.retry_after or 0)
    await checked.check("ada", "192.0.2.1")


async def test_many_users_of_one_address_share_its_limit(clock: FakeClock) -> None:
    """Making up users does not get around the address's limit."""
    checked = limits(clock, user=Limit(5, 10), address=Limit(3, 1))
    for number in range(3):
        await checked.check(f"user-{number}", "192.0.2.1")
    refused = await refusal(checked, "user-3", "192.0.2.1")
    assert refused.code == "address_rate"
    assert refused.detail == "Your network address may post at most 3 comments in a second; try again in 1 second."
    await checked.check("user-3", "192.0.2.2")


async def test_everybody_shares_the_global_limit(clock: FakeClock) -> None:
    """When the service is at its limit, anybody is refused."""
    checked = limits(clock, everyone=Limit(1, 0.5))
    await checked.check("ada", "192.0.2.1")
    refused = await refusal(checked, "bob", "192.0.2.2")
    assert refused.code == "global_rate"
    assert refused.detail == "The whole service takes at most 1 comment in 0.5 seconds; try again in 1 second."


async def test_a_refusal_by_one_limit_uses_up_no_other(clock: FakeClock) -> None:
    """Who was refused for everybody's sake may post as much as before once there is room."""
    checked = limits(clock, user=Limit(2, 100), address=Limit(2, 100), everyone=Limit(1, 1))
    await checked.check("ada", "192.0.2.1")
    for _ in range(10):
        assert (await refusal(checked, "ada", "192.0.2.1")).code == "global_rate"
    clock.advance(1)
    await checked.check("ada", "192.0.2.1")


async def test_a_user_and_an_address_of_the_same_name_are_two(clock: FakeClock) -> None:
    """Nobody can use up another's limit by choosing their user id."""
    checked = limits(clock, user=Limit(1, 10), address=Limit(1, 10), everyone=Limit(9, 10))
    await checked.check("post:everyone", "x")
    await checked.check("x", "post:everyone")


async def test_limits_that_are_off_refuse_nobody(clock: FakeClock) -> None:
    """None switches a limit off."""
    checked = limits(clock)
    for _ in range(1000):
        await checked.check("ada", "192.0.2.1")


async def test_what_is_given_back_can_be_taken_again(clock: FakeClock) -> None:
    """A post that did not come about counts against none of the limits."""
    checked = limits(clock, user=Limit(1, 100), address=Limit(1, 100), everyone=Limit(1, 100))
    for _ in range(10):
        await checked.check("ada", "192.0.2.1")
        await checked.give_back("ada", "192.0.2.1")
    await checked.check("ada", "192.0.2.1")
    assert (await refusal(checked, "ada", "192.0.2.1")).code == "user_rate"
