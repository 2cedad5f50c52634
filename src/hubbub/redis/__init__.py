"""A client of Redis and Valkey, for the adapters that need one: pipelined, node by node, one server or a Cluster.

Its reasons are in docs/decisions/0011-redis.md.
"""

from hubbub.redis.address import Address
from hubbub.redis.client import Client, connect_to
from hubbub.redis.errors import Away, Misconfigured
from hubbub.redis.link import Link, Word
from hubbub.redis.script import Script

__all__ = ["Address", "Away", "Client", "Link", "Misconfigured", "Script", "Word", "connect_to"]
