"""``hubbub tail``: a video's comments in the terminal, as they come."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from hubbub.cli.options import given_token, given_video, server_url, with_settings
from hubbub.cli.terminal import harmless
from hubbub.config import Settings

if TYPE_CHECKING:
    from hubbub.client import State, WatchEvent

_NAME_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
_CONTINUED = " " * 9
"""Where the lines of a comment after its first begin: none can pass for another comment."""


@click.command(short_help="Show a video's comments as they come.")
@click.argument("video")
@click.option("--url", metavar="URL", envvar="HUBBUB_URL", help="The server [http://127.0.0.1:8000; HUBBUB_URL].")
@click.option("--token", metavar="TOKEN", envvar="HUBBUB_TOKEN", help="Where watching needs one [HUBBUB_TOKEN].")
@click.option(
    "--backlog",
    metavar="NUMBER",
    type=click.IntRange(0, 200),
    default=20,
    help="Comments from before, at most 200 [20].",
)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON: {id, event, data}.")
@with_settings()
def tail(settings: Settings, video: str, url: str | None, token: str | None, backlog: int, as_json: bool) -> None:
    """Show the comments on VIDEO, the newest ones first and then whatever comes, until Ctrl-C.

    When the connection is lost it is made again, and nothing is missing; a line on stderr says so.

    \b
      hubbub tail demo
      hubbub tail demo --backlog 0 --json | jq -r 'select(.event == "comment") | .data.text'
    """
    address, video, token = server_url(url, settings), given_video(video), given_token(token)
    asyncio.run(_tail(address, video, token, backlog, _print_json if as_json else _print_text))


async def _tail(url: str, video: str, token: str | None, backlog: int, show: Callable[[WatchEvent], None]) -> None:
    from hubbub.client import HubbubClient

    async with (
        HubbubClient(url, token=token) as client,
        aclosing(client.watch(video, backlog=backlog, on_state=_Reconnects())) as events,
    ):
        async for event in events:
            show(event)


class _Reconnects:
    """Tells on stderr when the connection is lost and when it is there again."""

    def __init__(self) -> None:
        self._lost = False

    def __call__(self, state: State, detail: str) -> None:
        if state == "waiting":
            self._lost = True
            click.echo(f"hubbub: {harmless(detail)}", err=True)
        elif state == "live" and self._lost:
            self._lost = False
            click.echo("hubbub: connected again", err=True)


def _print_json(event: WatchEvent) -> None:
    # ASCII, so that no text in it can do anything to a terminal either.
    click.echo(json.dumps({"id": event.id, "event": event.name, "data": event.data}))


def _print_text(event: WatchEvent) -> None:
    match event.name:
        case "comment":
            click.echo(comment_line(_fields(event.data)))
        case "comment_deleted" | "comment_hidden" | "comment_restored" | "comment_pinned" | "comment_unpinned":
            what, data = event.name.removeprefix("comment_"), _fields(event.data)
            line = f"{_clock(data.get('at'))} - a comment was {what}: {harmless(_text(data.get('id')))}"
            click.echo(click.style(line, dim=True))
        case "reset":
            click.echo("hubbub: comments may be missing above; the newest follow", err=True)
        case _:
            pass


def comment_line(comment: dict[str, Any]) -> str:
    """``12:34:56 Ann: text``, styled for a terminal (click takes the styles off where there is none).

    Whatever of it is missing or odd is left empty: a server of another version is no reason to stop.
    """
    user = _fields(comment.get("user"))
    name = harmless(_text(user.get("name")))
    colour = _NAME_COLOURS[sum(_text(user.get("id")).encode("utf-8", "replace")) % len(_NAME_COLOURS)]
    text = f"\n{_CONTINUED}".join(map(harmless, _text(comment.get("text")).split("\n")))
    at = click.style(_clock(comment.get("created_at")), dim=True)
    return f"{at} {click.style(name, fg=colour, bold=True)}: {text}"


def _clock(at: Any) -> str:
    """The time of day of ``at`` (milliseconds since the Unix epoch); now for None, dashes for what is no time."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(None if at is None else at / 1000))
    except (TypeError, ValueError, OverflowError, OSError):
        return "--:--:--"


def _fields(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
