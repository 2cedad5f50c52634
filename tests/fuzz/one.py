"""One target in a process of its own: fuzzed by atheris where that is installed, else by chance; or an input replayed.

python -m tests.fuzz.one TARGET SECONDS FOLDER     its corpus and its findings are kept in the folder
python -m tests.fuzz.one TARGET FILE               run an input again

A target is a module in ``targets``: ``SEEDS``, and ``check(data)``, which raises for an input that a parser gets wrong.
It may have a ``DICTIONARY`` of what is worth trying, ``MAX_LENGTH`` of an input, ``WEIGHT`` of its share of the time,
and ``ready()``, a context around all inputs.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.fuzz.mutating import inputs

LONGEST = 4096
"""Bytes of an input where a target names no other bound."""

INSTRUMENTED = ["hubbub", "tests.fuzz.targets", "urllib", "ipaddress", "json", "base64", "jwt", "uvicorn", "httpx_sse"]

try:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]
except ImportError:  # there is none for this machine
    atheris = None

GUIDED = atheris is not None


def load(name: str) -> ModuleType:
    """A target by its name."""
    return importlib.import_module(f"tests.fuzz.targets.{name}")


def around(target: ModuleType) -> AbstractContextManager[Any]:
    """What must be there while inputs are checked."""
    ready: AbstractContextManager[Any] = target.ready() if hasattr(target, "ready") else nullcontext()
    return ready


def by_coverage(name: str, seconds: int, folder: Path) -> None:
    """libFuzzer's loop; it ends the process, with a status other than 0 after a finding."""
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        target = load(name)
    seeds, corpus, words = folder / "seeds", folder / "corpus", folder / "words"
    for place in (seeds, corpus):
        place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (seeds / str(number)).write_bytes(seed)
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in getattr(target, "DICTIONARY", []))
    words.write_text("".join(f'"{word}"\n' for word in quoted))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={getattr(target, 'MAX_LENGTH', LONGEST)}",
        f"-artifact_prefix={folder}/",
        *([f"-dict={words}"] if words.stat().st_size else []),
        "-timeout=15",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    ]
    with around(target):
        atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], target.check)
        atheris.Fuzz()


def by_chance(name: str, seconds: float, folder: Path) -> int:
    """Changes to the seeds until the time is over; the inputs tried. A finding is kept, and raised."""
    target = load(name)
    tried, ends, told = 0, time.monotonic() + seconds, time.monotonic()
    longest = getattr(target, "MAX_LENGTH", LONGEST)
    with around(target):
        for data in inputs(target.SEEDS, getattr(target, "DICTIONARY", []), longest=longest, number=time.time_ns()):
            try:
                target.check(data)
            except BaseException:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"crash-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
                raise
            tried += 1
            now = time.monotonic()
            if now >= ends:
                break
            if now - told > 5:
                told = now
                print(f"#{tried} pulse exec/s: {tried / (seconds - ends + now):.0f}", file=sys.stderr, flush=True)
    print(f"stat::number_of_executed_units: {tried}", file=sys.stderr)
    return tried


def main() -> None:
    """See above."""
    name, what, *folder = sys.argv[1:]
    if not folder:
        target = load(name)
        with around(target):
            target.check(Path(what).read_bytes())
        print(f"{name}: nothing wrong with {what}")
    elif GUIDED:
        by_coverage(name, int(what), Path(folder[0]))
    else:
        by_chance(name, float(what), Path(folder[0]))


if __name__ == "__main__":
    main()
