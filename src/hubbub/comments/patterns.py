"""Patterns of video ids: ``*`` stands for any run of characters, everything else for itself.

Matched by walking the fixed parts from left to right, never by a regular expression: a token's holder may have chosen
the pattern, and ``*a*a*a*a*`` must not cost more than its length.
"""

from __future__ import annotations

from collections.abc import Iterable


class VideoPatterns:
    """A set of patterns, compiled."""

    __slots__ = ("_globs", "_names", "_text")

    def __init__(self, patterns: Iterable[str]) -> None:
        listed = tuple(patterns)
        self._text = ", ".join(listed)
        self._names = frozenset(pattern for pattern in listed if "*" not in pattern)
        self._globs = tuple(tuple(pattern.split("*")) for pattern in listed if "*" in pattern)

    def __repr__(self) -> str:
        return f"VideoPatterns({self._text})"

    @property
    def everything(self) -> bool:
        """Whether every id matches: one of the patterns is nothing but stars."""
        return any(not any(parts) for parts in self._globs)

    def match(self, video_id: str) -> bool:
        """Whether any pattern fits the whole of ``video_id``."""
        return video_id in self._names or any(_fits(parts, video_id) for parts in self._globs)


def _fits(parts: tuple[str, ...], text: str) -> bool:
    # An inner part is taken at its first place, which leaves the most room for those after it.
    first, *inner, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in inner:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
