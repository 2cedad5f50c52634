"""A website of one's own, which embeds Hubbub from another origin: the pages that are measured in a browser."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import ROOT
from bench.targets import Program
from hubbub.testing.ports import free_port


class Pages(Program):
    """Serves ``bench/pages``, and what is in ``media`` with Range."""

    name = "the pages' server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.media = folder / "media"

    def start(self) -> None:
        self.media.mkdir(exist_ok=True)
        self.spawn([sys.executable, ROOT / "bench/peers/pages_app.py", str(self.port), self.media])
        self.wait_until_it_listens()

    @property
    def origin(self) -> str:
        """For ``HUBBUB_CORS_ORIGINS``; known before it listens."""
        return f"http://127.0.0.1:{self.port}"
