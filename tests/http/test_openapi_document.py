"""The contract: a valid OpenAPI document, true to the code it describes, with examples that fit their schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.comments.draft import Draft, check_comment_id, check_text, check_video_id, idempotency_key
from hubbub.config import Settings
from hubbub.errors import Refusal
from hubbub.http.app import routes
from hubbub.http.openapi import openapi_document
from hubbub.http.openapi.parts import COMMENT_ID, VIDEO_ID, text_pattern
from hubbub.http.openapi.responses import ANYWHERE
from hubbub.http.openapi.stream import EVENTS
from hubbub.http.problems import CODES, MEDIA_TYPE
from hubbub.model import Comment, Kind, User
from hubbub.wire.cursors import decode_cursor, encode_cursor
from hubbub.wiring import build, surface

DOCUMENT = openapi_document(version="1.2.3")
METHODS = ("get", "put", "post", "delete")
PAGES = ("/client/", "/watch/", "/web/")
"""What people see, and what that is made of: no part of the contract."""


def operations(document: dict[str, Any] = DOCUMENT) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every call: method, path, operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def resolved(part: Any) -> Any:
    """``part`` behind its reference, if it is one."""
    if isinstance(part, dict) and "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found
    return part


def fits(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with ``value`` by a schema of the document."""
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, validate_formats=True
    )
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("watch", ["public", "token"])
def test_the_document_is_valid_openapi(watch: Any) -> None:
    """It conforms to the OpenAPI 3.1 schema and survives the way through JSON."""
    document = json.loads(json.dumps(openapi_document(version="1", max_text=1, watch=watch)))
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_the_document_describes_exactly_what_is_served() -> None:
    """Every route has an entry, and every entry a route; all but what pages are made of."""
    settings = Settings(jwt_secret="x" * 32, store="sqlite:///unused.db")
    served = {
        (method, getattr(route, "path", ""))
        for route in routes(build(settings), surface(settings))
        for method in getattr(route, "methods", None) or {"GET"}
        if method != "HEAD" and not getattr(route, "path", "").startswith(PAGES)
    } - {("GET", "/")}
    assert {(method, path) for method, path, _ in operations()} == served


def media_types() -> Iterator[Any]:
    """Every content of every request and answer, named for the report."""
    for method, path, operation in operations():
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for status, body in bodies.items():
            for kind, media in body.get("content", {}).items():
                yield pytest.param(media, id=f"{method} {path} {status} {kind}")


@pytest.mark.parametrize("media", list(media_types()))
def test_examples_fit_their_schemas(media: dict[str, Any]) -> None:
    """A reader can trust what is shown; there is an example of everything."""
    shown = [resolved(shown)["value"] for shown in media.get("examples", {}).values()]
    shown += [media["example"]] if "example" in media else []
    assert shown
    assert [fits(media["schema"], value) for value in shown] == [[]] * len(shown)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["name"]))
def test_examples_of_events_fit_their_schemas(event: dict[str, Any]) -> None:
    """Each event of a stream is described like an answer is."""
    assert fits(event["data"], event["example"]) == []


def test_the_examples_name_real_places_and_headers() -> None:
    """Parameters and headers have examples that fit where an example says more than the schema."""
    parts = [*DOCUMENT["components"]["parameters"].values(), *DOCUMENT["components"]["headers"].values()]
    parts += [parameter for _, _, operation in operations() for parameter in operation.get("parameters", [])]
    checked = [fits(part["schema"], part["example"]) for part in map(resolved, parts) if "example" in part]
    assert len(checked) >= 9
    assert not any(checked)


def test_every_event_of_a_log_is_described() -> None:
    """What can come on a stream is what the page lists, the kinds that nothing makes yet left out."""
    named = {event["name"] for event in EVENTS}
    assert named == {kind.value for kind in Kind} - {"settings"} | {
        "welcome",
        "comment_batch",
        "reset",
        "reconnect",
    }


def test_refusals_carry_what_their_status_asks_for() -> None:
    """Every refusal is a problem document with its codes named, and has the headers of RFC 9110 and RFC 6750."""
    for method, path, operation in operations():
        for status, response in operation["responses"].items():
            if status < "400" or MEDIA_TYPE not in response["content"]:
                continue
            media = response["content"][MEDIA_TYPE]
            named = media["schema"]["allOf"][1]["properties"]["code"]["enum"]
            assert {CODES[code].status for code in named} == {int(status)}, (method, path)
            assert list(media["examples"]) == named
            assert all(f"`{code}`" in response["description"] for code in named)
            wanted = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}.get(status)
            assert wanted is None or wanted in response["headers"]


