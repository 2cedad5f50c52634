"""``hubbub video``: start and end videos, tell of them, ask, and list them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import click

from hubbub.cli.options import given_token, given_video, is_unicode, server_url, with_settings
from hubbub.cli.post import own_token, tell_retry
from hubbub.cli.terminal import harmless
from hubbub.config import Settings

_ACTS = ("list", "show", "start", "end", "put")
_STATES = ("live", "ended", "upcoming")


@click.command(short_help="List videos; start, end, register or show one.")
@click.argument("act", type=click.Choice(_ACTS), metavar="|".join(_ACTS))
@click.argument("video", required=False)
@click.option("--state", metavar="|".join(_STATES), type=click.Choice(_STATES), help="With list: only these.")
@click.option("--title", metavar="TEXT", help="With put: its title.")
@click.option("--media-url", metavar="URL", help="With put: where its media is.")
@click.option("--started-at", metavar="MS", type=int, help="With put: its start, in ms since the Unix epoch.")
@click.option("--shards", metavar="N", type=int, help="With put: how many gateways share its viewers.")
@click.option("--url", metavar="URL", envvar="HUBBUB_URL", help="The server [http://127.0.0.1:8000; HUBBUB_URL].")
@click.option("--token", metavar="TOKEN", envvar="HUBBUB_TOKEN", help="Who asks [HUBBUB_TOKEN; else one made here].")
@with_settings("store", "jwt_secret", "jwt_issuer", "jwt_audience")
def video(
    settings: Settings,
    act: str,
    video: str | None,
    state: Literal["live", "ended", "upcoming"] | None,
    url: str | None,
    token: str | None,
    **told: Any,
) -> None:
    """Start or end VIDEO, register it or change what is known of it (put), or show that; prints it as JSON. Or list
    what is on, a video a line, the latest first.

    Start, end and put take a token that may moderate; for a server on this machine one is made with its secret.

    \b
      hubbub video list --state live
      hubbub video put launch --title "Launch day"
      hubbub video start launch
      hubbub video end launch
    """
    address = server_url(url, settings)
    if act == "list":
        if video is not None or any(value is not None for value in told.values()):
            raise click.UsageError("list takes no VIDEO, and of these options --state alone.")
        asyncio.run(_list(address, given_token(token), state))
        return
    if video is None or state is not None:
        raise click.UsageError("--state goes with list." if state else f"Name the VIDEO to {act}.")
    video_id = given_video(video)
    given = {name: value for name, value in told.items() if value is not None}
    if given and act != "put":
        raise click.UsageError("--title, --media-url, --started-at and --shards go with put.")
    if unreadable := next((value for value in given.values() if isinstance(value, str) and not is_unicode(value)), ""):
        raise click.UsageError(f"{unreadable[:80]!a} is not UTF-8; convert it first.")
    bearer = given_token(token)
    if bearer is None and act != "show":
        bearer = own_token(settings, address, "me", None, scopes=("read", "moderate"))
    found = asyncio.run(_ask(address, bearer, act, video_id, given))
    for line in json.dumps(found, indent=2, ensure_ascii=False).split("\n"):
        click.echo(harmless(line))


async def _list(address: str, bearer: str | None, state: Literal["live", "ended", "upcoming"] | None) -> None:
    from hubbub.client import HubbubClient

    async with HubbubClient(address, token=bearer, on_retry=tell_retry) as client:
        async for video in client.videos(state):
            line = (video["video_id"], video.get("state"), video.get("title") or "")
            click.echo("\t".join(harmless(str(part)) for part in line).rstrip())


async def _ask(address: str, bearer: str | None, act: str, video_id: str, told: dict[str, Any]) -> dict[str, Any]:
    from hubbub.client import HubbubClient

    async with HubbubClient(address, token=bearer, on_retry=tell_retry) as client:
        match act:
            case "put":
                return await client.put_video(video_id, **told)
            case "start":
                return await client.start_video(video_id)
            case "end":
                return await client.end_video(video_id)
            case _:
                return await client.video(video_id)
