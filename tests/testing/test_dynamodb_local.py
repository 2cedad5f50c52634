from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from hubbub.testing.dynamodb_local import DynamoDBLocal


def test_without_its_jars_it_says_how_to_get_them_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the scripts; the folder that it would have worked in is gone."""
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(RuntimeError, match="scripts/install-dynamodb-local"), DynamoDBLocal(tmp_path):
        pass
    assert list(scratch.iterdir()) == []
