"""``hubbub post``: comments from the command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator

import click

from hubbub.cli.options import given_token, given_video, is_unicode, server_url, with_settings
from hubbub.cli.terminal import harmless
from hubbub.cli.token import make_token
from hubbub.config import Settings, is_loopback
from hubbub.errors import HubbubError, Malformed


@click.command(short_help="Post comments.")
@click.argument("video")
@click.argument("text", required=False)
@click.option("--url", metavar="URL", envvar="HUBBUB_URL", help="The server [http://127.0.0.1:8000; HUBBUB_URL].")
@click.option("--token", metavar="TOKEN", envvar="HUBBUB_TOKEN", help="Who posts [HUBBUB_TOKEN; else see --user].")
@click.option(
    "--user", metavar="ID", default="me", help="Without a token, post to a development server as this user [me]."
)
@click.option("--name", metavar="NAME", help="And under this name [the id].")
@with_settings("store", "jwt_secret", "jwt_issuer", "jwt_audience")
def post(
    settings: Settings, video: str, text: str | None, url: str | None, token: str | None, user: str, name: str | None
) -> None:
    """Post TEXT on VIDEO and print the comment's id. Without TEXT, or with "-", each line of stdin is a comment.

    Where the server asks for patience (rate limits), the next comment waits.

    \b
      hubbub post demo "What a goal!"
      tail -f chat.txt | hubbub post demo --user relay --name "Chat relay"
    """
    address, video = server_url(url, settings), given_video(video)
    bearer = given_token(token) or own_token(settings, address, user, name)
    texts = _lines(sys.stdin) if text in (None, "-") else iter([text])

    from hubbub.client import HubbubClient

    # A loop that runs only while posting: Ctrl-C then also ends a wait for the next line at once.
    with asyncio.Runner() as runner:
        client = HubbubClient(address, token=bearer, on_retry=tell_retry)
        try:
            for line in texts:
                click.echo(harmless(runner.run(client.post(video, _unicode(line)))["id"]))
        finally:
            runner.run(client.aclose())


def tell_retry(error: HubbubError, wait: float) -> None:
    """Say on stderr what is waited for, unless it is a rate limit's fraction of a second."""
    from hubbub.client import ApiError

    if wait >= 1 or not (isinstance(error, ApiError) and error.status == 429):
        click.echo(f"hubbub: {harmless(str(error))} Trying again in {wait:.1f} s.", err=True)


def own_token(
    settings: Settings, url: str, user: str, name: str | None, *, scopes: tuple[str, ...] = ("read", "post")
) -> str:
    """A token signed here, for a server on this machine. Raises `click.UsageError` for others, `ConfigError`."""
    from urllib.parse import urlsplit

    if not is_loopback(urlsplit(url).hostname or ""):
        raise click.UsageError(f"{url} asks who you are: give --token TOKEN, or set HUBBUB_TOKEN.")
    return make_token(settings, user, name, scopes=scopes, lifetime=3600)


def _lines(stdin: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\n") for line in stdin if line.strip())


def _unicode(text: str) -> str:
    """``text`` as it is, if it can be sent. Raises `Malformed`."""
    if not is_unicode(text):
        raise Malformed(f"The text {text[:80]!a} is not UTF-8; convert it first.")
    return text
