"""The engines that stores are tested against, one of each a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.testing.dynamodb_local import CREDENTIALS, DynamoDBLocal

ENGINES = Path(__file__).parents[2] / ".engines"


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[DynamoDBLocal]:
    """DynamoDB Local, running."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with DynamoDBLocal(ENGINES / "dynamodb-local") as engine:
            yield engine
