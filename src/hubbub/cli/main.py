"""The command ``hubbub``: which commands there are, and how errors end it.

Exit status: 0; 1 when the server or the store said no; 2 for a wrong setting or usage; 130 after Ctrl-C. An error of
ours is one line on stderr. What heavy commands need is imported inside them, so that ``hubbub --help`` and completion
are quick.
"""

from __future__ import annotations

from typing import Any

import click

from hubbub import __version__
from hubbub.cli.backup import backup
from hubbub.cli.config import config
from hubbub.cli.post import post
from hubbub.cli.serve import serve
from hubbub.cli.tail import tail
from hubbub.cli.token import token
from hubbub.errors import ConfigError, HubbubError

INTERRUPTED = 130
"""128 and SIGINT, as shells count."""


class Failure(click.ClickException):
    """An error as the terminal shows it."""

    def __init__(self, error: HubbubError) -> None:
        super().__init__(" ".join(str(error).split()))

    def show(self, file: Any = None) -> None:
        """``hubbub: …``, on one line."""
        click.echo(f"hubbub: {self.message}", err=True)


class Misconfigured(Failure):
    """An error that better settings mend."""

    exit_code = 2


class Program(click.Group):
    """A group whose commands may raise `HubbubError` or be interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise Misconfigured(error) from error
        except HubbubError as error:
            raise Failure(error) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of first use, rather than by name."""
        return list(self.commands)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Try it on this machine:  hubbub serve --dev",
)
@click.version_option(__version__, message="hubbub %(version)s")
def program() -> None:
    """Live comments for live video: one program that takes comments, keeps them, and shows them to everybody watching.

    `hubbub serve` runs the service; the other commands talk to a running one or look after it. Each has a --help.
    """


for command in (serve, token, post, tail, config, backup):
    program.add_command(command)


def main() -> None:
    """What the installed command and ``python -m hubbub`` call."""
    program(prog_name="hubbub")
