"""The composition root's other half: the parts that lie on Redis. Imported only when ``HUBBUB_BROKER`` names one, as it
needs the driver.
"""

from __future__ import annotations

from hubbub.brokers.redis import Bounds, RedisBroker
from hubbub.config import Settings
from hubbub.errors import ConfigError
from hubbub.limiters.base import RateLimiter
from hubbub.limiters.redis import BUCKET, RedisRateLimiter
from hubbub.metrics import Metrics
from hubbub.presence.redis import PRESENCE, RedisPresence
from hubbub.redis import Misconfigured, connect_to


class OverRedis:
    """Makes the parts, and opens and closes the connections that all but the broker share: its own are for the live
    log alone, so that nothing else stands before a comment. Raises `ConfigError`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        try:
            self._client = connect_to(settings.broker, [BUCKET, PRESENCE])
        except Misconfigured as problem:
            raise ConfigError("HUBBUB_BROKER", str(problem)) from None

    async def open(self) -> None:
        """Connect. A Redis that can't be reached is waited for in the background. Raises `ConfigError`."""
        try:
            await self._client.open()
        except Misconfigured as problem:
            raise ConfigError("HUBBUB_BROKER", f"{problem}.") from None

    async def close(self) -> None:
        """Let go. Idempotent."""
        await self._client.close()

    def broker(self) -> RedisBroker:
        """The live log."""
        settings = self._settings
        return RedisBroker.from_url(
            settings.broker,
            prefix=settings.key_prefix,
            channels=settings.channels,
            history=Bounds(settings.history, round(settings.history_age * 1000)),
        )

    def presence(self) -> RedisPresence:
        """Viewers, counted over all gateways."""
        return RedisPresence(self._client, prefix=self._settings.key_prefix)

    def limiter(self, alone: RateLimiter, metrics: Metrics) -> RedisRateLimiter:
        """Rate limits over all processes, by ``alone`` while Redis is gone."""
        limiter = RedisRateLimiter(self._client, prefix=self._settings.key_prefix, alone=alone)
        metrics.observe(
            "hubbub_limits_shared",
            "Whether rate limits count all processes together (1), or each by itself for want of Redis (0)",
            lambda: limiter.shared,
        )
        return limiter
