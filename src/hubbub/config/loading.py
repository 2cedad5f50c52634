"""Settings from where people put them: flag, then environment, then file, then default."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hubbub.config.checks import check_consistent
from hubbub.config.settings import Origin, Row, Settings, rows
from hubbub.errors import ConfigError

CONFIG_VARIABLE = "HUBBUB_CONFIG"
CONFIG_FILE = "hubbub.toml"

_OTHER_VARIABLES = frozenset({CONFIG_VARIABLE, "HUBBUB_TOKEN", "HUBBUB_URL", "HUBBUB_WORKER"})
_KUBERNETES = re.compile(r"HUBBUB_(SERVICE_|PORT_\d)")  # what it sets for a Service named hubbub; nobody's mistake


def load_settings(
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    config: str | None = None,
) -> Settings:
    """Read, parse and check every setting.

    ``flags``: texts by setting name, None where a flag was not given. ``environ``: None for the process's own; an empty
    variable counts as not set. ``config``: a TOML file (a flag's value), else ``HUBBUB_CONFIG``, else ./hubbub.toml if
    there is one. Raises `ConfigError` that names the setting, what is wrong with it, and an example.
    """
    given = os.environ if environ is None else environ
    file = _config_file(config, given)
    sources = (_from_flags(flags or {}), _from_environment(given), _from_file(file) if file else {})
    origins: dict[str, Origin] = {}
    chosen: dict[str, Any] = {}
    for row in rows().values():
        default = Origin("default", "", row.default)
        origins[row.name] = origin = next((source[row.name] for source in sources if row.name in source), default)
        if origin is not default:
            chosen[row.name] = _parse(row, origin)
    settings = Settings(**chosen, origins=origins, notes=tuple(_unknown_variables(given)))
    check_consistent(settings)
    return settings


def _parse(row: Row, origin: Origin) -> Any:
    try:
        return row.parse(origin.text)
    except ValueError as error:
        raise ConfigError(
            row.variable, f"{error} It came from the {origin}. For example: {_example(row, origin)}"
        ) from None


def _example(row: Row, origin: Origin) -> str:
    """How to write a value that is right, in the place where the wrong one stood."""
    if origin.kind == "flag":
        return f"{row.flag} {row.example}"
    return f'{row.name} = "{row.example}"' if origin.kind == "file" else f"{row.variable}={row.example}"


def _from_flags(flags: Mapping[str, str | None]) -> dict[str, Origin]:
    return {name: Origin("flag", rows()[name].flag, text) for name, text in flags.items() if text is not None}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Origin]:
    named = ((row.name, row.variable) for row in rows().values())
    return {name: Origin("variable", var, environ[var]) for name, var in named if environ.get(var)}


def _config_file(flag: str | None, environ: Mapping[str, str]) -> Path | None:
    named = flag or environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    usual = Path(CONFIG_FILE)
    return usual if usual.is_file() else None


def _from_file(path: Path) -> dict[str, Origin]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(CONFIG_VARIABLE, f"{path} can't be read: {error.strerror}.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(CONFIG_VARIABLE, f"{path} is not TOML: {error}.") from None
    origins = {}
    for key, value in found.items():
        if key not in rows():
            raise ConfigError(CONFIG_VARIABLE, f"{path} sets {key!r}, which is no setting.{_did_you_mean(key, rows())}")
        origins[key] = Origin("file", str(path), _text_of(key, value, path))
    return origins


def _text_of(key: str, value: object, path: Path) -> str:
    """A TOML value as the text that a parser reads."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) and "," not in item for item in value):
        return ",".join(value)
    raise ConfigError(
        rows()[key].variable,
        f"{path} gives it a {type(value).__name__}; write text, a number, true, false or a list of texts.",
    )


def _unknown_variables(environ: Mapping[str, str]) -> Iterable[str]:
    """A note for each ``HUBBUB_`` variable that means nothing: most likely a slip of the pen.

    Not an error: other programs (Kubernetes, test scripts) set variables of that name too.
    """
    known = {row.variable for row in rows().values()} | _OTHER_VARIABLES
    for name in sorted(environ):
        if name.startswith("HUBBUB_") and name not in known and not _KUBERNETES.match(name):
            yield f"{name} is set and is no setting of this version.{_did_you_mean(name, known, prefix='HUBBUB_')}"


def _did_you_mean(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """``prefix``: what all of them begin with, which makes no two alike."""
    told = name.replace("-", "_").removeprefix(prefix)
    alike = difflib.get_close_matches(told, [one.removeprefix(prefix) for one in known], n=1, cutoff=0.7)
    return f" Did you mean {prefix}{alike[0]}?" if alike else ""
