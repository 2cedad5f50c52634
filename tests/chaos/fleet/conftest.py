"""A Redis of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.testing.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that keeps nothing on disk by itself, and can be told to."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
