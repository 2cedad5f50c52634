"""Settings that are right one by one and wrong together."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from hubbub.config.roles import Role
from hubbub.config.settings import Settings
from hubbub.errors import ConfigError


def check_consistent(settings: Settings) -> None:
    """What any command may rely on. Raises `ConfigError`."""
    if settings.ingest is not None:
        raise ConfigError("HUBBUB_INGEST", "this version has no ingest log to choose; leave it unset.")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        missing, there = ("KEY", "CERT") if settings.tls_key is None else ("CERT", "KEY")
        raise ConfigError(f"HUBBUB_TLS_{missing}", f"HTTPS needs it besides HUBBUB_TLS_{there}; set both or neither.")
    for low, high in (("tick_min", "tick_max"), ("retry_min", "retry_max")):
        if getattr(settings, low) > getattr(settings, high):
            raise ConfigError(
                f"HUBBUB_{low.upper()}",
                f"{getattr(settings, low):g} s is more than HUBBUB_{high.upper()} ({getattr(settings, high):g} s); "
                "lower the one or raise the other.",
            )
    if settings.store_timeout > settings.max_skew:
        # A comment's time is set before its commit waits: one that comes later than this is not read again by a resume.
        raise ConfigError(
            "HUBBUB_STORE_TIMEOUT",
            f"{settings.store_timeout:g} s is more than HUBBUB_MAX_SKEW ({settings.max_skew:g} s), and viewers who "
            "come back would miss a comment that was committed so late; lower the one or raise the other.",
        )
    if settings.dev and not is_loopback(settings.host):
        raise ConfigError(
            "HUBBUB_DEV",
            f"anybody who reaches a development server may post, so it does not listen on {settings.host}: "
            "leave HUBBUB_HOST at 127.0.0.1, or run without --dev and set HUBBUB_JWT_SECRET.",
        )


def check_for_serving(settings: Settings) -> None:
    """What a server needs besides. Raises `ConfigError`."""
    if settings.jwt_secret is None and settings.jwks_url is None and not settings.dev:
        raise ConfigError(
            "HUBBUB_JWT_SECRET",
            "without it nobody's token can be checked. Set it to a secret that your application signs tokens with "
            '(export HUBBUB_JWT_SECRET="$(openssl rand -base64 32)"), or set HUBBUB_JWKS_URL to the keys of who '
            "signs them. To try Hubbub out on this machine: hubbub serve --dev",
        )
    for name in ("tls_cert", "tls_key"):
        file = getattr(settings, name)
        if file is not None:
            try:
                Path(file).open("rb").close()
            except OSError as error:
                raise ConfigError(f"HUBBUB_{name.upper()}", f"{file} can't be read: {error.strerror}.") from None


def check_processes(settings: Settings, role: Role) -> None:
    """Whether the live log reaches every process that needs it. Raises `ConfigError`."""
    if settings.broker.partition(":")[0] != "local":
        return
    if role is not Role.SERVE:
        others = "gateways, where the viewers are" if role is Role.API else "API processes, where posts come in"
        raise ConfigError(
            "HUBBUB_BROKER",
            f"local:// stays inside one process, and `hubbub {role}` has to reach {others}. Set the same "
            "HUBBUB_BROKER=redis://HOST:6379 for all of them, or run `hubbub serve`, which is both.",
        )
    if settings.workers > 1:
        raise ConfigError(
            "HUBBUB_BROKER",
            f"local:// stays inside one process, and HUBBUB_WORKERS asks for {settings.workers}: who watches in one "
            "would not see what is posted in another. Set HUBBUB_BROKER=redis://HOST:6379, or leave HUBBUB_WORKERS "
            "at 1.",
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` means this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
