"""``hubbub token``: a token on stdout, for trying things out and for scripts."""

from __future__ import annotations

import click

from hubbub.cli.options import with_settings
from hubbub.config import Settings, secret_file, values, with_dev_secret
from hubbub.errors import ConfigError

DAY = 86_400.0

_LONGEST = 3650 * DAY


def _lifetime(ctx: click.Context, param: click.Parameter, value: str) -> float:
    try:
        return values.seconds(1, _LONGEST)(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _scopes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    from hubbub.comments.identity import SCOPES

    scopes = tuple(value.replace(",", " ").split())
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise click.BadParameter(f"{unknown[0]!r} is none of read, post, moderate.")
    return scopes


@click.command(short_help="Print a token for a user.")
@click.option("--user", metavar="ID", required=True, help="Whom the token stands for.")
@click.option("--name", metavar="NAME", help="The name that viewers see [the id].")
@click.option(
    "--scope", "scopes", default="read post", callback=_scopes, help="What it allows [read post]; moderate too."
)
@click.option("--expires", "lifetime", metavar="TIME", default="1d", callback=_lifetime, help="How long it lasts [1d].")
@click.option("--role", "roles", metavar="ROLE", multiple=True, help="A role shown with the name; may be repeated.")
@click.option(
    "--video",
    "videos",
    metavar="PATTERN",
    multiple=True,
    help="Only these videos, * for anything; may be repeated [all].",
)
@with_settings("store", "jwt_secret", "jwt_issuer", "jwt_audience")
def token(
    settings: Settings,
    user: str,
    name: str | None,
    scopes: tuple[str, ...],
    lifetime: float,
    roles: tuple[str, ...],
    videos: tuple[str, ...],
) -> None:
    """Print a token that a server with the same secret accepts, and nothing else.

    The secret is HUBBUB_JWT_SECRET, or else the one that a development server keeps beside its database.

    \b
      hubbub token --user ann --name Ann
      hubbub token --user mod --scope "read post moderate" --role moderator --expires 1h
    """
    click.echo(make_token(settings, user, name, scopes=scopes, lifetime=lifetime, roles=roles, videos=videos or None))


def make_token(
    settings: Settings,
    user: str,
    name: str | None = None,
    *,
    scopes: tuple[str, ...] = ("read", "post"),
    lifetime: float = DAY,
    roles: tuple[str, ...] = (),
    videos: tuple[str, ...] | None = None,
) -> str:
    """A token signed with the configured secret, else with the development server's. Raises `ConfigError`."""
    from hubbub.comments.identity import mint_token

    secret = with_dev_secret(settings).jwt_secret
    if secret is None:
        raise ConfigError(
            "HUBBUB_JWT_SECRET",
            "there is no secret to sign a token with. Set it as the server has it; a development server "
            f"(hubbub serve --dev) keeps its own in {secret_file(settings)}, and there is no such file.",
        )
    return mint_token(
        secret,
        user,
        name,
        scopes,
        lifetime,
        roles=roles,
        videos=videos,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )
