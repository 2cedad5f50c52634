"""Problem documents, and the catalog of codes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubbub
from hubbub import errors
from hubbub.errors import Forbidden, Malformed, Refusal, StoreUnavailable, TooFast, Unauthenticated
from hubbub.http.problems import CODES, MEDIA_TYPE, problem_bytes, problem_response, problem_type

SOURCE = Path(hubbub.__file__).parent


def test_a_problem_has_the_members_of_rfc_9457_and_a_code() -> None:
    """`type`, `title`, `status` and `detail` are the standard's; `code` is for programs; extras stand beside them."""
    refusal = Malformed("limit must be a whole number.", code="bad_query", field="limit")
    response = problem_response(refusal, request_id="r1")
    assert response.status_code == 400
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(bytes(response.body)) == {
        "type": "/docs#errors-bad_query",
        "title": "Bad query",
        "status": 400,
        "detail": "limit must be a whole number.",
        "code": "bad_query",
        "request_id": "r1",
        "field": "limit",
    }


def test_extras_cannot_replace_standard_members() -> None:
    """Whatever a refusal carries, `status` and `type` say what they must."""
    document = json.loads(problem_bytes(Malformed("No.", status=200, type="x", position=3)))
    assert (document["status"], document["type"], document["position"]) == (400, problem_type("malformed"), 3)


def test_added_headers_stand_beside_the_problems_own() -> None:
    """Whoever answers may add headers."""
    response = problem_response(Malformed("No."), headers={"connection": "close"})
    assert response.headers["connection"] == "close"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "1"), (0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2"), (59.5, "60")]
)
def test_retry_after_is_in_whole_seconds_and_never_early(seconds: float | None, said: str) -> None:
    """Who comes back when told is not refused for coming a moment early."""
    for refusal in (TooFast("Slower.", retry_after=seconds), StoreUnavailable("Away.", retry_after=seconds)):
        response = problem_response(refusal)
        assert response.headers["retry-after"] == said
        assert json.loads(bytes(response.body))["retry_after"] == int(said)


def test_only_what_is_worth_repeating_says_when() -> None:
    """A refusal that would come again has no Retry-After."""
    assert "retry-after" not in problem_response(Malformed("No.", retry_after=3)).headers


@pytest.mark.parametrize(
    ("refusal", "challenge"),
    [
        (Unauthenticated("Send a token.", code="no_token"), 'Bearer realm="hubbub"'),
        (Unauthenticated("Not Basic.", code="wrong_scheme"), 'Bearer realm="hubbub"'),
        (
            Unauthenticated('The token’s iss must be "a\\b".', code="wrong_issuer"),
            'Bearer realm="hubbub", error="invalid_token", error_description="The token?s iss must be ?a?b?."',
        ),
        (
            Forbidden("Needs post.", code="missing_scope", scope="post"),
            'Bearer realm="hubbub", error="insufficient_scope", scope="post"',
        ),
        (Forbidden("Not yours.", code="not_yours"), None),
        (Malformed("No."), None),
    ],
)
def test_the_challenge_is_the_one_of_rfc_6750(refusal: Refusal, challenge: str | None) -> None:
    """A client without a token learns the scheme, one with a wrong token what is wrong with it."""
    assert problem_response(refusal).headers.get("www-authenticate") == challenge


@given(st.text(), st.text())
def test_whatever_is_quoted_from_a_request_makes_a_readable_document(detail: str, quoted: str) -> None:
    """No text, half of a surrogate pair included, turns a refusal into a failure or a header into two."""
    response = problem_response(Unauthenticated(detail, code="bad_token", field=quoted))
    assert json.loads(bytes(response.body))["code"] == "bad_token"
    assert re.fullmatch(r'[\w =,"?!#-\[\]-~]*', response.headers["www-authenticate"])


@given(st.characters(categories=["Cs"]))
def test_half_a_surrogate_pair_becomes_a_question_mark(half: str) -> None:
    """It has no UTF-8 form, and a refusal must still get out."""
    assert json.loads(problem_bytes(Malformed("No.", field=half)))["field"] == "?"


class Use(NamedTuple):
    """A code in the source, the place, and the status of the refusal that carries it where that can be told."""

    code: str
    place: str
    status: int | None


STATUSES = {
    name: kind.status for name, kind in vars(errors).items() if hasattr(kind, "default_code") and name != "Refusal"
}


def uses(path: Path) -> Iterator[Use]:
    """Every code in a module: given to a refusal, as a class's default, or told of in a docstring's "(code ``…``)"."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        place = f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in STATUSES:
                for keyword in keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        yield Use(str(keyword.value.value), place, STATUSES[name])
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                named = {
                    target.id: value.value
                    for target, value in zip(targets, values, strict=True)
                    if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
                }
                if "default_code" in named:
                    yield Use(str(named["default_code"]), place, int(str(named["status"])))
            case ast.Assign(targets=[ast.Name(id="default_code")], value=ast.Constant(value=str(code))):
                yield Use(code, place, None)
    for told in re.finditer(r"codes? (``\w+``(?:(?:,|, or| or| and)?\s+``\w+``)*)", source):
        for code in re.findall(r"``(\w+)``", told[1]):
            yield Use(code, str(path.relative_to(SOURCE)), None)


USES = [use for path in sorted(SOURCE.rglob("*.py")) for use in uses(path)]


def test_every_code_in_the_source_is_in_the_catalog() -> None:
    """A program that meets a code can look it up."""
    assert len(USES) > 30
    assert {use for use in USES if use.code not in CODES} == set()


def test_the_catalog_has_no_code_that_is_never_used() -> None:
    """What is listed can happen."""
    assert set(CODES) - {use.code for use in USES} == set()


def test_codes_have_the_status_of_the_refusals_that_carry_them() -> None:
    """The catalog tells no other status than the wire."""
    assert {use for use in USES if use.status not in (None, CODES[use.code].status)} == set()


def test_every_code_has_a_heading_of_its_own_and_says_what_to_do() -> None:
    """Titles tell codes apart for people; remedies are sentences."""
    assert len({code.title for code in CODES.values()}) == len(CODES)
    assert all(code.remedy.endswith(".") for code in CODES.values())
