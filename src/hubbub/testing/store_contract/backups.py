"""`hubbub.stores.base.Backups`: a store that copies itself while it works."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from hubbub.errors import ConfigError, NotProvable
from hubbub.model import Kind, Position
from hubbub.stores.base import Backups, Journal, Store
from hubbub.testing.samples import make_comment, make_video_id
from hubbub.testing.store_contract.base import append_some, change, read_all


class BackupStore(Store, Journal, Backups, Protocol):
    """What this suite tests."""


OpenCopy = Callable[[Path], Awaitable[BackupStore]]


class BackupsContract:
    """Subclass it, and give the fixtures ``store`` and ``open_copy``."""

    @pytest.fixture
    def store(self) -> Any:
        """The store under test, open."""
        pytest.fail("Give a fixture `store` in the subclass.")

    @pytest.fixture
    def open_copy(self) -> Any:
        """A function that opens a backup file as a live store, closed by the fixture at the end."""
        pytest.fail("Give a fixture `open_copy` in the subclass.")

    @pytest.fixture
    def video_id(self) -> str:
        """A video of this test's own."""
        return make_video_id()

    async def test_it_says_that_it_can(self, store: BackupStore) -> None:
        """Whoever runs the command finds out by asking."""
        assert isinstance(store, Backups)

    async def test_a_backup_holds_everything_until_then(
        self, store: BackupStore, open_copy: OpenCopy, video_id: str, tmp_path: Path
    ) -> None:
        """Comments, changes and the log are in the copy; what comes later is not, and the copy goes its own way."""
        comments = await append_some(store, video_id, 5)
        await change(store, Kind.DELETED, comments[1])
        await change(store, Kind.PINNED, comments[2])
        history = await read_all(store, video_id)
        log = [entry.event for entry in (await store.log_tail(video_id, 100)).entries]
        await store.backup(tmp_path / "copy.db")
        await append_some(store, video_id, 1)

        copy = await open_copy(tmp_path / "copy.db")
        assert await read_all(copy, video_id) == history
        assert [entry.event for entry in (await copy.log_tail(video_id, 100)).entries] == log
        await append_some(copy, video_id, 2)
        assert len(await read_all(store, video_id)) == len(history) + 1

    async def test_a_backup_is_one_file(self, store: BackupStore, video_id: str, tmp_path: Path) -> None:
        """Nothing else has to be kept with it, and nothing half-made is left about."""
        folder = tmp_path / "backups"
        folder.mkdir()
        await append_some(store, video_id, 5)
        await store.backup(folder / "copy.db")
        assert [path.name for path in folder.iterdir()] == ["copy.db"]

    async def test_a_backup_taken_while_writing_is_consistent(
        self, store: BackupStore, open_copy: OpenCopy, video_id: str, tmp_path: Path
    ) -> None:
        """What was acknowledged before is in it, and its log is whole: history and log tell of the same comments."""
        before = await append_some(store, video_id, 50)
        writing = asyncio.gather(*(append_some(store, video_id, 40) for _ in range(20)))
        await store.backup(tmp_path / "copy.db")
        await writing
        copy = await open_copy(tmp_path / "copy.db")
        history = await read_all(copy, video_id)
        assert {one.id for one in before} <= {one.id for one in history}
        head, entries = await copy.log_tail(video_id, 2_000)
        assert [entry.position.offset for entry in entries] == list(range(1, head.offset + 1))
        assert {entry.event.id for entry in entries} == {one.id for one in history}

    async def test_a_restored_backup_begins_a_new_epoch(
        self, store: BackupStore, open_copy: OpenCopy, video_id: str, tmp_path: Path
    ) -> None:
        """Each restoration of one backup has an epoch of its own, which then stays; the original keeps its own."""
        await append_some(store, video_id, 3)
        original = (await store.log_tail(video_id, 0)).head
        await store.backup(tmp_path / "copy.db")
        shutil.copy(tmp_path / "copy.db", tmp_path / "second.db")
        first, second = await open_copy(tmp_path / "copy.db"), await open_copy(tmp_path / "second.db")
        heads = [(await one.log_tail(video_id, 0)).head for one in (store, first, second)]
        assert heads[0] == original
        assert len({head.epoch for head in heads}) == 3
        assert {head.offset for head in heads} == {3}
        with pytest.raises(NotProvable):
            await first.log_after(video_id, original, 10)

        await first.close()
        await first.open()
        assert (await first.log_tail(video_id, 0)).head == heads[1]
        assert (await first.append(make_comment(video_id))).position == Position(heads[1].epoch, 4)

    async def test_a_backup_overwrites_nothing(self, store: BackupStore, tmp_path: Path) -> None:
        """A name that is taken is refused, and the file there stays as it is."""
        target = tmp_path / "taken"
        target.write_text("precious")
        with pytest.raises(ConfigError, match="exists"):
            await store.backup(target)
        assert target.read_text() == "precious"

    async def test_a_backup_to_nowhere_is_refused(self, store: BackupStore, tmp_path: Path) -> None:
        """A folder that is not there is named in the refusal, and the store works on."""
        with pytest.raises(ConfigError, match="missing"):
            await store.backup(tmp_path / "missing" / "copy.db")
        await store.ping()
