"""The figures as Markdown, for whoever reads the repository where pages of HTML are not shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.figures import Figure, figures, with_unit

_NAME = "README.md"


def write(results: dict[str, Any], folder: Path) -> Path:
    """Write ``README.md`` beside the report; its path."""
    path = folder / _NAME
    path.write_text(markdown(results))
    return path


def markdown(results: dict[str, Any]) -> str:
    """A table a scenario, under the machine and the commit that were measured."""
    machine = results["machine"]
    made = (
        f"By `make bench` on {results['date']}, commit {results['commit']}, {results['runs']} runs each: medians. "
        f"The machine: {machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, {machine['os']}, "
        f"{machine['kernel']}, Python {machine['python']}. With plots: [index.html](index.html), for a browser."
    )
    lines = ["# Measured", "", made]
    for scenario, found in figures(results):
        lines += ["", f"## {scenario['title']}", "", f"{scenario['note'][:1].upper()}{scenario['note'][1:]}.", ""]
        if scenario["error"]:
            lines += [f"**Not measured:** {scenario['error']}", ""]
        lines += ["| | median | least–most | must | aim | |", "|---|---|---|---|---|---|"]
        lines += [_row(figure) for figure in found]
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    cells = (
        figure.name,
        f"**{with_unit(figure.shown_median(), figure.unit)}**",
        figure.shown_range(),
        str(figure.must or ""),
        str(figure.aim or ""),
        str(figure.verdict),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
