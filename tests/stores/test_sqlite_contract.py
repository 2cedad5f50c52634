"""The SQLite store held to the ports' contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.store_contract import BackupsContract, JournalContract, StoreContract
from hubbub.testing.store_contract.backups import OpenCopy


class OnSqlite:
    """A store of its own for each test."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        """An open store with nothing in it."""
        store = SqliteStore(tmp_path / "hubbub.db")
        await store.open()
        yield store
        await store.close()


class TestSqliteStore(OnSqlite, StoreContract):
    """`hubbub.stores.base.Store`."""


class TestSqliteJournal(OnSqlite, JournalContract):
    """`hubbub.stores.base.Journal`."""


class TestSqliteBackups(OnSqlite, BackupsContract):
    """`hubbub.stores.base.Backups`."""

    @pytest.fixture
    async def open_copy(self) -> AsyncIterator[OpenCopy]:
        """Opens backups, and closes them at the end."""
        async with AsyncExitStack() as opened:

            async def open_copy(path: Path) -> SqliteStore:
                store = SqliteStore(path)
                await store.open()
                opened.push_async_callback(store.close)
                return store

            yield open_copy
