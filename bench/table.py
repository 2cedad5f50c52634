"""The results as a table on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.figures import DASH, Figure, Verdict, figures, tally, with_unit

_STYLES = {
    Verdict.AIM: "bold green",
    Verdict.MUST: "green",
    Verdict.MISSED: "bold red",
    Verdict.SHOWN: "dim",
}
_NARROW = 110
"""Columns below which a figure's range stands under its median."""


def show(results: dict[str, Any], console: Console | None = None) -> None:
    """Print every figure, what it had to reach and whether it did, then the count of each verdict."""
    console = console or Console()
    narrow = console.width < _NARROW
    heading = [Text(text, "dim") for text in ("", "median", f"min{DASH}max", "must", "aim", "")]
    if narrow:
        del heading[2]
    listed = [(scenario, [_row(figure, narrow) for figure in found]) for scenario, found in figures(results)]
    rows = [heading, *(row for _, found in listed for row in found)]
    widths = [
        max(len(line) for cell in column for line in cell.plain.split("\n")) for column in zip(*rows, strict=True)
    ]
    console.print(_table([heading], widths))
    for scenario, found in listed:
        console.print(Text(scenario["title"], "bold"))
        if scenario["error"]:
            console.print(Text(f"  not measured: {scenario['error']}", "bold red"))
        console.print(_table(found, widths))
    console.print(_sum(results))


def _row(figure: Figure, narrow: bool) -> list[Text]:
    """A figure's cells: name, median, range, must, aim, verdict."""
    median, spread = with_unit(figure.shown_median(), figure.unit), figure.shown_range()
    return [
        Text(figure.name),
        *(
            [Text.assemble((median, "bold"), (f"\n{spread}", "dim"))]
            if narrow
            else [Text(median, "bold"), Text(spread)]
        ),
        Text(str(figure.must or "")),
        Text(str(figure.aim or "")),
        Text(figure.verdict, _STYLES[figure.verdict]),
    ]


def _table(rows: list[list[Text]], widths: list[int]) -> Table:
    """Rows under each other; the tables of all scenarios have the same widths."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=1)
    for width in widths[1:-1]:
        table.add_column(width=width, justify="right", no_wrap=True)
    table.add_column(width=widths[-1], no_wrap=True)
    for name, *cells in rows:
        table.add_row(Text.assemble("  ", name) if name.plain else name, *cells)
    return table


def _sum(results: dict[str, Any]) -> Text:
    """The last line: 3 aim reached · 1 missed …, of how many runs of which commit."""
    counted, failed = tally(results)
    parts = [Text(f"{counted[verdict]} {verdict}", _STYLES[verdict]) for verdict in Verdict if counted[verdict]]
    if failed:
        parts.append(Text(f"{failed} scenario{'s' * (failed > 1)} not measured", "bold red"))
    runs = results["runs"]
    parts.append(Text(f"medians of {runs} runs" if runs > 1 else "one run"))
    parts.append(Text(f"commit {results['commit']}"))
    return Text(" · ").join(parts)
