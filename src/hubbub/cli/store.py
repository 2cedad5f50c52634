"""``hubbub store``: making the store's place."""

from __future__ import annotations

import asyncio

import click

from hubbub.cli.options import with_settings
from hubbub.config import Settings


@click.group(short_help="Make the store's place, where it needs one.")
def store() -> None:
    """Look after the store that HUBBUB_STORE names."""


@store.command()
@click.option("--dry-run", is_flag=True, help="Say what would be made, and make nothing.")
@with_settings("store", "store_timeout")
def create(settings: Settings, dry_run: bool) -> None:
    """Make the table of a dynamodb:// store, and say what was made. What is there already is left as it is.

    \b
      hubbub store create --store 'dynamodb://hubbub?region=eu-west-1'
    SQLite needs no such thing: the first start makes the file.
    """
    from hubbub.wiring import create_store

    for line in asyncio.run(create_store(settings, dry_run=dry_run)):
        click.echo(line)
