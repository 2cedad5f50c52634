"""The secret of a development server: made once, kept in a file beside the database that only its owner may read.

So tokens outlive a restart, and ``hubbub token`` in another terminal makes tokens that the server takes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from hubbub.config.settings import Origin, Settings
from hubbub.config.values import MIN_SECRET
from hubbub.errors import ConfigError

FILE_NAME = ".hubbub-dev-secret"

_SQLITE = "sqlite:///"


def secret_file(settings: Settings) -> Path:
    """Where the secret is: beside a SQLite store's file, else in the current directory."""
    if settings.store.startswith(_SQLITE):
        return Path(unquote(settings.store.removeprefix(_SQLITE))).parent / FILE_NAME
    return Path(FILE_NAME)


def with_dev_secret(settings: Settings, *, create: bool = False) -> Settings:
    """``settings`` with the secret from the file, where none is set; unchanged where there is no file either.

    ``create``: make the file if need be. Raises `ConfigError` when it can't be used.
    """
    if settings.jwt_secret is not None:
        return settings
    path = secret_file(settings)
    try:
        secret = _read(path)
        if secret is None and create:
            _create(path)
            secret = _read(path)
    except OSError as error:
        raise ConfigError("HUBBUB_DEV", f"the secret's file {path} can't be used: {error.strerror}.") from None
    if secret is None:
        return settings
    origins = {**settings.origins, "jwt_secret": Origin("dev secret", str(path), secret)}
    return replace(settings, jwt_secret=secret, origins=origins)


def _read(path: Path) -> str | None:
    """The secret, None without a file. Who can read or write the file can sign in as anybody: it must be ours alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        found = os.fstat(descriptor)
        if os.name == "posix" and (found.st_mode & 0o077 or found.st_uid != os.geteuid()):
            raise ConfigError(
                "HUBBUB_DEV",
                f"others than you may read or change {path}: delete it, and `hubbub serve --dev` makes another.",
            )
        secret = file.read(1024).strip()
    if len(secret) < MIN_SECRET:
        raise ConfigError("HUBBUB_DEV", f"{path} holds no secret: delete it, and `hubbub serve --dev` makes another.")
    return secret


def _create(path: Path) -> None:
    """Make the file, complete from its first moment: whoever is second to make it finds the first's."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
