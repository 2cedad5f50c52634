"""``hubbub demo``: a living stream, in the development server that runs or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import click

from hubbub.cli.options import server_url, with_settings
from hubbub.cli.terminal import harmless
from hubbub.config import Settings, is_loopback, with_dev_secret
from hubbub.config.values import seconds
from hubbub.errors import ConfigError, HubbubError

_LOOK_AGAIN = 1.0
"""Seconds between two looks at whether it still plays."""


class NotDevelopment(HubbubError):
    """The server that was asked has no demo."""


def _length(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        return seconds(5, 3600)(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(short_help="Play a made-up stream with a busy chat.")
@click.option("--for", "length", metavar="TIME", default="10min", callback=_length, help="How long it lasts [10min].")
@click.option("--rate", type=click.FloatRange(0.1, 20), default=3, help="Comments a second, on average [3].")
@click.option("--url", metavar="URL", envvar="HUBBUB_URL", help="The server [http://127.0.0.1:8000; HUBBUB_URL].")
@with_settings("host", "port", "store", "jwt_secret")
def demo(settings: Settings, length: float, rate: float, url: str | None) -> None:
    """Play a stream on the video demo: bursts, many languages, a host who pins, a moderator who deletes. Its page has a
    clip of a minute, which goes round and round. Ctrl-C ends it; afterwards its replay can be scrubbed.

    It plays in the development server that runs on this machine. If none does, one is started, and stays until Ctrl-C.

    \b
      hubbub demo
      hubbub demo --for 1min --rate 10
    """
    address = server_url(url, settings)
    wish = {"seconds": length, "rate": rate}
    try:
        asyncio.run(_play(address, wish))
    except ConnectionError:
        if url is not None:
            raise NotDevelopment(f"{address} cannot be reached.") from None
        _serve(settings, wish)


async def _play(address: str, wish: dict[str, float]) -> None:
    """Have it played until it is over; end it when cancelled. Raises `ConnectionError` where nothing listens."""
    playing = await _call(address, "POST", wish)
    click.echo(f"Watch it, for {wish['seconds']:g} seconds or until Ctrl-C:\n  {_page(address, playing)}")
    try:
        while playing["ends_at"] is not None:
            await asyncio.sleep(_LOOK_AGAIN)
            playing = await _call(address, "GET")
    except asyncio.CancelledError:
        with contextlib.suppress(ConnectionError, HubbubError):  # the server may have had the same Ctrl-C
            await _call(address, "DELETE")
        raise
    click.echo(f"It has ended; its replay can be scrubbed:\n  {_page(address, playing)}")


def _page(address: str, playing: dict[str, Any]) -> str:
    return harmless(f"{address.rstrip('/')}/watch/{playing['video_id']}")


async def _call(address: str, method: str, wish: dict[str, float] | None = None) -> dict[str, Any]:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.request(method, f"{address.rstrip('/')}/dev/demo", json=wish)
        found = answer.json()
    except httpx.ConnectError as error:
        raise ConnectionError(address) from error
    except (httpx.HTTPError, ValueError) as error:
        raise NotDevelopment(f"{address} did not answer as Hubbub does ({type(error).__name__}).") from error
    if answer.status_code == 200 and isinstance(found, dict) and "video_id" in found and "ends_at" in found:
        return found
    if answer.status_code == 404:
        raise NotDevelopment(f"{address} is no development server; the demo plays in `hubbub serve --dev` only.")
    detail = found.get("detail") if isinstance(found, dict) else None
    raise NotDevelopment(f"{address} answered {answer.status_code}. {detail or ''}".rstrip())


def _serve(settings: Settings, wish: dict[str, float]) -> None:
    """A development server of our own, and the demo in it."""
    from dataclasses import replace

    from hubbub.logs import configure_logging
    from hubbub.wiring import run_server

    if not is_loopback(settings.host):
        raise ConfigError("HUBBUB_HOST", f"a demo is for this machine only, so it does not listen on {settings.host}.")
    settings = with_dev_secret(replace(settings, dev=True), create=True)
    configure_logging(settings.log_format, "warning", settings.access_log, secrets=[settings.jwt_secret or ""])
    tasks: list[asyncio.Task[None]] = []

    def on_ready(url: str) -> None:
        tasks.append(asyncio.get_running_loop().create_task(_play(url, wish)))

    run_server(settings, on_ready)
