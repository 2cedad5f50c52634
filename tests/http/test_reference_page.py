"""The page at /docs: complete, closed in itself, and safe from whatever stands in the document."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.http.openapi import openapi_document
from hubbub.http.openapi.stream import EVENTS
from hubbub.http.problems import CODES, problem_type
from hubbub.http.reference import POLICY, reference_page
from hubbub.http.reference.curl import curl_line
from hubbub.http.reference.markup import html, inline, json_block, tag

DOCUMENT = openapi_document(version="1.2.3")
PAGE = reference_page(DOCUMENT)

VOID = {"meta", "wbr"}


class Outline(HTMLParser):
    """Elements, ids, links and text of a page; complains about tags that don't match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


OUTLINE = Outline(PAGE)


def test_the_page_shows_every_call_event_shape_and_code() -> None:
    """Nothing of the contract is left out."""
    ids = {
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        if "tags" in operation
    }
    ids |= {f"event-{event['name']}" for event in EVENTS}
    ids |= {f"shape-{name}" for name in DOCUMENT["components"]["schemas"]}
    ids |= {f"errors-{code}" for code in CODES}
    assert ids <= set(OUTLINE.ids)
    assert len(OUTLINE.ids) == len(set(OUTLINE.ids))


def test_links_within_the_page_lead_somewhere() -> None:
    """Every anchor that is linked exists; the only other link is to the document itself."""
    inside = {link.removeprefix("#") for link in OUTLINE.links if link.startswith("#")}
    assert len(inside) > 60
    assert inside <= set(OUTLINE.ids)
    assert {link for link in OUTLINE.links if not link.startswith("#")} == {"openapi.json"}


@pytest.mark.parametrize("code", CODES)
def test_the_type_of_every_problem_leads_to_its_entry(code: str) -> None:
    """`type` is an address on this server where the code is explained."""
    path, _, anchor = problem_type(code).partition("#")
    assert path == "/docs"
    assert anchor in OUTLINE.ids


def test_the_page_needs_nothing_else() -> None:
    """No script, picture, font or frame, from here or from other hosts; its policy would stop any."""
    assert OUTLINE.tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "base", "svg"})
    assert {name for name, _ in OUTLINE.attributes} <= {
        *("charset", "class", "content", "href", "id", "lang", "name", "open", "tabindex", "aria-label"),
    }
    assert "url(" not in PAGE
    assert "@import" not in PAGE
    assert POLICY.startswith("default-src 'none'; ")


def test_the_policy_admits_the_pages_own_style() -> None:
    """The hash in the Content-Security-Policy is that of the style as it stands in the page (CSP 3, section 6.7.3)."""
    [style] = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    [digest] = re.findall(r"style-src 'sha256-([^']+)'", POLICY)
    assert b64decode(digest) == sha256(style.encode()).digest()


def test_curl_lines_can_be_pasted() -> None:
    """A call's line has its method, its token if it needs one, its body, and no place left to fill in."""
    item = DOCUMENT["paths"]["/v1/videos/{video_id}/comments"]
    video = DOCUMENT["components"]["parameters"]["VideoId"]
    assert curl_line("POST", "/v1/videos/{video_id}/comments", item["post"], [video]) == (
        'curl -X POST "$HUBBUB/v1/videos/launch/comments" \\\n'
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"text": "Liftoff! 🚀", "nonce": "tab1-17"}'"""
    )
    stream = "/v1/videos/{video_id}/comments/stream"
    line = curl_line("GET", stream, DOCUMENT["paths"][stream]["get"], [video])
    assert line == 'curl -N "$HUBBUB/v1/videos/launch/comments/stream"'
    assert not re.search(r"\$HUBBUB[^\"]*\{", PAGE)


def test_settings_show() -> None:
    """The page tells this server's bounds and version."""
    page = reference_page(openapi_document(version="9.8.7", max_text=321, watch="token"))
    assert "1 to 321 code points" in page
    assert "9.8.7" in page
    assert "Open to everybody" not in page


@given(st.text())
def test_text_never_becomes_markup(text: str) -> None:
    """Whatever is put into an element or an attribute comes out as the text it was."""
    page = tag("p", tag("b", text, title=text), html(text), inline(text), json_block(text))
    assert not re.search(r"<(?!/?(p|b|pre|code|span)\b)", page)
    outline = Outline(page.replace("\r", ""))  # the parser makes line feeds of them
    assert ("title", text) in outline.attributes or "\r" in text
    if "`" not in text and "\r" not in text:
        assert outline.text == text * 4
