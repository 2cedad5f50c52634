"""HTML that can't be broken by what is put into it: text is escaped unless it is `Html` already."""

from __future__ import annotations

import re
from html import escape

_CODE = re.compile(r"`([^`]+)`")
_JSON = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>\b(?:true|false|null)\b|-?\d[\d.]*)'
)


class Html(str):
    """Markup, as opposed to text."""

    __slots__ = ()


def html(child: str) -> Html:
    """``child`` as markup."""
    return child if isinstance(child, Html) else Html(escape(child, quote=False))


def join(*children: str) -> Html:
    """Children one after another."""
    return Html("".join(map(html, children)))


def tag(name: str, *children: str, **attributes: str) -> Html:
    """An element; in attribute names a trailing ``_`` is dropped (``class_``), another becomes ``-``."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def link(target: str, *children: str, **attributes: str) -> Html:
    """A link to a place on this page."""
    return tag("a", *children, href=f"#{target}", **attributes)


def inline(text: str) -> Html:
    """A line of the little Markdown that descriptions are written in: `code` in back-quotes."""
    return Html(_CODE.sub(r"<code>\1</code>", html(text)))


def prose(text: str) -> Html:
    """Paragraphs, parted by blank lines."""
    return join(*(tag("p", inline(" ".join(part.split()))) for part in text.split("\n\n")))


def block(text: str, kind: str = "") -> Html:
    """Code that keeps its lines, scrolling sideways by itself; reachable by keyboard for that."""
    return tag("pre", tag("code", text), tabindex="0", class_=kind)


def json_block(text: str) -> Html:
    """JSON with its keys, strings and other values told apart."""
    pieces: list[str] = []
    end = 0
    for match in _JSON.finditer(text):
        pieces += [text[end : match.start()], tag("span", match.group(), class_=match.lastgroup or "")]
        end = match.end()
    return block(join(*pieces, text[end:]), "json")
