"""The engines that stores are tested against, one of each a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.stores.dynamodb_tables import engine

from hubbub.testing.dynamodb_local import DynamoDBLocal


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[DynamoDBLocal]:
    """DynamoDB Local, running."""
    with engine() as running:
        yield running
