"""Plots as SVG that belongs into the page: its fonts, and its colours by name, so that they follow light and dark.

matplotlib knows colours as numbers only. So it draws with stand-ins, which are then replaced by the page's custom
properties (``--hubbub``, ``--floor``, ``--peer-1`` …). The legend is the page's too: it wraps on a narrow screen.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bench.figures import number

_PEERS = 5
_ROLES = ("hubbub", "floor", *(f"peer-{place}" for place in range(1, _PEERS + 1)), "ink", "muted", "rule")
_STAND_INS = {role: f"#5a{place:02x}a5" for place, role in enumerate(_ROLES)}
_DASHES = ("", "6 2.5", "1.5 2.2", "7 2 1.5 2")
_MARKERS = "osD^vPX*"
_PERCENTILES = (0, 50, 90, 99, 99.9, 99.99, 99.999)
_SVG = "http://www.w3.org/2000/svg"
_RC: Any = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "text.parse_math": False,
    "font.size": 12.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _STAND_INS["muted"],
    "axes.labelcolor": _STAND_INS["muted"],
    "axes.titlecolor": _STAND_INS["muted"],
    "xtick.color": _STAND_INS["muted"],
    "ytick.color": _STAND_INS["muted"],
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _STAND_INS["rule"],
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a line is drawn. ``role`` names the custom property with its colour."""

    role: str
    dash: str
    marker: str
    width: float
    opacity: float = 1.0

    @property
    def colour(self) -> str:
        """The stand-in."""
        return _STAND_INS[self.role]


class Looks:
    """A server looks the same in every plot: Hubbub in the strong colour, the C loop grey, peers as they come.

    Several lines of one server in one plot ("Hubbub", "Hubbub, batch=1") have its colour and differ by dash and marker.
    A plot that names neither Hubbub nor the C loop ("100 comments/s", "1,000 comments/s") is of Hubbub alone: its lines
    have that colour from pale to full.
    """

    def __init__(self) -> None:
        self._peers: dict[str, str] = {}

    def of(self, names: Sequence[str]) -> list[Look]:
        """The looks of one plot's lines."""
        if not any(_known(name) for name in names):
            pale = [1 - 0.7 * (len(names) - 1 - place) / len(names) for place in range(len(names))]
            return [
                Look("hubbub", _DASHES[place % 2], _MARKERS[place % len(_MARKERS)], 2.2, opacity)
                for place, opacity in enumerate(pale)
            ]
        seen: dict[str, int] = {}
        looks = []
        for name in names:
            role = self._role(name)
            place = seen[role] = seen.get(role, -1) + 1
            marker = _MARKERS[(_ROLES.index(role) + 2 * place) % len(_MARKERS)]
            looks.append(Look(role, _DASHES[place % len(_DASHES)], marker, 2.4 if role == "hubbub" else 1.6))
        return looks

    def _role(self, name: str) -> str:
        server = re.split(r"[,:(]", name)[0].strip()
        return _known(name) or self._peers.setdefault(server, f"peer-{len(self._peers) % _PEERS + 1}")


def _known(name: str) -> str:
    """The role of a line that is Hubbub's or the C loop's, else ""."""
    return {"Hubbub": "hubbub", "C": "floor"}.get(re.split(r"\W", name)[0], "")


