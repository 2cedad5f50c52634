"""Make .venv what pyproject.toml and constraints.txt say, and do nothing when it is that already.

    python3 scripts/make_venv.py                   what `hubbub serve` needs at least
    python3 scripts/make_venv.py test check        and these extras

The interpreter that runs this is the one .venv is made with. Two runs at once are fine: the second waits for the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "hubbub-stamp.json"


def wanted() -> str:
    """A digest of everything that .venv is made from. The tools' own settings in pyproject.toml are no part of it."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [project["build-system"], project["project"], (ROOT / "constraints.txt").read_text()]
    place = [str(ROOT), sys.version, sys.base_prefix]  # neither a venv nor an editable install can be moved
    return sha256(json.dumps([parts, place]).encode()).hexdigest()


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the lock that keeps two makes from installing at once."""
    try:
        import fcntl
    except ImportError:  # Windows has none; there, make one at a time
        yield
        return
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def installed(digest: str) -> set[str]:
    """The extras that .venv has, or an empty set when it must be made anew (the empty extra stands for the base)."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return set()
    return set(stamp["extras"]) if stamp["digest"] == digest else set()


def main(extras: list[str]) -> None:
    """Bring .venv up to date. Exits with pip's own words and status when that fails."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        sys.exit(
            f"Hubbub needs Python 3.11 or newer and this is {sys.version.split()[0]}: try `make PYTHON=python3.12 …`"
        )
    with locked():
        digest = wanted()
        have, need = installed(digest), {"", *extras}
        if need <= have:
            return
        what = " and what the tests and checks need" if {*extras} & {"test", "check", "bench"} else ""
        print(f"Installing Hubbub{what} into .venv; this takes a minute the first time.", file=sys.stderr, flush=True)
        if not have:
            shutil.rmtree(VENV, ignore_errors=True)
            outside = sys._base_executable  # type: ignore[attr-defined] # as the module venv does: we may run from .venv
            subprocess.run([outside, "-m", "venv", VENV], check=True)
        target = f".[{','.join(sorted(extras))}]" if extras else "."
        python = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "install", "-c", "constraints.txt", "-e", target], cwd=ROOT, check=True)
        STAMP.write_text(json.dumps({"digest": digest, "extras": sorted(have | need)}))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
