"""The DynamoDB store held to the port's contract, against DynamoDB Local."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.stores.dynamodb_tables import empty_lists, reopened, table_name

from hubbub.stores.dynamodb import DynamoStore
from hubbub.testing.dynamodb_local import DynamoDBLocal
from hubbub.testing.store_contract import StoreContract
from hubbub.testing.store_contract.reading import ReadingContract


class OnDynamoDB:
    """A table that the tests of a class share, since each has videos of its own; the lists are emptied after each."""

    options = ""

    @pytest.fixture(scope="class")
    @classmethod
    def table(cls) -> str:
        """Its name."""
        return table_name()

    @pytest.fixture
    async def store(self, dynamodb_local: DynamoDBLocal, table: str) -> AsyncIterator[DynamoStore]:
        """An open store."""
        async with reopened(f"{dynamodb_local.url(table)}{self.options}") as store:
            yield store
            await empty_lists(store)


class TestDynamoStore(OnDynamoDB, StoreContract):
    """`hubbub.stores.base.Store`, with several shards and comments that expire."""

    options = "&shards=4&ttl=30"


class TestOneShard(OnDynamoDB, ReadingContract):
    """Reading where nothing is spread, as a small service may choose."""

    options = "&shards=1"
