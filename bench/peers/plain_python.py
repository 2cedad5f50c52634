"""Starlette + sse-starlette under uvicorn with uvloop and httptools."""

from __future__ import annotations

import importlib.util
import sys

from bench.measure import ROOT
from bench.peers.nchan import Nchan
from hubbub.testing.ports import free_port


def missing() -> str:
    """Why it can't be measured here, "" when it can."""
    return "" if importlib.util.find_spec("sse_starlette") else "the Python package sse-starlette is not installed"


class SseStarlette(Nchan):
    """It; asked at the same addresses as Nchan."""

    name = "sse-starlette"

    def start(self) -> None:
        self.port = free_port()
        self.spawn([sys.executable, ROOT / "bench/peers/plain_python_app.py", str(self.port)])
        self.wait_until_it_listens()
