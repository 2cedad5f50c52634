"""Texts of strangers on a terminal: shown, and never obeyed."""

from __future__ import annotations

import unicodedata

_MARKS = frozenset("\u061c\u200e\u200f")
_SEPARATORS = frozenset("\u2028\u2029")


def harmless(text: str) -> str:
    """``text`` with what could steer a terminal, or turn its writing round, spelled out (``\\x1b``, ``\\u202e``).

    That is: control characters (ECMA-48; tab and line feed too), line separators, direction overrides and isolates
    (Unicode annex 9), lone surrogates. Joiners and variation selectors stay, since emoji are made of them.
    """
    return "".join(_spelled(char) if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs")
        or unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        or char in _MARKS
        or char in _SEPARATORS
    )


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
