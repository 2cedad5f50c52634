"""The benchmark's report says what was measured: no more, and no less."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from bench import report, table
from bench.figures import Figure, Verdict, number, tally
from bench.plots import Looks, draw
from rich.console import Console
from tests.bench import made_up

NASTY = "<b>&amp; \"so\" 'on' [bold] $x_1$ \U0001f44f 直播"


@pytest.mark.parametrize(
    ("values", "must", "aim", "verdict"),
    [
        ([1, 3, 2], (">=", 1), (">=", 2), Verdict.AIM),
        ([1, 3, 1.9], (">=", 1), (">=", 2), Verdict.MUST),
        ([0.9, 0.9, 7], (">=", 1), (">=", 2), Verdict.MISSED),
        ([0.2, 9, 0.1], ("<=", 1), ("<=", 0.2), Verdict.AIM),
        ([2, 2, 0], ("<", 2), None, Verdict.MISSED),
        ([0, 0, 0], ("==", 0), None, Verdict.MUST),
        ([2], None, (">", 1), Verdict.AIM),
        ([1], None, (">", 1), Verdict.MISSED),
        ([1, 2], None, None, Verdict.SHOWN),
        ([float("nan")], ("<=", 1), None, Verdict.MISSED),
        ([], ("<=", 1), None, Verdict.MISSED),
    ],
)
def test_a_verdict_is_the_median_beside_must_and_aim(
    values: list[float], must: tuple[str, float] | None, aim: tuple[str, float] | None, verdict: Verdict
) -> None:
    """The best reached bar counts, a missed must is a miss, and what was not measured has reached nothing."""
    assert Figure.of(made_up.figure("speed", "×", values, must, aim)).verdict is verdict


def test_a_near_miss_does_not_look_like_a_hit() -> None:
    """A median that only rounding would lift to its target is shown with as many digits as it takes."""
    near = Figure.of(made_up.figure("speed", "×", [0.8496], (">=", 0.85)))
    assert near.verdict is Verdict.MISSED
    assert near.shown_median() == "0.8496"[: len(near.shown_median())]
    assert near.must is not None
    assert not near.must.reached(float(near.shown_median()))


def test_numbers_have_thousands_separators_and_no_needless_digits() -> None:
    """Three significant digits are enough, and what is no number is a dash."""
    shown = [number(value) for value in (1234567.8, 12.34, 0.85, 0, -1500, float("nan"), float("inf"))]
    assert shown == ["1,234,568", "12.3", "0.85", "0", "−1,500", "–", "–"]


def test_the_page_is_well_formed_and_has_every_figure(tmp_path: Path) -> None:
    """Each figure stands in the summary with its median, range, must, aim and verdict."""
    page = _parsed(report.write(made_up.results(), tmp_path / "new"))
    rows = ["|".join("".join(cell.itertext()) for cell in row) for row in page.iterfind(".//section[1]/table/tbody/tr")]
    assert "frames per CPU-second, beside the C loop|0.94\xa0×|0.93–0.95|≥ 0.85|≥ 0.95|must reached" in rows
    assert "delay, p99|225\xa0ms|219–232|≤ 200|≤ 100|missed" in rows
    assert "accepted and then not in the history|0|0–0|= 0||must reached" in rows
    names = [figure["name"] for scenario in made_up.results()["scenarios"] for figure in scenario["figures"]]
    assert [row.split("|")[0] for row in rows if "|" in row] == names
    everything = "".join(page.itertext())
    assert {"7944fff+", "2026-11-25", "Intel(R) Xeon(R) Processor @ 2.60GHz, 2 cores"} <= {
        "".join(fact.itertext()) for fact in page.iterfind(".//dd")
    }
    assert "delay, p99: 225\xa0ms and not ≤ 200" in everything


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, nothing from another host, every id once, every reference to an id that is there."""
    text = report.page(made_up.results())
    assert "<script" not in text
    assert set(re.findall(r"https?://[^\"'\s)]+", text)) == {"http://www.w3.org/2000/svg"}
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', text)) <= set(ids)


def test_a_plot_has_the_page_s_colours_and_no_others() -> None:
    """Every colour is a custom property that the style sheet has for light and for dark."""
    text = report.page(made_up.results())
    style, body = text.split("</style>")
    assert not re.search(r"#[0-9a-f]{6}\b", body)
    for name in set(re.findall(r"var\(--([\w-]+)\)", body)):
        assert len(re.findall(rf"--{name}: #", style)) == 2, name


