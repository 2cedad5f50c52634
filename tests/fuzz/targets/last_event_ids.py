"""``Last-Event-ID``, header and parameter: one of what was sent, and one of ours if any is."""

from __future__ import annotations

from tests.fuzz.oracles import check_refusal, fields

from hubbub.errors import Malformed
from hubbub.http.requests import Query
from hubbub.http.stream import _last_event_id
from hubbub.wire.tokens import decode_token

SEEDS = [
    b"last_event_id=abc.1.2",
    b"last_event_id=abc.1.2\0def.3.4",
    b"\0abc.1.2,def.3.4\0nonsense",
    b"\0",
    b"\0 , ,",
    b"last_event_id=%00\0\xff",
]


def check(data: bytes) -> None:
    """The first field is the query, the others are values of the header."""
    query_string, *values = fields(data)
    scope = {"query_string": query_string, "headers": [(b"last-event-id", value) for value in values]}
    try:
        query = Query(scope, "last_event_id")
    except Malformed as refusal:
        check_refusal(refusal, Malformed)
        return
    chosen = _last_event_id(scope, query)
    sent = [part.strip() for value in values for part in value.decode("latin-1").split(",")]
    if chosen is None:
        assert not any(sent) and not query.text("last_event_id"), "something was said"
        return
    assert chosen in sent or (not any(sent) and chosen == query.text("last_event_id"))
    if any(decode_token(part) for part in sent):
        assert decode_token(chosen) is not None
