"""The command ``hubbub``: which commands there are, and how errors end it.

Exit status: 0; 1 when the server or the store said no; 2 for a wrong setting or usage; 130 after Ctrl-C. An error is
one line on stderr, also one that nobody foresaw (status 1); of that, HUBBUB_DEBUG shows the traceback. What heavy
commands need is imported inside them, so that ``hubbub --help`` and completion are quick.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import click

from hubbub import __version__
from hubbub.cli.backup import backup
from hubbub.cli.config import config
from hubbub.cli.demo import demo
from hubbub.cli.options import DEBUG_VARIABLE
from hubbub.cli.post import post
from hubbub.cli.serve import api, gateway, serve
from hubbub.cli.store import store
from hubbub.cli.tail import tail
from hubbub.cli.terminal import harmless
from hubbub.cli.token import token
from hubbub.cli.video import video
from hubbub.errors import ConfigError, HubbubError

INTERRUPTED = 130
"""128 and SIGINT, as shells count."""


class Failure(click.ClickException):
    """An error as the terminal shows it."""

    def __init__(self, said: str) -> None:
        super().__init__(harmless(" ".join(said.split())))  # much of it may be a server's own words

    def show(self, file: Any = None) -> None:
        """``hubbub: …``, on one line."""
        click.echo(f"hubbub: {self.message}", err=True)


class Misconfigured(Failure):
    """An error that better settings mend."""

    exit_code = 2


class Unforeseen(Failure):
    """A fault of ours, or something that no code here reckons with."""

    def __init__(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        super().__init__(
            f"{said.rstrip('.')}. This was not foreseen; set {DEBUG_VARIABLE}=1 to see where it came from."
        )


class Program(click.Group):
    """A group whose commands may raise anything or be interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise Misconfigured(str(error)) from error
        except HubbubError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # click ends the program quietly when whoever read its output has gone.
            if os.environ.get(DEBUG_VARIABLE) or (isinstance(error, OSError) and error.errno == errno.EPIPE):
                raise
            raise Unforeseen(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of first use, rather than by name."""
        return list(self.commands)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nTry it on this machine:  hubbub serve --dev\n"
    f"After an error that says it was not foreseen, {DEBUG_VARIABLE}=1 shows the traceback.",
)
@click.version_option(__version__, message="hubbub %(version)s")
def program() -> None:
    """Live comments for live video: one program that takes comments, keeps them, and shows them to everybody watching.

    `hubbub serve` runs the service (`api` and `gateway` its two halves, for many machines); the other commands talk to
    a running one or look after it. Each has a --help.
    """


for command in (serve, api, gateway, demo, token, post, tail, video, config, store, backup):
    program.add_command(command)


def main() -> None:
    """What the installed command and ``python -m hubbub`` call."""
    program(prog_name="hubbub")
