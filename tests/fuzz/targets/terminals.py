"""`hubbub tail`: whatever a server says, a terminal is shown it and not steered by it."""

from __future__ import annotations

import json
import re
import unicodedata

import click
from tests.fuzz.oracles import text_of

from hubbub.cli.tail import comment_line
from hubbub.cli.terminal import harmless

SEEDS = [
    b'{"user": {"id": "a", "name": "Ann"}, "text": "Hello", "created_at": 1700000000000}',
    b'{"user": {"id": 5, "name": "\\u001b[31m\\u202e"}, "text": "a\\nb\\u009b2J\\u2028\\ud800", "created_at": 1e400}',
    b'{"user": [], "text": null, "created_at": "x"}',
    b"\x1b]0;title\x07\xe2\x80\xae",
    "👩‍👩‍👧️ \u200fאב".encode(),
]
DICTIONARY = [
    b"\\u001b",
    b"\\u009b",
    b"\\u202e",
    b"\\u2066",
    b"\\ud800",
    b'"name"',
    b'"text"',
    b'"created_at"',
    b"\x1b[",
]
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def check(data: bytes) -> None:
    """As a text, and as a comment where it is JSON."""
    shown = harmless(text_of(data))
    _check_line(shown)
    assert harmless(shown) == shown
    try:
        comment = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(comment, dict):
        line = comment_line(comment)
        for one in click.unstyle(line).split("\n"):
            _check_line(one)
        text = comment.get("text")
        breaks = text.count("\n") if isinstance(text, str) else 0
        assert line.count("\n") == breaks, "only the comment's own line feeds break it"
        styles = "".join(_STYLES.findall(line))
        assert line.count("\x1b") == styles.count("\x1b")


def _check_line(line: str) -> None:
    line.encode()
    for char in line:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"), ascii(line)
        assert char not in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ascii(line)
