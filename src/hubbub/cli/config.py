"""``hubbub config``: what is in force, and from where."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import click

from hubbub.cli.options import SettingsCommand, with_settings
from hubbub.config import Row, Settings, rows, with_dev_secret
from hubbub.logs import HIDDEN

_PASSWORD = re.compile(r"(://[^/?#@]*:)[^/?#]*@")


@click.command(cls=SettingsCommand, short_help="Show every setting and where it was made.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object: {setting: {value, from}}.")
@with_settings(*rows())
def config(settings: Settings, as_json: bool) -> None:
    """Show every setting, its value and where that came from. Secrets are masked.

    A flag counts before a variable, a variable before the file, the file before the default. Give the flags that you
    give to `hubbub serve` to see what they do.
    """
    if settings.dev:
        settings = with_dev_secret(settings)
    if as_json:
        found = {
            row.name: {"value": _plain(row, settings), "from": str(settings.origins[row.name])}
            for row in rows().values()
        }
        click.echo(json.dumps(found, indent=2))
        return
    lines = [(row.variable, shown(row, settings), str(settings.origins[row.name])) for row in rows().values()]
    if sys.stdout.isatty():
        _print_table(lines)
    else:
        for line in lines:
            click.echo("\t".join(line))


def shown(row: Row, settings: Settings) -> str:
    """A setting's value as somebody wrote it, without what must not be seen."""
    if row.secret:
        return HIDDEN if getattr(settings, row.name) is not None else "none"
    return _PASSWORD.sub(rf"\1{HIDDEN}@", settings.origins[row.name].text)


def _plain(row: Row, settings: Settings) -> Any:
    value = getattr(settings, row.name)
    return value if isinstance(value, bool | int | float | None) else shown(row, settings)


def _print_table(lines: list[tuple[str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("variable", "value", "from", box=None, header_style="dim", pad_edge=False)
    for variable, value, source in lines:
        style = "dim" if source == "default" else "bold"
        table.add_row(variable, Text(value, style, overflow="fold"), Text(source, style, overflow="fold"))
    Console(highlight=False).print(table)
