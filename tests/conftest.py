"""What every test may use. Kept small: anything about one subject stands with that subject's tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest
import uvloop
from hypothesis import settings

from hubbub.testing import ports
from hubbub.testing.clock import FakeClock

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on uvloop, as the service does; those that hold sockets to it, on asyncio's own loop too."""
    if "both_loops" in item.keywords:
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback interface that nothing listened on a moment ago."""
    return ports.free_port()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()
