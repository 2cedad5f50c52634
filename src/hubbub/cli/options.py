"""Options made from the one table of settings, and the help page that shows them by subject."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from hubbub.config import Row, Settings, load_settings, rows
from hubbub.config.loading import CONFIG_FILE, CONFIG_VARIABLE
from hubbub.errors import ConfigError

Command = Callable[..., None]

DEBUG_VARIABLE = "HUBBUB_DEBUG"
"""The command line's own variable, no setting of the service: see `hubbub.cli.main`."""

_LONGEST_CONFIG = 1024**2
"""Bytes of a file of settings. All of them with every default take 3,000."""


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
            environ = {name: value for name, value in os.environ.items() if name != DEBUG_VARIABLE}
            _check_config_file(Path(config or environ.get(CONFIG_VARIABLE) or CONFIG_FILE))
            settings = load_settings(flags, environ, config=config)
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


def _check_config_file(path: Path) -> None:
    """Nothing that has no end, such as /dev/zero. A pipe will do: that is what ``--config <(…)`` is."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return  # whoever opens it finds out, and says so if it was asked for
    if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        raise ConfigError(CONFIG_VARIABLE, f"{path} is a device; name a TOML file.")
    if stat.S_ISREG(found.st_mode) and found.st_size > _LONGEST_CONFIG:
        raise ConfigError(CONFIG_VARIABLE, f"{path} is longer than {_LONGEST_CONFIG} bytes; no file of settings is.")


def server_url(url: str | None, settings: Settings) -> str:
    """The server that a command talks to: the one given, else this machine's at the configured port.

    Raises `ConfigError`.
    """
    from hubbub.client.calls import is_address

    address = url or f"http://127.0.0.1:{settings.port or 8000}"
    if not is_address(address):
        raise ConfigError(
            "HUBBUB_URL", f"{address!r} is not a server's address. For example: --url http://127.0.0.1:8000"
        )
    return address


def given_token(token: str | None) -> str | None:
    """The token that a command was given, if it can be one. Raises `ConfigError`, which does not repeat it."""
    from hubbub.client.calls import is_token

    if token is not None and not is_token(token):
        raise ConfigError("HUBBUB_TOKEN", "this cannot be a token: it is empty, or has spaces or odd characters in it.")
    return token


def given_video(video: str) -> str:
    """The video that a command was given, if it can be asked for at all; the rest is the server's to say.

    Raises `ConfigError`.
    """
    if not video or not is_unicode(video):
        raise ConfigError("VIDEO", f"{video!r} is no video's id; give one such as demo.")
    return video


def is_unicode(text: str) -> bool:
    """False for what came of bytes that were not UTF-8: Python reads those as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
