from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.comments.bodies import MAX_BODY
from hubbub.comments.draft import (
    MAX_META,
    Draft,
    check_comment_id,
    check_video_id,
    fingerprint,
    idempotency_key,
    read_draft,
)
from hubbub.errors import Malformed, Refusal, TooLarge, Unprocessable
from hubbub.ids import IdSource
from hubbub.wire.events import encode_json


def body(**fields: Any) -> bytes:
    return json.dumps({"text": "hello", **fields}).encode()


def read(raw: bytes) -> Draft:
    return read_draft(raw, max_text=500)


def refused(raw: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(raw)
    return caught.value


def read_or_refuse(raw: bytes) -> Draft | Refusal:
    try:
        return read(raw)
    except Refusal as fault:
        return fault


def test_reads_all_fields() -> None:
    """A body with everything in it comes back as it was sent."""
    meta = {"badge": "gold", "at": [1, 2.5, None, True], "deep": {"er": "ok"}}
    assert read(body(nonce="n-1", client_ts=1_800_000_000_000, meta=meta)) == Draft(
        "hello", "n-1", 1_800_000_000_000, meta
    )


def test_needs_only_a_text() -> None:
    """Every other field may be absent, or null, which is the same."""
    assert read(b'{"text":"hello"}') == Draft("hello")
    assert read(body(nonce=None, client_ts=None, meta=None)) == Draft("hello")


@pytest.mark.parametrize(
    ("raw", "position"),
    [
        (b"", 0),
        (b"{", 1),
        (b"nonsense", 0),
        (b'{"text":"a" "b"}', 12),
        (b"{'text':'a'}", 1),
        (b'{"text":"a"} {"text":"b"}', 13),
        (b'{"text":"a\nb"}', 10),
        (b'{"text":"\\x"}', 9),
        (b'{"text":"\xc3\xa4\xc3\xa4","client_ts":01}', 26),
        (b'{"text":5,]', 10),
        (b'\xef\xbb\xbf{"text":"a"}', 0),
        (b'{"text":"a\xff"}', 10),
        (b'{"text":"\xc0\xaf"}', 9),
        (b'{"text":"\xed\xa0\x80"}', 9),
        (b'{"te\xfft":"a"}', 4),
    ],
)
def test_says_where_a_body_stops_being_json(raw: bytes, position: int) -> None:
    """Bytes that are no JSON text are malformed, and the answer names the place."""
    fault = refused(raw)
    assert isinstance(fault, Malformed)
    assert fault.extra == {"position": position}


@pytest.mark.parametrize("raw", [b'{"text":"\\ud800"}', b'{"text":"a\\udc00 and more of it"}', b'{"\\ud800":1}'])
def test_refuses_half_a_surrogate_pair(raw: bytes) -> None:
    """A lone surrogate is no character, could not be sent on as UTF-8, and is named as the fault."""
    fault = refused(raw)
    assert isinstance(fault, Malformed)
    assert "surrogate" in fault.detail


def test_takes_whole_surrogate_pairs() -> None:
    """Escaped pairs are the characters they stand for."""
    assert read(b'{"text":"\\ud83d\\ude00"}').text == "\U0001f600"


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_refuses_numbers_that_json_does_not_have(constant: str) -> None:
    """NaN and infinity are named as such."""
    fault = refused(f'{{"text":"a","meta":{{"n":{constant}}}}}'.encode())
    assert isinstance(fault, Malformed)
    assert constant in fault.detail


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 5000])
def test_refuses_numbers_that_nothing_can_hold(number: str) -> None:
    """A number beyond all bounds is malformed wherever it stands."""
    for field in ("meta", "client_ts", "text"):
        value = f'{{"n":{number}}}' if field == "meta" else number
        assert isinstance(refused(f'{{"text":"a","{field}":{value}}}'.encode()), Malformed)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"{}", "text"),
        (b'{"text":null}', "text"),
        (b'{"text":5}', "text"),
        (b'{"text":["a"]}', "text"),
        (body(nonce=5), "nonce"),
        (body(nonce=""), "nonce"),
        (body(nonce="n" * 65), "nonce"),
        (body(nonce="n\n"), "nonce"),
        (body(nonce="ä"), "nonce"),
        (body(client_ts="1800000000000"), "client_ts"),
        (body(client_ts=1.5), "client_ts"),
        (body(client_ts=True), "client_ts"),
        (body(client_ts=-1), "client_ts"),
        (body(client_ts=2**53 + 1), "client_ts"),
        (body(client_ts=2**70), "client_ts"),
        (body(meta=[]), "meta"),
        (body(meta="x"), "meta"),
        (body(colour="red"), "colour"),
        (body(video_id="other"), "video_id"),
    ],
)
def test_names_the_field_that_is_wrong(raw: bytes, field: str) -> None:
    """A field that is missing, unknown, or of the wrong type is named, also for programs."""
    fault = refused(raw)
    assert isinstance(fault, Malformed)
    assert fault.extra == {"field": field}
    assert field in fault.detail


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"5", b'[{"text":"a"}]'])
def test_wants_an_object(raw: bytes) -> None:
    """JSON that is no object is malformed, and the answer shows an example."""
    fault = refused(raw)
    assert isinstance(fault, Malformed)
    assert '{"text": "hello"}' in fault.detail


