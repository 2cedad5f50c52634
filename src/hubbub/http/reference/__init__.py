"""The page at ``/docs``: the OpenAPI document for people, rendered here. No script, nothing from other hosts.

    calls      the entry of a call           markup     escaping, and the little Markdown of descriptions
    shapes     schemas in words              curl       lines for a terminal
    style.css  light and dark, any width

Why not Swagger UI or its like: ``docs/decisions`` has it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import Any

from hubbub.http.reference.calls import call, method_mark
from hubbub.http.reference.markup import Html, inline, join, link, prose, tag
from hubbub.http.reference.shapes import shape

_STYLE = files("hubbub.http.reference").joinpath("style.css").read_text("utf-8")

POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style, and nothing else at all."""

_BEGIN = """\
HUBBUB=http://127.0.0.1:8000
TOKEN=$(hubbub token --user ada --name Ada --scope 'read post moderate')"""


def reference_page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document made by `hubbub.http.openapi`."""
    info = document["info"]
    body = tag(
        "body",
        link("main", "To the calls", class_="skip"),
        tag("header", tag("h1", info["title"], " ", tag("small", info["version"])), tag("p", info["summary"])),
        tag("details", tag("summary", "On this page"), _contents(document), class_="menu"),
        tag("nav", _contents(document), aria_label="On this page"),
        tag("main", *_main(document), id="main"),
        tag("footer", tag("p", "For programs: ", tag("a", "openapi.json", href="openapi.json"))),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        tag("title", f"{info['title']} API"),
        tag("style", Html(_STYLE)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _calls(document: dict[str, Any], name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The calls with a tag, in the order of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters" and name in operation["tags"]:
                yield method.upper(), path, item


def _contents(document: dict[str, Any]) -> Html:
    parts: list[str] = []
    for group in document["tags"]:
        entries = [
            tag("li", link(item[method.lower()]["operationId"], method_mark(method), item[method.lower()]["summary"]))
            for method, _, item in _calls(document, group["name"])
        ]
        parts += [tag("h2", group["name"]), tag("ul", *entries)]
    reference = [tag("li", link("shapes", "Shapes")), tag("li", link("errors", "Errors"))]
    return join(*parts, tag("h2", "Reference"), tag("ul", *reference))


def _main(document: dict[str, Any]) -> Iterator[str]:
    def resolve(part: Any) -> Any:
        if not (isinstance(part, dict) and "$ref" in part):
            return part
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    yield tag(
        "section",
        prose(document["info"]["description"]),
        tag("p", "The lines for a terminal below go by two variables:"),
        tag("pre", tag("code", _BEGIN), tabindex="0", class_="shell"),
        class_="about",
    )
    for group in document["tags"]:
        entries = [call(method, path, item, resolve) for method, path, item in _calls(document, group["name"])]
        yield tag("section", tag("h2", group["name"]), tag("p", group["description"]), *entries)
    shapes = [shape(name, schema) for name, schema in document["components"]["schemas"].items()]
    yield tag("section", tag("h2", "Shapes"), tag("p", "What is sent and received, by name."), *shapes, id="shapes")
    yield _errors(document["x-codes"])


def _errors(codes: dict[str, dict[str, Any]]) -> Html:
    rows = [
        tag(
            "div",
            tag("dt", tag("code", code), " ", tag("span", str(known["status"]), class_="status bad")),
            tag("dd", tag("strong", known["title"]), " ", inline(known["remedy"])),
            id=f"errors-{code}",
        )
        for code, known in codes.items()
    ]
    about = (
        "Every `code` of a refusal, and what to do about it. The `type` of a problem document leads to its entry here."
    )
    return tag("section", tag("h2", "Errors"), tag("p", inline(about)), tag("dl", *rows, class_="errors"), id="errors")
