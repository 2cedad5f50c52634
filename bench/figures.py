"""What a figure comes to: its median, its range, and whether that is what was promised. For table and page alike."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

_COMPARE: dict[str, tuple[Callable[[float, float], bool], str]] = {
    ">=": (operator.ge, "≥"),
    "<=": (operator.le, "≤"),
    ">": (operator.gt, ">"),
    "<": (operator.lt, "<"),
    "==": (operator.eq, "="),
}
DASH = "–"


class Verdict(StrEnum):
    """What the median says. A figure with neither must nor aim is only shown."""

    AIM = "aim reached"
    MUST = "must reached"
    MISSED = "missed"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Target:
    """A bar to reach: ``[">=", 0.85]`` in the results."""

    sign: str
    value: float

    def reached(self, value: float) -> bool:
        """Whether a value is on the right side. What is not a number never is."""
        return _COMPARE[self.sign][0](value, self.value)

    @property
    def better(self) -> int:
        """1 when more is better, -1 when less is, 0 when only the value itself will do."""
        return {">": 1, "<": -1}.get(self.sign[0], 0)

    def __str__(self) -> str:
        return f"{_COMPARE[self.sign][1]} {number(self.value)}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a scenario over all runs. ``values`` may be empty; then nothing that it has to reach is reached."""

    name: str
    unit: str
    values: tuple[float, ...]
    must: Target | None
    aim: Target | None

    @classmethod
    def of(cls, said: dict[str, Any]) -> Figure:
        """From the results: ``{"name", "unit", "values", "must", "aim"}``; a bar is ``[sign, value]`` or None."""
        must, aim = (Target(*said[name]) if said.get(name) else None for name in ("must", "aim"))
        return cls(said["name"], said["unit"], tuple(map(float, said["values"])), must, aim)

    @property
    def median(self) -> float:
        """The median of all runs, NaN without any."""
        return median(self.values) if self.values else math.nan

    @property
    def verdict(self) -> Verdict:
        """Judged by the median. Who misses the must has missed, whatever the aim; without a must the aim is the bar."""
        if not self.must and not self.aim:
            return Verdict.SHOWN
        if self.must and not self.must.reached(self.median):
            return Verdict.MISSED
        if self.aim and self.aim.reached(self.median):
            return Verdict.AIM
        return Verdict.MUST if self.must else Verdict.MISSED

    @property
    def digits(self) -> int | None:
        """Decimals for all of its values: so many that a median never looks like a target it only nearly reaches."""
        if not self.values:
            return None
        whole = all(value.is_integer() for value in self.values)
        digits = 0 if whole else _digits(abs(self.median) or max(map(abs, self.values)))
        bars = [bar for bar in (self.must, self.aim) if bar]
        while digits < 9 and any(bar.reached(round(self.median, digits)) != bar.reached(self.median) for bar in bars):
            digits += 1
        return digits

    def shown_median(self) -> str:
        """The median as people read it, without its unit."""
        return number(self.median, self.digits)

    def shown_range(self) -> str:
        """Least to most of all runs, "" for a single run."""
        if len(self.values) < 2:
            return ""
        return f"{number(min(self.values), self.digits)}{DASH}{number(max(self.values), self.digits)}"


def with_unit(text: str, unit: str) -> str:
    """A number and its unit with a space that does not break; a dash stands alone."""
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit and text != DASH else text


def number(value: float, digits: int | None = None) -> str:
    """A number with thousands separators and so many decimals; by default what three significant digits need."""
    if not math.isfinite(value):
        return DASH
    if digits is not None:
        return f"{value:,.{digits}f}".replace("-", "−")
    text = f"{value:,.{_digits(abs(value))}f}".replace("-", "−")
    return text.rstrip("0").rstrip(".") if "." in text else text


def figures(results: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[Figure]]]:
    """Every scenario with its figures, in the order they were measured."""
    for scenario in results["scenarios"]:
        yield scenario, [Figure.of(said) for said in scenario["figures"]]


def tally(results: dict[str, Any]) -> tuple[Counter[Verdict], int]:
    """How many figures of each verdict there are, and how many scenarios could not be measured."""
    counted = Counter(figure.verdict for _, listed in figures(results) for figure in listed)
    return counted, sum(bool(scenario["error"]) for scenario in results["scenarios"])


def _digits(size: float) -> int:
    """Decimals that leave at least three significant digits, below 1 two."""
    if not math.isfinite(size) or size == 0:
        return 0
    return max(0, 2 - math.floor(math.log10(size)) - (size < 1))
