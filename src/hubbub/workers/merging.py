"""The metrics of several processes as one page of Prometheus's text format (0.0.4).

Each sample keeps its value and gets a label that names its process. Nothing is added up here: which metrics may be
summed, and which are a maximum, is for whoever asks to know, and a process that is replaced shows as a counter that
begins anew, as Prometheus expects.
"""

from __future__ import annotations

from collections.abc import Mapping


def merged(pages: Mapping[int, str]) -> str:
    """One page of ``pages`` by worker number; the samples of a metric stand together, as the format wants it."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for number, page in pages.items():
        name = ""
        for line in page.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                heads.setdefault(name, [])
            if line.startswith("#"):
                if line not in heads.setdefault(name, []):
                    heads[name].append(line)
            elif line:
                samples.setdefault(name, []).append(_labelled(line, number))
    lines = [line for name, head in heads.items() for line in (*head, *samples.get(name, ()))]
    return "".join(f"{line}\n" for line in lines)


def _labelled(sample: str, number: int) -> str:
    """A sample with one more label. A metric's name has neither braces nor spaces, so the first of either ends it."""
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f'{name}{{worker="{number}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{worker="{number}"}} {value}'
