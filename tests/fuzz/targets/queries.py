"""Query strings: refused, or values that mean the same when they are written anew."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from tests.fuzz.oracles import check_refusal

from hubbub.errors import Malformed
from hubbub.http.requests import Query
from hubbub.logs import HIDDEN, redacted_query

NAMES = ("limit", "sort", "cursor", "last_event_id", "access_token")
SEEDS = [
    b"limit=50&sort=desc",
    b"limit=50&limit=51",
    b"cursor=AQAAAAAAAAAAAAAAAAAAAAA&limit=+5",
    b"last_event_id=abc.1.2&access_token=eyJhbGci.eyJzdWIi.c2ln",
    b"%6cimit=%35%30;sort=asc",
    b"limit=%D9%A3&&=&sort",
    b"access%5Ftoken=abc%ff",
]
DICTIONARY = [name.encode() + b"=" for name in NAMES] + [b"%2B", b"%00", b"%26", b"access%255Ftoken="]


def check(data: bytes) -> None:
    """`Malformed`, or each name at most once, and the same again from its own writing; and no token in a log."""
    _check_log(data)
    try:
        query = Query({"query_string": data}, *NAMES)
        limit = query.number("limit", 50, 1, 200)
        sort = query.choice("sort", "desc", "asc")
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
        return
    assert 1 <= limit <= 200 and sort in ("asc", "desc")
    given = [(name, value) for name in NAMES if (value := query.text(name)) is not None]
    assert sorted(given) == sorted(parse_qsl(data.decode(), keep_blank_values=True)), "nothing was passed over"
    again = Query({"query_string": urlencode(given).encode()}, *NAMES)
    assert [again.text(name) for name in NAMES] == [query.text(name) for name in NAMES]


def _check_log(data: bytes) -> None:
    """What the application would take for a token is not in the query's log line."""
    text = data.decode("latin-1")
    line = redacted_query(text)
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
    shown = parse_qsl(line, keep_blank_values=True, errors="replace")
    secrets = [value for name, value in pairs if name == "access_token"]
    assert all(value in ("", HIDDEN) for name, value in shown if name == "access_token"), (secrets, line)
    assert redacted_query(line) == line
