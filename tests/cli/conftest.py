"""How these tests call the command line: in this process where they can, as a person would where a server is needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hubbub.cli.main import program

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, and an environment without settings."""
    for name in os.environ:
        if name.startswith("HUBBUB_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    """Runs ``hubbub`` with these words; keywords are environment variables without their ``HUBBUB_``."""

    def run_program(*words: str, **environ: str) -> Result:
        result = CliRunner().invoke(
            program, words, prog_name="hubbub", env={f"HUBBUB_{name}": value for name, value in environ.items()}
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program
