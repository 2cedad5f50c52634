"""A figure's runs on a strip the width of a table cell, beside what they had to reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from bench.figures import Figure, Target, with_unit

_WIDTH, _HEIGHT, _EDGE = 168.0, 20.0, 10.0


def strip(figure: Figure) -> str:
    """An ``<svg>`` element, "" when there is nothing to compare: no value, or one value and no target."""
    values = [value for value in figure.values if math.isfinite(value)]
    bars = [bar for bar in (figure.must, figure.aim) if bar]
    if not values or (len(values) < 2 and not bars):
        return ""
    place = _scale([*values, *(bar.value for bar in bars)])
    parts = []
    if bars:
        parts.append(_wash(figure.must or bars[0], place))
    parts.append(f'<path class="axis" d="M0 {_HEIGHT / 2:g}H{_WIDTH:g}"/>')
    for name, bar in (("must", figure.must), ("aim", figure.aim)):
        if bar:
            parts.append(f'<path class="{name}-mark" d="M{place(bar.value):.1f} 1V{_HEIGHT - 1:g}"/>')
    if len(values) > 1:
        parts.append(f'<path class="spread" d="M{place(min(values)):.1f} {_HEIGHT / 2:g}H{place(max(values)):.1f}"/>')
    parts += [f'<circle class="run" cx="{place(value):.1f}" cy="{_HEIGHT / 2:g}" r="2.2"/>' for value in values]
    parts.append(f'<path class="middle" d="M{place(figure.median):.1f} 4.5V{_HEIGHT - 4.5:g}"/>')
    said = escape(with_unit(figure.shown_range() or figure.shown_median(), figure.unit))
    return (
        f'<svg class="strip" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )


def _scale(values: list[float]) -> Callable[[float], float]:
    """From a value to its place: by ratio when they lie far apart, else by difference."""
    far = min(values) > 0 and max(values) / min(values) > 12

    def at(value: float) -> float:
        return math.log(value) if far else value

    least, most = at(min(values)), at(max(values))
    span = (most - least) or abs(most) or 1.0
    return lambda value: _EDGE + (_WIDTH - 2 * _EDGE) * ((at(value) - least) / span if most > least else 0.5)


def _wash(bar: Target, place: Callable[[float], float]) -> str:
    """The side of a target that is right."""
    here = place(bar.value)
    left, right = {1: (here, _WIDTH), -1: (0.0, here), 0: (here - 4, here + 4)}[bar.better]
    return f'<rect class="right" x="{left:.1f}" y="1" width="{right - left:.1f}" height="{_HEIGHT - 2:g}"/>'
