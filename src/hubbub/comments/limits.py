"""How fast comments may come: from one user, from one address, from everybody together.

Asked in that order, the narrowest first, so that the answer names the limit its reader can do something about. When a
later one refuses, the tokens already taken go back: a full service must not also use up what a person may post.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from hubbub.errors import TooFast
from hubbub.limiters.base import Limit, RateLimiter


class _Rule(NamedTuple):
    code: str
    whose: str
    limit: Limit
    key: Callable[[str, str], str]  # of user id and address


class Limits:
    """The limits on posting; None switches one off."""

    def __init__(
        self, limiter: RateLimiter, *, user: Limit | None, address: Limit | None, everyone: Limit | None
    ) -> None:
        self._limiter = limiter
        rules: list[_Rule] = []
        if user:
            rules.append(_Rule("user_rate", "You may post", user, lambda user_id, _: f"post:user:{user_id}"))
        if address:
            rules.append(
                _Rule(
                    "address_rate", "Your network address may post", address, lambda _, where: f"post:address:{where}"
                )
            )
        if everyone:
            rules.append(_Rule("global_rate", "The whole service takes", everyone, lambda *_: "post:everyone"))
        self._rules = tuple(rules)

    async def check(self, user_id: str, address: str) -> None:
        """Take a token of each limit in force.

        Raises `TooFast` (codes ``user_rate``, ``address_rate``, ``global_rate``), and then has taken none.
        """
        for taken, rule in enumerate(self._rules):
            wait = await self._limiter.take(rule.key(user_id, address), rule.limit)
            if wait > 0:
                for earlier in self._rules[:taken]:
                    await self._limiter.give_back(earlier.key(user_id, address), earlier.limit)
                raise _too_fast(rule, wait)

    async def give_back(self, user_id: str, address: str) -> None:
        """Return what a `check` with the same arguments took, for a post that did not come about."""
        for rule in self._rules:
            await self._limiter.give_back(rule.key(user_id, address), rule.limit)


def _too_fast(rule: _Rule, wait: float) -> TooFast:
    most = _count(rule.limit.count, "comment")
    period = "a second" if rule.limit.seconds == 1 else f"{rule.limit.seconds:g} seconds"
    again = _count(math.ceil(wait), "second")  # rounded up: who comes back earlier is refused again
    return TooFast(f"{rule.whose} at most {most} in {period}; try again in {again}.", code=rule.code, retry_after=wait)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