def test_every_code_belongs_to_a_call() -> None:
    """No code is listed that no call can give, but for those that belong to none and the general names of refusals."""
    offered = {
        code
        for _, _, operation in operations()
        for response in operation["responses"].values()
        for code in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    general = {kind.default_code for kind in Refusal.__subclasses__() if kind.__module__ == "hubbub.errors"}
    assert set(CODES) - offered - ANYWHERE - general == {"broker_unavailable"}


def test_every_answer_names_its_request() -> None:
    """`X-Request-Id` is on all of them."""
    for _, _, operation in operations():
        for response in operation["responses"].values():
            assert "X-Request-Id" in response["headers"]


def test_tokens_are_asked_for_where_the_settings_do() -> None:
    """Watching is open or not, posting never is; only watching takes a token in the query."""
    for watch, document in {
        "public": DOCUMENT,
        "token": openapi_document(version="1", watch="token"),
    }.items():
        for method, path, operation in operations(document):
            security = operation["security"]
            schemes = {scheme for entry in security for scheme in entry}
            assert ("streamToken" in schemes) == path.endswith(("/stream", "/poll"))
            if not path.startswith("/v1/"):
                assert security == []
            elif method == "GET":
                assert ({} in security) == (watch == "public")
                assert ("no_token" in operation["responses"]["401"]["description"]) == (watch == "token")
            else:
                assert security
                assert {} not in security


def test_shapes_have_the_models_fields() -> None:
    """What is read and written is what is described, field for field."""
    schemas = DOCUMENT["components"]["schemas"]
    structs: dict[str, type[msgspec.Struct]] = {"NewComment": Draft, "Comment": Comment, "User": User}
    for name, struct in structs.items():
        fields = msgspec.structs.fields(struct)
        assert list(schemas[name]["properties"]) == [field.encode_name for field in fields]
        assert schemas[name]["required"] == [field.encode_name for field in fields if field.required]
        assert all("description" in field for field in schemas[name]["properties"].values())
    assert set(schemas["Comment"]["properties"]) - set(schemas["StreamedComment"]["properties"]) == {"video_id"}


def accepted(check: Callable[[], object]) -> bool:
    """Whether the code takes it."""
    try:
        check()
    except Refusal:
        return False
    return True


TEXTS = st.text(st.sampled_from("ab\n \t\x00\x07\x1c\x7f\x85\u00a0\u2028\u200b\u3000🚀"), max_size=9)


@given(st.one_of(TEXTS, st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), st.integers(1, 6))
@example("aa\n", 2)
@example("\x1ca", 5)
@example("\ta\x85", 1)
def test_the_pattern_of_texts_takes_what_the_code_takes(text: str, max_text: int) -> None:
    """Trimming, length in code points and refused characters are one regular expression."""
    schema = {"type": "string", "pattern": text_pattern(max_text)}
    takes = accepted(lambda: check_text(text, max_text))
    assert (not fits(schema, text)) == takes
    assert bool(re.search(schema["pattern"], text)) == takes


def parameter(path: str, method: str, name: str) -> dict[str, Any]:
    """A parameter's schema."""
    found = [each for each in DOCUMENT["paths"][path][method]["parameters"] if each["name"] == name]
    schema: dict[str, Any] = found[0]["schema"]
    return schema


COMMENTS = "/v1/videos/{video_id}/comments"


@given(st.text("aZ0._-é \n/", max_size=5).map(lambda text: text * 33))
def test_the_pattern_of_video_ids_takes_what_the_code_takes(text: str) -> None:
    """1 to 128 of a few characters."""
    assert (not fits(VIDEO_ID, text)) == accepted(lambda: check_video_id(text))


@given(st.uuids(), st.booleans())
def test_the_pattern_of_comment_ids_takes_what_the_code_takes(id: Any, upper: bool) -> None:
    """UUIDv7 in either case."""
    text = str(id).upper() if upper else str(id)
    for each in (text, text[:14] + "7" + text[15:], text + "\n", text.replace("-", "")):
        assert (not fits(COMMENT_ID, each)) == accepted(partial(check_comment_id, each))


@given(st.one_of(st.text("AQhz_-048=", max_size=24), st.uuids().map(str).map(encode_cursor)))
def test_the_pattern_of_cursors_takes_what_the_code_takes(text: str) -> None:
    """A cursor that fits was given out by somebody."""
    assert (not fits(parameter(COMMENTS, "get", "cursor"), text)) == accepted(lambda: decode_cursor(text))


@given(st.text("a Z~!é\t", max_size=5).map(lambda text: text * 32))
def test_the_pattern_of_idempotency_keys_takes_what_the_code_takes(text: str) -> None:
    """Bare keys; quoted ones are taken besides."""
    bare = text.strip(" \t")
    schema = parameter(COMMENTS, "post", "Idempotency-Key")
    assert (not fits(schema, bare)) == accepted(lambda: idempotency_key([text.encode()]))
