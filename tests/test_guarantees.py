"""What docs/guarantees.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_that_the_guarantees_name_exists() -> None:
    """A promise whose test was renamed or taken away is one that nothing holds."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/guarantees.md").read_text()))
    files = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "src/hubbub/testing").rglob("*.py")]
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert named
    assert named - there == set()
