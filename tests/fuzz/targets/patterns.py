"""Patterns of video ids: what matches is what a star has always meant."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hubbub.comments.patterns import VideoPatterns

SEEDS = [b"*\nabc", b"a*c\nabc", b"a*b*c\naXbbXc", b"**\n", b"a*a\na", b"abc\nabc"]


def check(data: bytes) -> None:
    """A pattern on the first line, an id on the second; `fnmatch` says the same where nothing else is special to it."""
    pattern, _, name = data[:60].decode("latin-1").partition("\n")
    patterns = VideoPatterns([pattern])
    expected = fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
    assert patterns.match(name) == expected, (pattern, name)
    if patterns.everything:
        assert expected
    assert VideoPatterns(["x", pattern]).match(name) == (expected or name == "x")
