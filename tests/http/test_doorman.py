"""How long newcomers are left with the kernel when all places are busy."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from hubbub.http.connections import Connections
from hubbub.http.doorman import Doorman
from hubbub.http.takeover import TakeoverProtocol
from hubbub.metrics import Metrics
from hubbub.testing.clock import FakeClock


class Timed:
    """An event loop's clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.time = clock


def nobody(connection: socket.socket) -> TakeoverProtocol:
    raise AssertionError("nobody is let in here")


async def test_being_full_counts_from_when_it_began_and_not_from_an_earlier_time(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of patience each time: a crowd that comes long after another is not refused for that one's sake."""
    with socket.socket() as listener:
        doorman = Doorman(listener, Connections(1, metrics=Metrics()), nobody)
        monkeypatch.setattr(doorman, "_loop", cast(asyncio.AbstractEventLoop, Timed(clock)))
        assert not doorman._has_been_full()
        for _ in range(19):
            clock.advance(0.05)
            assert not doorman._has_been_full()
        clock.advance(0.1)
        assert doorman._has_been_full()
        clock.advance(5)  # nobody comes meanwhile
        assert not doorman._has_been_full()
