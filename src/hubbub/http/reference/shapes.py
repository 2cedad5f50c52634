"""JSON Schema in words, and as lists of fields."""

from __future__ import annotations

from typing import Any

from hubbub.http.reference.markup import Html, inline, join, link, prose, tag

_NAMES = {"integer": "whole number", "boolean": "true or false"}


def in_words(schema: dict[str, Any]) -> Html:
    """What a value may be: ``whole number from 1 to 200``, ``list of Comment``. Patterns are told by descriptions."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return link(f"shape-{name}", name)
    if "const" in schema:
        return tag("code", str(schema["const"]))
    if "enum" in schema:
        return join(*_between([tag("code", str(value)) for value in schema["enum"]], " or "))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds == ["array"]:
        return join("list of ", in_words(schema["items"]))
    named = " or ".join(_NAMES.get(kind, kind) for kind in kinds) or "any value"
    return join(named, _bounds(schema))


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 2**31:
        return f" from {low} to {high}"
    return f", at least {low}" if low else ""


def _between(parts: list[Html], separator: str) -> list[str]:
    woven: list[str] = []
    for part in parts:
        woven += [separator, part]
    return woven[1:]


def field_list(schema: dict[str, Any]) -> Html:
    """The fields of an object, each with what it may be and what it means."""
    required = set(schema.get("required", ()))
    rows = (
        field_row(name, in_words(field), field.get("description", ""), required=name in required)
        for name, field in schema["properties"].items()
    )
    return tag("dl", *rows, class_="fields")


def field_row(name: str, kind: Html, description: str, *, required: bool) -> Html:
    """One field or parameter."""
    mark = [" ", tag("span", "required", class_="required")] if required else []
    return tag(
        "div",
        tag("dt", tag("code", name), *mark, " ", tag("span", kind, class_="kind")),
        tag("dd", inline(description)),
    )


def shape(name: str, schema: dict[str, Any]) -> Html:
    """The entry of a named shape."""
    if "properties" in schema:
        body = field_list(schema)
    elif "anyOf" in schema:
        body = tag("p", *_between([in_words(choice) for choice in schema["anyOf"]], "; "))
    else:
        body = tag("p", in_words(schema))
    about = prose(schema["description"]) if "description" in schema else Html("")
    return tag("article", tag("h3", tag("code", name)), about, body, id=f"shape-{name}", class_="shape")