def test_a_server_looks_the_same_in_every_plot() -> None:
    """Hubbub has its colour, the C loop is grey, a peer keeps its own; lines of one server differ."""
    looks = Looks()
    first = looks.of(["Hubbub", "C send loop", "Nchan", "sse-starlette"])
    second = looks.of(["sse-starlette", "Hubbub, batch=1", "Hubbub p99"])
    assert [look.role for look in first] == ["hubbub", "floor", "peer-1", "peer-2"]
    assert [look.role for look in second] == ["peer-2", "hubbub", "hubbub"]
    assert second[1].dash != second[2].dash
    alone = looks.of(["1 connection", "10 connections", "100 connections"])
    assert {look.role for look in alone} == {"hubbub"}
    assert 0.2 < alone[0].opacity < alone[1].opacity < alone[2].opacity == 1


@pytest.mark.parametrize("scales", [(), ("x",), ("y",), ("x", "y")])
@pytest.mark.parametrize("x", ["viewers", "percentile"])
@pytest.mark.parametrize(
    "points", [[], [[0, 0]], [[100, 100.0]], [[0, None], [50, 1e-9], [100, 1e12, 1, 1e13]], [[5, -3], [7, -2]]]
)
def test_any_points_can_be_drawn(points: list[list[Any]], x: str, scales: tuple[str, ...]) -> None:
    """None, one, zeros on a logarithmic scale, gaps, the hundredth percentile: what can't be placed is left out."""
    plot = made_up.plot("Odd", x, "ms", {"Hubbub": points}, *scales)
    assert ET.fromstring(draw(plot, Looks().of(["Hubbub"]))).tag.endswith("svg")


def test_text_is_text(tmp_path: Path) -> None:
    """Names, units, notes and errors may hold what HTML, TeX or the terminal's markup would take for their own."""
    results = made_up.results()
    results["machine"]["cpu"] = results["commit"] = NASTY
    figure = made_up.figure(NASTY, NASTY, [1, 2], (">=", 1))
    plot = made_up.plot(NASTY, NASTY, NASTY, {NASTY: [[1, 2], [3, 4]]})
    results["scenarios"] = [
        {
            **dict.fromkeys(("name", "title", "note", "error"), NASTY),
            "figures": [figure],
            "plots": [plot],
            "seconds": 1,
        }
    ]
    page = _parsed(report.write(results, tmp_path))
    assert not list(page.iterfind(".//section//td//b[.='&amp; ']"))
    assert "".join(page.itertext()).count(NASTY) >= 10
    assert NASTY in _shown(results)


def test_a_scenario_that_failed_is_shown_as_such(tmp_path: Path) -> None:
    """Its error stands in the summary, in its section and on the terminal, and it is counted."""
    results = made_up.results()
    error = next(scenario["error"] for scenario in results["scenarios"] if scenario["error"])
    page = _parsed(report.write(results, tmp_path))
    assert ["".join(said.itertext()) for said in page.iterfind(".//p[@class='failed']")] == [
        f"Not measured: {error}"
    ] * 2
    assert "1 scenario not measured" in "".join(page.itertext())
    assert f"not measured: {error}" in _shown(results)
    assert "1 scenario not measured" in _shown(results)
    assert tally(results)[1] == 1


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_has_every_figure(width: int) -> None:
    """The table has the medians, ranges, targets and verdicts too, on a narrow terminal as on a wide one."""
    shown = _shown(made_up.results(), width)
    for text in ("0.94\xa0×", "0.93–0.95", "≥ 0.85", "225\xa0ms", "1,912,340–2,043,112", "5 aim reached", "1 missed"):
        assert text in shown
    assert max(map(len, shown.splitlines())) <= width


def test_the_page_can_be_made_anew_from_the_results(tmp_path: Path) -> None:
    """``python -m bench.report results.json`` writes the same page beside the results."""
    (tmp_path / "results.json").write_text(json.dumps(made_up.results()))
    subprocess.run([sys.executable, "-m", "bench.report", tmp_path / "results.json"], check=True, capture_output=True)
    assert (tmp_path / "index.html").read_text() == report.page(made_up.results())


def _parsed(path: Path) -> ET.Element:
    return ET.fromstring(path.read_text().removeprefix("<!DOCTYPE html>"))


def _shown(results: dict[str, Any], width: int = 400) -> str:
    screen = io.StringIO()
    table.show(results, Console(file=screen, width=width))
    return screen.getvalue()
