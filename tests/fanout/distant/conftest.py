"""A world around a broker that can fail, under a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fanout.distant.world import Gateway, World, take_time

from hubbub.testing.clock import FakeClock


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    clock = FakeClock()
    take_time(monkeypatch, clock)
    world = World(tmp_path / "hubbub.db", clock)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
async def gateway(world: World) -> Gateway:
    return await world.gateway()
