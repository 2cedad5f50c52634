"""The short form of `make fuzz`."""

from __future__ import annotations

import time

import pytest
from tests.fuzz.__main__ import names
from tests.fuzz.mutating import inputs
from tests.fuzz.one import LONGEST, around, load

SECONDS = 0.5
"""For each target. `make fuzz` takes ten minutes for all, and is guided by coverage."""


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_no_input_finds_a_fault(name: str) -> None:
    """The seeds, and the same few hundred or thousand changes to them every time, are answered as each target says."""
    target = load(name)
    ends = time.monotonic() + SECONDS * getattr(target, "WEIGHT", 1)
    made = inputs(
        target.SEEDS, getattr(target, "DICTIONARY", []), longest=getattr(target, "MAX_LENGTH", LONGEST), number=1
    )
    tried = 0
    with around(target):
        for data in made:
            try:
                target.check(data)
            except BaseException as fault:
                fault.add_note(f"the input: {data!r}")
                raise
            tried += 1
            if time.monotonic() >= ends and tried > len(target.SEEDS):
                break
    assert tried > len(target.SEEDS)
