"""The counts of one process."""

from __future__ import annotations

import pytest

from hubbub.presence.base import Presence
from hubbub.presence.local import LocalPresence
from hubbub.testing.presence_contract import Join, PresenceContract


class TestContract(PresenceContract):
    """The in-process adapter keeps the port's promises."""

    @pytest.fixture
    def join(self) -> Join:
        """The one process."""

        async def opened() -> Presence:
            presence = LocalPresence()
            await presence.open()
            return presence

        return opened
