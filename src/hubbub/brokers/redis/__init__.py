"""The live log in Redis or Valkey: one script per publish, a history, and pushes on sharded channels."""

from hubbub.brokers.redis.broker import RedisBroker
from hubbub.brokers.redis.keys import Bounds

__all__ = ["Bounds", "RedisBroker"]
