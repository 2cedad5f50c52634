"""The results as a page: one file, no script, nothing from elsewhere, for light and dark, wide and narrow.

python -m bench.report bench/report/results.json     make the page anew, beside the results
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from bench.figures import DASH, Figure, Verdict, figures, number, tally, with_unit
from bench.plots import Looks, draw, sample
from bench.strips import strip

_STYLE = Path(__file__).parent / "report_page" / "style.css"
_CLASSES = {Verdict.AIM: "aim", Verdict.MUST: "must", Verdict.MISSED: "missed", Verdict.SHOWN: "shown"}


def write(results: dict[str, Any], folder: Path) -> Path:
    """Write ``index.html`` into a folder, which is made if need be. Returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page(results), encoding="utf-8")
    return path


def page(results: dict[str, Any]) -> str:
    """The whole page. It is well-formed XML too."""
    looks = Looks()
    listed = list(figures(results))
    sections = [_section(scenario, found, results["runs"], looks) for scenario, found in listed]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>Hubbub, measured {escape(results["date"])}</title>
<style>
{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>Hubbub, measured</h1>
{_circumstances(results)}
</header>
<main>
{_outcome(results)}
{_summary(listed, results["runs"])}
{"".join(sections)}
</main>
</body>
</html>
"""


def _circumstances(results: dict[str, Any]) -> str:
    """When, what and on what."""
    machine, runs = results["machine"], results["runs"]
    facts = {
        "Date": results["date"],
        "Commit": results["commit"],
        "Hubbub": machine["hubbub"],
        "Runs": f"{runs}, figures are medians" if runs > 1 else "1",
        "Processor": f"{machine['cpu']}, {machine['cores']} core{'s' * (machine['cores'] != 1)}",
        "Memory": f"{number(machine['memory_gib'])} GiB",
        "System": f"{machine['os']}, {machine['kernel']}",
        "Python": machine["python"],
    }
    rows = (f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items())
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _outcome(results: dict[str, Any]) -> str:
    """How many figures of each verdict there are, and by name what was missed."""
    counted, failed = tally(results)
    counts = [(_CLASSES[verdict], counted[verdict], str(verdict)) for verdict in Verdict if counted[verdict]]
    if failed:
        counts.append(("missed", failed, f"scenario{'s' * (failed > 1)} not measured"))
    items = "".join(f'<li class="{kind}"><b>{count}</b> {escape(text)}</li>' for kind, count, text in counts)
    missed = "".join(
        f'<li><a href="#{_anchor(scenario)}">{escape(figure.name)}</a>: '
        f"{escape(with_unit(figure.shown_median(), figure.unit))} and not {escape(str(figure.must or figure.aim))}</li>"
        for scenario, found in figures(results)
        for figure in found
        if figure.verdict is Verdict.MISSED
    )
    return f'<ul class="outcome">{items}</ul>' + (f'<ul class="shortfalls">{missed}</ul>' if missed else "")


def _summary(listed: Iterable[tuple[dict[str, Any], list[Figure]]], runs: int) -> str:
    """Every figure, grouped by scenario."""
    bodies = []
    for scenario, found in listed:
        failed = _failed(scenario)
        rows = "".join(map(_row, found))
        bodies.append(
            f'<tbody><tr class="group"><th colspan="6" scope="rowgroup"><a href="#{_anchor(scenario)}">'
            f"{escape(scenario['title'])}</a>{failed}</th></tr>{rows}</tbody>"
        )
    spread = " Each dot is a run, the bar is the range of the runs, the tall line their median." if runs > 1 else ""
    return f"""<section class="summary">
<h2>Every figure</h2>
<p class="note">{spread} Solid mark: must. Dashed mark: aim. The tinted side is where it has to be.</p>
<table>
<thead><tr><th scope="col">Figure</th><th scope="col" class="n">Median</th><th scope="col">Min{DASH}max</th>
<th scope="col" class="n">Must</th><th scope="col" class="n">Aim</th><th scope="col">Verdict</th></tr></thead>
{"".join(bodies)}
</table>
</section>"""


def _row(figure: Figure) -> str:
    kind = _CLASSES[figure.verdict]
    bars = "".join(
        f'<td class="n bar" data-label="{name}">{escape(str(bar)) if bar else ""}</td>'
        for name, bar in (("must", figure.must), ("aim", figure.aim))
    )
    return (
        f'<tr class="{kind}"><th scope="row">{escape(figure.name)}</th>'
        f'<td class="n median">{escape(with_unit(figure.shown_median(), figure.unit))}</td>'
        f'<td class="range">{strip(figure)}<span>{escape(figure.shown_range())}</span></td>'
        f'{bars}<td class="verdict"><span class="pill">{figure.verdict}</span></td></tr>'
    )


def _section(scenario: dict[str, Any], found: list[Figure], runs: int, looks: Looks) -> str:
    """A scenario: what was done, its plots, every run."""
    plots = "".join(_plot(plot, looks) for plot in scenario["plots"])
    note = f'<p class="note">{escape(scenario["note"])}</p>' if scenario["note"] else ""
    return f"""<section id="{_anchor(scenario)}">
<h2>{escape(scenario["title"])}</h2>
{note}{_failed(scenario)}
<div class="plots">{plots}{_every_run(found, runs, apart=len(scenario["plots"]) % 2 == 0)}</div>
<p class="again">Again: <code>python -m bench {escape(scenario["name"])}</code>
({escape(number(round(scenario["seconds"])))} seconds)</p>
</section>
"""


def _plot(plot: dict[str, Any], looks: Looks) -> str:
    names = [line["name"] for line in plot["lines"]]
    chosen = looks.of(names)
    legend = "".join(f"<li>{sample(look)}{escape(name)}</li>" for name, look in zip(names, chosen, strict=True))
    caption = f'<figcaption>{escape(plot["title"])}<ul class="legend">{legend}</ul></figcaption>'
    return f"<figure>{caption}{draw(plot, chosen)}</figure>"


def _every_run(found: list[Figure], runs: int, apart: bool) -> str:
    """The values that the medians are of, in a row of their own or beside the last plot."""
    if runs < 2 or not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(with_unit(figure.name + "," * bool(figure.unit), figure.unit))}</th>'
        + "".join(f'<td class="n">{escape(number(value, figure.digits))}</td>' for value in figure.values)
        + "</tr>"
        for figure in found
    )
    return f'<div class="runs{" apart" * apart}"><h3>Every run</h3><table>{rows}</table></div>'


def _failed(scenario: dict[str, Any]) -> str:
    return f'<p class="failed"><b>Not measured:</b> {escape(scenario["error"])}</p>' if scenario["error"] else ""


def _anchor(scenario: dict[str, Any]) -> str:
    return "scenario-" + escape("".join(char if char.isalnum() else "-" for char in scenario["name"]))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Which results? python -m bench.report bench/report/results.json")
    source = Path(sys.argv[1])
    print(write(json.loads(source.read_text(encoding="utf-8")), source.parent))
