"""The entry of a call: what it is for, what it takes, how to make it, what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from hubbub.http.problems import MEDIA_TYPE
from hubbub.http.reference.curl import curl_line
from hubbub.http.reference.markup import Html, block, html, inline, join, json_block, link, prose, tag
from hubbub.http.reference.shapes import field_list, field_row, in_words

Resolve = Callable[[Any], Any]
"""Follows a reference within the document."""


def call(method: str, path: str, item: dict[str, Any], resolve: Resolve) -> Html:
    """The entry of one call of a path."""
    operation = item[method.lower()]
    parameters = [resolve(each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    return tag(
        "article",
        tag("h3", operation["summary"]),
        tag("p", method_mark(method), " ", tag("code", _breakable(path), class_="path"), class_="call"),
        prose(operation["description"]),
        _security(operation["security"]),
        _parameters(parameters),
        _body(operation.get("requestBody"), resolve),
        block(curl_line(method, path, operation, parameters), "shell"),
        _answers(operation["responses"], resolve),
        id=operation["operationId"],
        class_="operation",
    )


def method_mark(method: str) -> Html:
    """The method, in its colour."""
    return tag("span", method, class_=f"method {method.lower()}")


def _breakable(path: str) -> Html:
    """A path that a narrow screen may break after any slash."""
    return Html(html(path).replace("/", "/<wbr>"))


def _security(security: list[dict[str, list[str]]]) -> Html:
    if not security:
        return Html("")
    scopes = list(dict.fromkeys(scope for entry in security for names in entry.values() for scope in names))
    named = join(*(part for scope in scopes for part in (" or ", tag("code", scope))))[len(" or ") :]
    if {} in security:
        words = join("Open to everybody. A token that is sent must be valid.")
    else:
        words = join("Needs a token with the scope ", Html(named), ".")
    if any("streamToken" in entry for entry in security):
        words = join(words, inline(" `access_token=` in the query does as well as the header."))
    return tag("p", words, class_="security")


def _parameters(parameters: list[dict[str, Any]]) -> Html:
    if not parameters:
        return Html("")
    rows = (
        field_row(
            each["name"],
            join(each["in"], ": ", in_words(each["schema"]), _default(each["schema"])),
            each["description"],
            required=each.get("required", False),
        )
        for each in parameters
    )
    return join(tag("h4", "Parameters"), tag("dl", *rows, class_="fields"))


def _default(schema: dict[str, Any]) -> Html:
    return join("; ", tag("code", str(schema["default"])), " if absent") if "default" in schema else Html("")


def _body(body: dict[str, Any] | None, resolve: Resolve) -> Html:
    if body is None:
        return Html("")
    [media] = body["content"].values()
    shape = resolve(media["schema"])
    about = tag("p", "JSON: ", in_words(media["schema"]), ". ", inline(shape["description"]))
    return join(tag("h4", "Body"), about, field_list(shape), _examples(media, resolve, unfolded=False))


def _answers(responses: dict[str, Any], resolve: Resolve) -> Html:
    given = [_answer(status, each, resolve) for status, each in responses.items() if not _is_refusal(each)]
    refused = [_refused(status, each) for status, each in responses.items() if _is_refusal(each)]
    refusals = [tag("h4", "Refusals"), tag("dl", *refused, class_="refusals")] if refused else []
    return join(tag("h4", "Answers"), *given, *refusals)


def _is_refusal(response: dict[str, Any]) -> bool:
    return MEDIA_TYPE in response.get("content", {})


def _answer(status: str, response: dict[str, Any], resolve: Resolve) -> Html:
    parts: list[str] = [tag("p", _status(status), " ", inline(response["description"]))]
    for kind, media in response.get("content", {}).items():
        shape = in_words(media["schema"]) if "$ref" in media["schema"] else tag("code", kind)
        parts.append(_examples(media, resolve, label=shape))
        if "x-events" in media:
            parts += [tag("h4", "Events"), *map(_event, media["x-events"])]
    return tag("div", *parts, class_="answer")


def _status(status: str) -> Html:
    mark = "good" if status < "400" else "bad"
    return tag("span", status, " ", HTTPStatus(int(status)).phrase, class_=f"status {mark}")


def _refused(status: str, response: dict[str, Any]) -> Html:
    codes = list(response["content"][MEDIA_TYPE]["examples"])
    links = (part for code in codes for part in (link(f"errors-{code}", tag("code", code)), " "))
    return tag("div", tag("dt", _status(status)), tag("dd", *links))


def _examples(media: dict[str, Any], resolve: Resolve, *, label: Html | None = None, unfolded: bool = True) -> Html:
    """Examples behind their headings; the first lies open if ``unfolded``."""
    shown = {name: resolve(each) for name, each in media.get("examples", {}).items()}
    if "example" in media:
        shown = {"example": {"value": media["example"]}}
    parts: list[str] = []
    for number, (name, each) in enumerate(shown.items()):
        value = each["value"]
        text = block(value) if isinstance(value, str) else json_block(_pretty(value))
        summary = tag("summary", *([label, ", "] if label else []), each.get("summary", name))
        opened = {"open": ""} if unfolded and not number else {}
        parts.append(tag("details", summary, text, **opened))
    return join(*parts)


def _event(event: dict[str, Any]) -> Html:
    return tag(
        "section",
        tag("h5", tag("code", event["name"])),
        tag("p", inline(event["description"])),
        tag("p", "Data: ", in_words(event["data"]), ". ", inline("`id`: "), event["id"], ".", class_="kind"),
        tag("details", tag("summary", "example"), json_block(_pretty(event["example"]))),
        id=f"event-{event['name']}",
        class_="event",
    )


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
