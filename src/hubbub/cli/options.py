"""Options made from the one table of settings, and the help page that shows them by subject."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import click

from hubbub.config import Row, Settings, load_settings, rows

Command = Callable[..., None]


class SettingOption(click.Option):
    """The flag of one setting. Its value stays text: settings are parsed in one place, whatever their source."""

    def __init__(self, names: Sequence[str], *, row: Row) -> None:
        usual = "" if row.default in ("none", "false") else f" [{row.default}]"
        metavar = None if row.switch else row.metavar
        super().__init__(names, default=None, help=row.help + usual, metavar=metavar)
        self.row = row


class SettingsCommand(click.Command):
    """A command with many settings: its help lists them by subject, after the command's own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lists."""
        params = self.get_params(ctx)
        settings = [param for param in params if isinstance(param, SettingOption)]
        own = [param for param in params if not isinstance(param, SettingOption)]
        _write_section(ctx, formatter, "Options", own)
        for group, members in groupby(settings, key=lambda param: param.row.group):
            _write_section(ctx, formatter, group, members)


def _write_section(
    ctx: click.Context, formatter: click.HelpFormatter, title: str, params: Iterable[click.Parameter]
) -> None:
    with formatter.section(title):
        formatter.write_dl([record for param in params if (record := param.get_help_record(ctx))])


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the flags of the settings ``names``, and ``--config``.

    The command is called with ``settings``, loaded; notes about what was found and not used go to stderr. Raises
    `hubbub.errors.ConfigError`.
    """
    chosen = [rows()[name] for name in names]

    def decorate(function: Command) -> Command:
        def with_loaded(*, config: str | None, **given: Any) -> None:
            flags = {row.name: _text(given.pop(row.name)) for row in chosen}
            settings = load_settings(flags, config=config)
            for note in settings.notes:
                click.echo(f"hubbub: {note}", err=True)
            function(settings=settings, **given)

        command: Command = functools.wraps(function)(with_loaded)
        for row in reversed(chosen):
            flag = f"{row.flag}/--no-{row.flag[2:]}" if row.switch else row.flag
            command = click.option(row.name, flag, cls=SettingOption, row=row)(command)
        usual = "hubbub.toml if there is one; HUBBUB_CONFIG"
        return click.option("--config", metavar="FILE", help=f"Read settings from this TOML file [{usual}].")(command)

    return decorate


def _text(value: str | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def server_url(url: str | None, settings: Settings) -> str:
    """The server that a command talks to: the one given, else this machine's at the configured port."""
    return url or f"http://127.0.0.1:{settings.port or 8000}"
