"""How long hard times last: short in `make test`, as an operator would see them in `make chaos`."""

from __future__ import annotations

import os

LONG = os.environ.get("HUBBUB_CHAOS") == "long"


def seconds(long: float, short: float) -> float:
    """The length of some trouble."""
    return long if LONG else short
