"""The C floor: a bare loop of ``send`` over the same frames."""

from __future__ import annotations

import json
from pathlib import Path

from bench.programs import Percentiles, program, request_file
from bench.targets import TEXT, Target, http_request


class Floor(Target):
    """``frame``: what it writes to everybody. ``sweeps``, once it has ended: how long its loops took."""

    name = "C send loop"

    def __init__(self, folder: Path, frame: bytes) -> None:
        super().__init__(folder)
        self._frame = frame
        self.sweeps: Percentiles | None = None

    def start(self) -> None:
        self.spawn([program("peers/floor"), request_file(self.folder, "frame", [self._frame])])
        assert self._process is not None
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> str:
        assert self._process is not None
        out, _ = self._process.communicate()  # the end of its input ends it
        self.sweeps = Percentiles(json.loads(out)["sweep_ms"])
        return out

    def watching(self, video: str) -> bytes:
        return http_request("GET", f"/{video}", {})

    def posting(self, video: str, text: bytes = TEXT) -> bytes:
        return http_request("POST", f"/{video}", {}, text)