@pytest.mark.parametrize("depth", [100, 2_000, 8_000])
def test_deep_nesting_exhausts_nothing(depth: int) -> None:
    """However deep the brackets go, the answer is a refusal."""
    nested = b"[" * depth + b"]" * depth
    assert isinstance(refused(nested), Malformed)
    assert isinstance(refused(b'{"text":"a","meta":{"a":' + nested + b"}}"), Malformed | Unprocessable | TooLarge)
    assert isinstance(refused(b"[" * depth), Malformed)


def test_refuses_a_body_over_its_bound() -> None:
    """A body of exactly the bound is read; a byte more is too large."""
    fits = body() + b" " * (MAX_BODY - len(body()))
    assert read(fits) == Draft("hello")
    fault = refused(fits + b" ")
    assert isinstance(fault, TooLarge)
    assert fault.extra == {"limit": MAX_BODY}


def test_the_longest_comment_fits_however_it_is_escaped() -> None:
    """500 characters beyond the first plane, a full nonce and a full meta fit the body with every character escaped."""
    meta = {"m": "é" * ((MAX_META - 8) // 2)}
    raw = body(text="\U0001f600" * 500, nonce="n" * 64, client_ts=2**53, meta=meta)
    assert read(raw).meta == meta


@given(st.binary(max_size=300))
@example(b'{"text":"a","meta":{"a":' + b"9" * 40 + b"}}")
@example(b'{"text":"\\u0000"}')
@example(b'{"text":"a","":0}')
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing but a draft or a refusal comes of any bytes at all."""
    outcome = read_or_refuse(raw)
    assert isinstance(outcome, Draft) or len(outcome.detail) < 300


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
_names = st.sampled_from(["text", "nonce", "client_ts", "meta", "other"])


@given(st.dictionaries(_names, _values))
def test_any_json_is_read_or_refused(value: dict[str, Any]) -> None:
    """A JSON object is a draft that can be encoded again, or is refused."""
    outcome = read_or_refuse(json.dumps(value).encode())
    if isinstance(outcome, Draft):
        encode_json(outcome)
        assert 1 <= len(outcome.text) <= 500
    else:
        assert len(outcome.detail) < 300


def test_a_refusal_repeats_little_of_what_was_sent() -> None:
    """A field name of thousands of characters does not come back."""
    fault = refused(json.dumps({"x" * 5000: 1, "text": "a"}).encode())
    assert len(fault.detail) < 200
    assert len(fault.extra["field"]) == 40


class TestMeta:
    """The bounds of `meta`."""

    def test_its_size_counts_as_compact_json(self) -> None:
        """White space and escapes on the way do not count; a byte over is refused with both numbers."""
        fits = {"k": "é" * ((MAX_META - 8) // 2)}
        spaced = json.dumps({"text": "a", "meta": fits}, indent=4).encode()
        assert read(spaced).meta == fits
        fault = refused(body(meta={"k": "é" * ((MAX_META - 8) // 2) + "a"}))
        assert (fault.status, fault.code) == (422, "meta_too_large")
        assert fault.extra == {"field": "meta", "limit": MAX_META, "length": MAX_META + 1}

    def test_it_nests_sixteen_levels(self) -> None:
        """Sixteen objects within each other pass, seventeen do not: every viewer's parser has to cope."""

        def nested(levels: int) -> Any:
            return {"a": nested(levels - 1)} if levels > 1 else {}

        assert read(body(meta=nested(16))).meta == nested(16)
        assert refused(body(meta=nested(17))).code == "meta_too_deep"

    @pytest.mark.parametrize("number", [-(2**63) - 1, 2**64, -1e19, 2.0**64, 1e300])
    def test_its_numbers_fit_64_bits(self, number: float) -> None:
        """What a database could not hold is refused, in whichever form it was written: 1e20 is a whole number, too."""
        assert refused(body(meta={"a": [number]})).code == "meta_number_out_of_range"

    @pytest.mark.parametrize("number", [-(2**63), 2**64 - 1, -(2.0**63), 1.8e19, 0.1, -0.0, 1e-300])
    def test_its_numbers_come_back_as_they_were(self, number: float) -> None:
        """The bounds themselves pass."""
        assert read(body(meta={"a": number})).meta == {"a": number}


class TestIdempotencyKey:
    """The header of that name."""

    @pytest.mark.parametrize(
        ("values", "key"),
        [
            ([], None),
            ([b"abc"], "abc"),
            ([b"8e03978e-40d5-43dd-bc93-6894a57f9324"], "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ([b'"abc"'], "abc"),
            ([b'"a\\"b\\\\c"'], 'a"b\\c'),
            ([b" abc\t"], "abc"),
            ([b'"' + b"k" * 128 + b'"'], "k" * 128),
            ([b"abc", b"abc"], "abc"),
            ([b"abc", b'"abc"'], "abc"),
        ],
    )
    def test_is_read_bare_or_quoted(self, values: list[bytes], key: str | None) -> None:
        """Both forms give the same key, also when the same header is there twice."""
        assert idempotency_key(values) == key

    @pytest.mark.parametrize(
        "value",
        [b"", b" ", b'""', b'"abc', b'"abc"; a=1', b'"a"b"', b'"a\\x"', b"k" * 129, b"a\x00b", "ä".encode(), b"a\tb"],
    )
    def test_is_refused_when_it_can_not_be_a_key(self, value: bytes) -> None:
        """Empty, too long, not printable, or half quoted: the header is named."""
        with pytest.raises(Malformed) as caught:
            idempotency_key([value])
        assert (caught.value.code, caught.value.extra["field"]) == ("bad_idempotency_key", "Idempotency-Key")

    def test_two_different_ones_are_refused(self) -> None:
        """It can't be told which of two keys the client meant."""
        with pytest.raises(Malformed) as caught:
            idempotency_key([b"a", b"b"])
        assert caught.value.code == "doubled_header"


class TestFingerprint:
    """What makes two posts the same."""

    def test_is_of_the_meaning(self) -> None:
        """The order of keys, white space and the client's clock do not matter."""
        one = read(b'{"text": " hi ", "meta": {"a": 1, "b": {"x": 1, "y": 2}}, "client_ts": 1}')
        two = read(b'{"client_ts":2,"meta":{"b":{"y":2,"x":1},"a":1},"text":"hi"}')
        assert fingerprint(one) == fingerprint(two)

    def test_differs_where_the_meaning_does(self) -> None:
        """Text, nonce and meta each count, and can't be shifted into one another."""
        drafts = [
            Draft("a"),
            Draft("b"),
            Draft("a", nonce="n"),
            Draft("a", meta={}),
            Draft("a", meta={"n": None}),
            Draft("a", meta={"n": [1, 2]}),
            Draft("a", meta={"n": [2, 1]}),
            Draft('a","n'),
        ]
        assert len({fingerprint(draft) for draft in drafts}) == len(drafts)


@pytest.mark.parametrize("video_id", ["a", "launch-1", "A.b_C-9", "...", "x" * 128])
def test_video_ids_are_plain(video_id: str) -> None:
    """1 to 128 letters, digits, dots, underscores and hyphens."""
    assert check_video_id(video_id) == video_id


@pytest.mark.parametrize("video_id", ["", ".", "..", "x" * 129, "a b", "a/b", "ä", "a\n", "a\x00", "٣", "a%20b", "🎥"])
def test_other_video_ids_are_refused(video_id: str) -> None:
    """Anything else is malformed, and the rule is said."""
    with pytest.raises(Malformed) as caught:
        check_video_id(video_id)
    assert (caught.value.code, caught.value.extra) == ("bad_video_id", {"field": "video_id"})


def test_comment_ids_are_taken_in_either_case() -> None:
    """Ids we made are read, upper case as lower."""
    id, _ = IdSource().next()
    assert check_comment_id(id) == id
    assert check_comment_id(id.upper()) == id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "01890a5d-ac96-474b-bcce-b302099a8057",  # version 4
        "01890a5d-ac96-774b-ccce-b302099a8057",  # another variant
        "01890a5dac96774bbcceb302099a8057",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "01890a5d-ac96-774b-bcce-b302099a8057\n",
        "01890a5d-ac96-774b-bcce-b302099a805g",
        "٠1890a5d-ac96-774b-bcce-b302099a8057",
    ],
)
def test_other_comment_ids_are_refused(text: str) -> None:
    """Only the usual form of a UUIDv7 can be a comment's id."""
    with pytest.raises(Malformed) as caught:
        check_comment_id(text)
    assert caught.value.code == "bad_comment_id"
