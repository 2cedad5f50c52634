"""A Redis, and where it is asked for a DynamoDB, of each test's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stores.dynamodb_tables import engine, table_name

from hubbub.testing.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that keeps nothing on disk by itself, and can be told to."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def table() -> Iterator[str]:
    """`HUBBUB_STORE` for a table of DynamoDB Local that is made."""
    with engine() as local:
        url = local.url(table_name())
        subprocess.run([sys.executable, "-m", "hubbub", "store", "create", "--store", url], check=True, timeout=60)
        yield url
