"""What a scenario is: a measurement made several times over, and the figures that come of it."""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.programs import Percentiles

Goal = tuple[str, float]
"""``>=`` or ``<=``, and the value."""


class Scenario(ABC):
    """One row, or a few that are measured together.

    ``run`` is called once a run, with an empty folder of its own, and says what came of it by `figure` and `line`.
    """

    name: str
    title: str
    note: str
    """Formats, settings and whatever else the figures depend on."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[str, Any]] = {}
        self._plots: dict[str, dict[str, Any]] = {}

    @abstractmethod
    def run(self, folder: Path) -> None:
        """Measure once. Raises `bench.programs.BenchError`."""

    def figure(self, name: str, unit: str, value: float, *, must: Goal | None = None, aim: Goal | None = None) -> None:
        """A value of this run."""
        figure = self._figures.setdefault(
            name, {"name": name, "unit": unit, "values": [], "must": must and [*must], "aim": aim and [*aim]}
        )
        figure["values"].append(value)

    def line(self, plot: str, name: str, points: list[tuple[float, float]], **axes: Any) -> None:
        """A line in a plot (of the last run, where several give the same one). ``axes``: x, y, log_x, log_y."""
        found = self._plots.setdefault(plot, {"title": plot, "log_x": False, "log_y": False, **axes, "lines": []})
        found["lines"] = [line for line in found["lines"] if line["name"] != name]
        found["lines"].append({"name": name, "points": [list(point) for point in points]})

    def latency(self, plot: str, name: str, percentiles: Percentiles) -> None:
        """A line of a latency plot."""
        self.line(plot, name, percentiles.points, x="percentile", y="ms", log_y=True)

    def result(self, seconds: float, error: str | None) -> dict[str, Any]:
        """Everything, for the table and the report."""
        return {
            "name": self.name,
            "title": self.title,
            "note": self.note,
            "figures": list(self._figures.values()),
            "plots": list(self._plots.values()),
            "seconds": round(seconds, 1),
            "error": error,
        }


def measure(scenario: Scenario, runs: int) -> Iterator[str]:
    """Run it, telling of the progress; `Scenario.result` is whole afterwards."""
    for number in range(1, runs + 1):
        began = time.monotonic()
        with _empty_folder() as folder:
            scenario.run(folder)
        yield f"run {number} of {runs}: {time.monotonic() - began:.0f} s"


@contextmanager
def _empty_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hubbub-bench-") as name:
        yield Path(name)