def draw(plot: dict[str, Any], looks: Sequence[Look]) -> str:
    """An ``<svg>`` element of ``{"title", "x", "y", "log_x", "log_y", "lines": [{"name", "points"}]}``.

    A point is ``[x, y]``, or ``[x, y, least, most]`` for a band. ``x`` = "percentile" gets a scale that stretches the
    tail: as far from 90 to 99 as from 99 to 99.9. What is not a number, or not above 0 on a logarithmic scale, leaves
    a gap.
    """
    with mpl.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # only measured with matplotlib's font, not shown in it
        mpl.rcParams["svg.hashsalt"] = sha256(repr(plot).encode()).hexdigest()  # ids that no other plot has
        figure = Figure(figsize=(6.1, 3.7), dpi=72, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        tail = plot["x"] == "percentile"
        for line, look in reversed(list(zip(plot["lines"], looks, strict=True))):  # the first line lies on top
            _line(axes, list(_points(line["points"], plot, tail)), look)
        _scales(axes, plot, tail)
        axes.set_title(plot["y"], loc="left", fontsize=12.5, pad=9)
        axes.set_xlabel(plot["x"])
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _for_the_page(file.getvalue(), f"{plot['title']}: {plot['y']} by {plot['x']}")


def sample(look: Look) -> str:
    """A piece of a line for the legend, an ``<svg>`` element."""
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    stroke = f'stroke="var(--{look.role})" stroke-opacity="{look.opacity:.2f}" stroke-width="{look.width}"{dash}'
    size = 'viewBox="0 0 30 10" width="30" height="10"'
    return f'<svg class="sample" {size} aria-hidden="true"><path d="M1 5H29" {stroke}/></svg>'


def _points(said: Iterable[Sequence[float | None]], plot: dict[str, Any], tail: bool) -> Iterator[list[float]]:
    """Rows of x, y, least, most, as numbers on the axes."""
    for point in said:
        x, y, least, most = (
            math.nan if value is None else float(value) for value in (*point, *point[1:], *point[1:])[:4]
        )
        if len(point) < 4:
            least = most = y
        if tail:
            if x > _PERCENTILES[-1]:
                continue  # the maximum has no place on this scale
            x = _stretched(x)
        if plot.get("log_y"):
            y, least, most = (value if value > 0 else math.nan for value in (y, least, most))
        yield [x if x > 0 or not plot.get("log_x") else math.nan, y, least, most]


def _line(axes: Axes, points: list[list[float]], look: Look) -> None:
    if not points:
        return
    xs, ys, least, most = zip(*points, strict=True)
    few = len(points) <= 12
    style: Any = (0, tuple(float(part) / look.width * 1.6 for part in look.dash.split())) if look.dash else "-"
    axes.plot(
        xs,
        ys,
        color=look.colour,
        alpha=look.opacity,
        linewidth=look.width,
        linestyle=style,
        marker=look.marker if few else "",
        markersize=4.6,
    )
    if least != ys or most != ys:
        axes.fill_between(xs, least, most, color=look.colour, alpha=0.18, linewidth=0)


def _scales(axes: Axes, plot: dict[str, Any], tail: bool) -> None:
    """Scales, ticks and the numbers at them. A linear y begins at 0, so that heights compare."""
    said = FuncFormatter(lambda value, _: number(value))
    if plot.get("log_y"):
        _logarithmic(axes, "y")
    else:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if axes.dataLim.y0 < 0 else 0.0)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(said)
    if tail:
        end = max(axes.dataLim.x1, _stretched(99)) if math.isfinite(axes.dataLim.x1) else _stretched(99)
        shown = [percent for percent in _PERCENTILES if _stretched(percent) <= end + 1e-9]
        axes.xaxis.set_major_locator(FixedLocator([_stretched(percent) for percent in shown]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda _, place: f"{shown[place or 0]:g}"))
        axes.set_xlim(0, end)
        axes.grid(True, axis="x")
        return
    if plot.get("log_x"):
        _logarithmic(axes, "x")
    else:
        if 0 <= axes.dataLim.x0 < axes.dataLim.x1 / 4:
            axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(said)


def _logarithmic(axes: Axes, which: Literal["x", "y"]) -> None:
    """A scale with ticks at powers of ten, and between them when they are few. With nothing to show it stays linear."""
    least, most = getattr(axes.dataLim, f"interval{which}")
    if not 0 < least <= most < math.inf:
        return
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    decades = math.log10(high / low)
    between = (1.0,) if decades > 3.2 else (1.0, 3.0) if decades > 2 else (1.0, 2.0, 5.0)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=between))
    axis.set_minor_locator(NullLocator())


def _stretched(percent: float) -> float:
    """A percentile's place: the number of nines. 0 → 0, 90 → 1, 99 → 2, 99.9 → 3."""
    return -math.log10(1 - percent / 100)


def _for_the_page(svg: str, label: str) -> str:
    """Without size, fonts, colours and ids of its own, so that several may stand in one page."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}metadata" or (child.tag == f"{{{_SVG}}}style"):
                parent.remove(child)
    used = set(re.findall(r"#([\w-]+)", svg))
    for element in root.iter():
        if "id" in element.attrib and element.attrib["id"] not in used:
            del element.attrib["id"]
        for name in [name for name in element.attrib if name.endswith("}href")]:
            element.attrib["href"] = element.attrib.pop(name)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"class": "plot", "role": "img", "aria-label": label}
    text = ET.tostring(root, encoding="unicode")
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    for role, stand_in in _STAND_INS.items():
        text = text.replace(stand_in, f"var(--{role})")
    return text
