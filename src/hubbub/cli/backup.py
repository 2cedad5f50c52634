"""``hubbub backup``: a copy of the store, while the service goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from hubbub.cli.options import is_unicode, with_settings
from hubbub.config import Settings
from hubbub.errors import ConfigError


@click.command(short_help="Copy the store while the service runs.")
@click.argument("file", type=click.Path(path_type=Path))
@with_settings("store", "store_timeout")
def backup(settings: Settings, file: Path) -> None:
    """Write a consistent copy of the store to FILE, which must not exist yet. The service need not be stopped.

    \b
      hubbub backup /backups/hubbub-$(date +%F).db
    To restore, stop the service and put the copy in the place that HUBBUB_STORE names.
    """
    if not file.name or not is_unicode(str(file)):
        raise ConfigError("backup FILE", f"{str(file)!r} cannot be a copy's name; give one such as hubbub-copy.db.")
    from hubbub.wiring import backup as copy

    asyncio.run(copy(settings, file))
    click.echo(f"Copied {settings.store} to {file} ({file.stat().st_size} bytes).", err=True)
