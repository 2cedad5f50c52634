"""The version before this one, from the repository's own history."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src"
"""Where this version is."""


def previous_version() -> str:
    """The commit to upgrade from: ``HUBBUB_UPGRADE_FROM``, or the newest tag before this commit, or its (first) parent.
    Raises `RuntimeError`, saying what is needed, where there is none.
    """
    if wanted := os.environ.get("HUBBUB_UPGRADE_FROM"):
        return _git("rev-parse", "--verify", f"{wanted}^{{commit}}")
    parent = _git("rev-parse", "--verify", "HEAD~1^{commit}")
    tag = _git("tag", "--merged", parent, "--sort=-creatordate").partition("\n")[0]
    return _git("rev-parse", "--verify", f"{tag}^{{commit}}") if tag else parent


def unpacked(folder: Path) -> tuple[str, Path]:
    """Its name and its ``src``, unpacked into ``folder``. A copy of this version where there is no history, as in a
    shallow clone: then processes take over from each other all the same, and it says so.
    """
    try:
        commit = previous_version()
        packed = _run("archive", "--format=tar", commit, "src", "client")
    except RuntimeError as error:
        logging.getLogger(__name__).warning("%s\nSo this version itself is upgraded from.", error)
        for part in ("src", "client"):
            shutil.copytree(ROOT / part, folder / part)
        return "itself", folder / "src"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
    return commit[:12], folder / "src"


def taken_from(pythonpath: str, directory: Path) -> Path:
    """The file of `hubbub` that a process with this ``PYTHONPATH``, started in ``directory``, runs."""
    command = [sys.executable, "-c", "import hubbub.cli.main as main; print(main.__file__)"]
    environ = {**os.environ, "PYTHONPATH": pythonpath}
    return Path(
        subprocess.run(command, cwd=directory, env=environ, check=True, capture_output=True, text=True).stdout.strip()
    )


def _git(*words: str) -> str:
    return _run(*words).decode().strip()


def _run(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise RuntimeError(
            f"The test of a rolling upgrade needs git and the commit before this one, in {ROOT}. In a shallow clone: "
            f"git fetch --unshallow --tags (or clone with a depth of 2 or more). `git {' '.join(words)}` said: {said}"
        ) from error
