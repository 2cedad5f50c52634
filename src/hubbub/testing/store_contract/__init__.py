"""What every `hubbub.stores.base.Store` has to do, as tests; likewise `Journal` and `Backups`.

For an adapter of your own, in a test module with pytest and pytest-asyncio (``asyncio_mode = "auto"``):

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self) -> AsyncIterator[MyStore]:
            store = MyStore(...)
            await store.open()
            yield store
            await store.close()

    class TestMyStoreAsJournal(JournalContract):      # if it is one
        @pytest.fixture
        async def store(self) -> ...

Against the real engine, not a stand-in. The store must be open, and hold nothing but what earlier tests left: every
test has videos and users of its own. Only the unpublished list and the flags of all videos must start empty. A store
whose `page`, `window`, `videos` or `by_user` may lag overrides ``settle`` to wait until they have caught up.

A test is named for a sentence of the port. When one fails for an adapter that seems right, the sentence is unclear: say
so, rather than leave the test out.
"""

from __future__ import annotations

from hubbub.testing.store_contract.appending import AppendingContract
from hubbub.testing.store_contract.backups import BackupsContract
from hubbub.testing.store_contract.changing import ChangingContract
from hubbub.testing.store_contract.journal import JournalContract
from hubbub.testing.store_contract.lists import ListsContract
from hubbub.testing.store_contract.reading import ReadingContract
from hubbub.testing.store_contract.videos import VideosContract

__all__ = ["BackupsContract", "JournalContract", "StoreContract"]


class StoreContract(AppendingContract, ChangingContract, ReadingContract, ListsContract, VideosContract):
    """The whole of `Store`. Subclass it and give the fixture ``store``."""
