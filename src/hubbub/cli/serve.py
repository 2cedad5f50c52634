"""``hubbub serve``, ``api`` and ``gateway``: the service, or a part of it."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from hubbub import __version__
from hubbub.cli.options import SettingsCommand, with_settings
from hubbub.config import Role, Settings, check_for_serving, check_processes, rows, with_dev_secret
from hubbub.errors import ConfigError
from hubbub.logs import configure_logging

log = logging.getLogger(__name__)

_TOKEN_SETTINGS = ("store", "jwt_issuer", "jwt_audience")
"""What ``hubbub token`` must know, as the server does, to make tokens that the server takes."""


@click.command(cls=SettingsCommand, short_help="Run the service.")
@with_settings(*rows())
def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or Ctrl-C: first viewers are sent on their way, and what was accepted is finished.

    \b
    Try it out on this machine:
      hubbub serve --dev
    For real, with the secret that your application signs tokens with:
      export HUBBUB_JWT_SECRET="$(openssl rand -base64 32)"
      hubbub serve --host 0.0.0.0 --store sqlite:////var/lib/hubbub/hubbub.db

    Every option is also a variable (HUBBUB_PORT) and a key of a TOML file (port); `hubbub config` shows what is in
    force and from where.
    """
    _run(settings, Role.SERVE)


@click.command(cls=SettingsCommand, short_help="Run the part that takes posts.")
@with_settings(*rows())
def api(settings: Settings) -> None:
    """Run the part that takes posts and answers everything but streams and polls; any number of these may run.

    \b
    All of them, and the gateways, need the same store and the same live log between them:
      export HUBBUB_BROKER=redis://127.0.0.1:6379 HUBBUB_JWT_SECRET=…
      hubbub api --port 8001
    """
    _run(settings, Role.API)


@click.command(cls=SettingsCommand, short_help="Run the part that viewers watch from.")
@with_settings(*rows())
def gateway(settings: Settings) -> None:
    """Run the part that serves streams and polls, and nothing else; any number of these may run.

    \b
    All of them, and the API processes, need the same store and the same live log between them:
      export HUBBUB_BROKER=redis://127.0.0.1:6379 HUBBUB_JWT_SECRET=…
      hubbub gateway --port 8002
    """
    _run(settings, Role.GATEWAY)


def _run(settings: Settings, role: Role) -> None:
    from hubbub.workers.place import worker_place

    place = worker_place()
    check_for_serving(settings)
    check_processes(settings, role)
    check_certificate(settings, may_ask=settings.workers == 1)
    if settings.dev:
        settings = with_dev_secret(settings, create=True)
    configure_logging(
        settings.log_format,
        settings.log_level,
        settings.access_log,
        secrets=[settings.jwt_secret] if settings.jwt_secret else [],
        worker=place.number if place else None,
    )
    if place is not None:
        from hubbub.workers.child import run_worker

        run_worker(settings, role, place)
        return

    def on_ready(url: str) -> None:
        processes = f", with {settings.workers} workers" if settings.workers > 1 else ""
        log.info("hubbub %s (%s) serves on %s%s", __version__, role, url, processes)
        if settings.dev:
            click.echo(first_steps(settings, url))

    if settings.workers > 1:
        from hubbub.workers.parent import run_workers

        if status := run_workers(settings, on_ready):
            raise SystemExit(status)
        return
    from hubbub.wiring import run_server

    run_server(settings, on_ready, role)


def check_certificate(settings: Settings, *, may_ask: bool = True) -> None:
    """Whether HTTPS could begin with the certificate and key that are set; ``may_ask``: there is a terminal to ask for
    the key's passphrase. Raises `ConfigError`.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return
    import ssl

    asked = False

    def passphrase() -> str:
        nonlocal asked
        asked = True
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key, passphrase)
    except ssl.SSLError as error:
        if asked and not may_ask:
            raise ConfigError(
                "HUBBUB_TLS_KEY",
                f"{settings.tls_key} has a passphrase, for which several workers can't ask; write it without one, "
                "readable for the service only, or let a proxy before them do HTTPS.",
            ) from error
        if asked:  # a key with a passphrase, which the server asks for at the terminal
            return
        reason = error.reason.lower().replace("_", " ") if error.reason else "not PEM"
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                "HUBBUB_TLS_KEY",
                f"{settings.tls_key} is not the key of the certificate {settings.tls_cert} ({reason}).",
            ) from error
        raise ConfigError(
            "HUBBUB_TLS_CERT",
            f"{settings.tls_cert} and {settings.tls_key} can't be used ({reason}); "
            "they must be a certificate (with its chain) and its key, both PEM.",
        ) from error
    except OSError as error:
        raise ConfigError("HUBBUB_TLS_CERT", f"{settings.tls_cert} can't be read: {error.strerror}.") from error


def first_steps(settings: Settings, url: str) -> str:
    """What to try with a development server, ready to be pasted into another terminal."""
    comments = f"{url}/v1/videos/demo/comments"
    authorization = f"Authorization: Bearer $({token_command(settings)})"
    insecure = " -k" if url.startswith("https:") else ""  # whatever certificate a laptop has, curl won't know it
    elsewhere = [] if url == "http://127.0.0.1:8000" else ["--url", url]
    demo = shlex.join([*own_words(), "demo", *elsewhere])
    page = f"The page:\n  {url}/\n" if settings.pages else ""
    return f"""
{page}A living stream (or press the page's button):
  {demo}
Watch a video's comments:
  curl -N{insecure} {comments}/stream
Post one, in another terminal:
  curl -sX POST{insecure} {comments} -H "{authorization}" -H 'Content-Type: application/json' -d '{{"text":"Hello!"}}'
"""


def token_command(settings: Settings) -> str:
    """A shell command that prints a token for this server, in a terminal that has none of our environment."""
    words = [*own_words(), "token", "--user", "me"]
    files = [origin.where for origin in settings.origins.values() if origin.kind == "file"]
    words += ["--config", files[0]] if files else []
    for name in _TOKEN_SETTINGS:
        origin = settings.origins.get(name)
        if origin and origin.kind in ("flag", "variable"):
            words += [rows()[name].flag, origin.text]
    line = shlex.join(words)
    secret = settings.origins.get("jwt_secret")
    if secret and secret.kind in ("flag", "variable"):
        line += ' --jwt-secret "${HUBBUB_JWT_SECRET:?set it as for the server}"'  # rather than print it
    return line


def own_words() -> list[str]:
    """The words by which this program can be called again from this directory."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return [sys.executable, "-m", "hubbub"]
    if shutil.which(called.name) == str(called.absolute()):
        return [called.name]
    relative = os.path.relpath(called)
    return [str(called) if relative.startswith("..") else relative]
