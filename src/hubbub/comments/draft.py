"""What a poster sent, read and checked: body, idempotency key, ids in the path. Bytes in, values or a refusal out.

Two kinds of fault. What can't be read as this endpoint's request is `Malformed` (400): not JSON, unknown fields, wrong
types. What can be read and breaks a rule is `Unprocessable` (422): an empty text, one too long. Neither answer repeats
what was sent beyond a few characters.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec

from hubbub.comments.bodies import JsonBody, Whole, WholeFloat
from hubbub.errors import Malformed, Unprocessable

MAX_META = 1024
"""Bytes of ``meta`` as compact UTF-8 JSON; above it is 422."""

MAX_META_DEPTH = 16
"""Objects and arrays within each other in ``meta``, itself counted; deeper is 422, as every viewer must parse it."""

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# The Unicode property White_Space (PropList.txt). A bare `str.strip()` would take the controls U+001C to U+001F too.

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # general category Cc, but for the line feed
_VIDEO_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,128}", re.ASCII)
_COMMENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_KEY = re.compile(rb"[ -~]{1,128}")
_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment as its poster sent it.

    ``client_ts``, the poster's clock in ms since the Unix epoch, is checked and then let go: a comment's time is the
    server's, and the field is there so that clients written for services that want one need no change. ``null`` is as
    good as absent.
    """

    text: str
    nonce: Annotated[str, msgspec.Meta(pattern=r"\A[ -~]{1,64}\Z")] | None = None
    client_ts: Whole | WholeFloat | None = None
    meta: dict[str, Any] | None = None


_RULES = {
    "text": "a string",
    "nonce": "a string of 1 to 64 printable ASCII characters",
    "client_ts": "a whole number from 0 to 2^53: milliseconds since the Unix epoch",
    "meta": "an object",
}

_body = JsonBody(Draft, _RULES, '{"text": "hello"}')
_encoder = msgspec.json.Encoder()
_sorting_encoder = msgspec.json.Encoder(order="deterministic")


def read_draft(body: bytes, *, max_text: int) -> Draft:
    """The draft in a JSON body, its text trimmed of leading and trailing Unicode white space and otherwise untouched.

    Of a field given twice the last counts. Raises, whatever the bytes, nothing but
    - `TooLarge`;
    - `Malformed`, with ``field`` where one is to blame, or ``position`` where the JSON ends making sense (a code point;
      a byte where it is not UTF-8);
    - `Unprocessable`, codes ``text_empty``, ``text_too_long``, ``text_control_characters``, ``meta_too_large``,
      ``meta_too_deep``, ``meta_number_out_of_range``.
    """
    try:
        draft = _body.read(body)
    except RecursionError:
        # Only meta may nest at all. How deep a decoder follows differs between Pythons; what is answered should not.
        raise _too_deep() from None
    text = check_text(draft.text, max_text)
    if draft.meta is not None:
        _check_meta(draft.meta)
    return draft if text == draft.text else msgspec.structs.replace(draft, text=text)


def check_text(text: str, max_text: int) -> str:
    """``text`` trimmed, if it is 1 to ``max_text`` code points without control characters other than the line feed.

    ``position`` of a control character counts code points from 0 in the text as sent.
    """
    trimmed = text.strip(WHITE_SPACE)
    if not trimmed:
        raise Unprocessable("The text is empty; write something.", code="text_empty", field="text")
    if len(trimmed) > max_text:
        raise Unprocessable(
            f"The text has {len(trimmed)} characters; at most {max_text} are allowed.",
            code="text_too_long",
            field="text",
            limit=max_text,
            length=len(trimmed),
        )
    control = _CONTROL.search(trimmed)
    if control is not None:
        position = len(text) - len(text.lstrip(WHITE_SPACE)) + control.start()
        character = f"U+{ord(control.group()):04X}"
        raise Unprocessable(
            f"The text has the control character {character} at position {position}; of these only U+000A is allowed.",
            code="text_control_characters",
            field="text",
            position=position,
            character=character,
        )
    return trimmed


def _too_deep() -> Unprocessable:
    return Unprocessable(
        f"meta nests more than {MAX_META_DEPTH} levels; flatten it.",
        code="meta_too_deep",
        field="meta",
        limit=MAX_META_DEPTH,
    )


def _check_meta(meta: dict[str, Any]) -> None:
    # Depth first: what is shallow enough can be encoded without running out of stack.
    _check_values(meta, MAX_META_DEPTH)
    size = len(_encoder.encode(meta))
    if size > MAX_META:
        raise Unprocessable(
            f"meta takes {size} bytes as compact JSON; at most {MAX_META} are allowed.",
            code="meta_too_large",
            field="meta",
            limit=MAX_META,
            length=size,
        )


def _check_values(value: object, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise _too_deep()
        for inner in value.values() if isinstance(value, dict) else value:
            _check_values(inner, depth - 1)
    elif isinstance(value, int | float) and not -(2**63) <= value < 2**64:
        # Python and JSON know no bound; the databases and languages that will read it do. To JSON, 1e300 is a whole
        # number like any other, and many a program writes it as one.
        raise Unprocessable(
            "meta has a number beyond 64 bits; send it as a string.",
            code="meta_number_out_of_range",
            field="meta",
        )


def idempotency_key(values: list[bytes]) -> str | None:
    """The ``Idempotency-Key`` of a request, given all values of that header; None without one.

    1 to 128 printable ASCII characters, bare or as the quoted string of draft-ietf-httpapi-idempotency-key-header (RFC
    9651, section 3.3.3): ``"a"`` and ``a`` are the same key. Raises `Malformed` (codes ``bad_idempotency_key``,
    ``doubled_header``).
    """
    if not values:
        return None
    keys = {_read_key(value) for value in values}
    if len(keys) > 1:
        raise Malformed(
            "Idempotency-Key is given more than once, with different values; send one.",
            code="doubled_header",
            field="Idempotency-Key",
        )
    return keys.pop()


def _read_key(value: bytes) -> str:
    value = value.strip(b" \t")
    if value.startswith(b'"'):
        quoted = _QUOTED.fullmatch(value)
        value = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else b""
    if not _KEY.fullmatch(value):
        raise Malformed(
            "Idempotency-Key must be 1 to 128 printable ASCII characters, bare or in double quotes.",
            code="bad_idempotency_key",
            field="Idempotency-Key",
        )
    return value.decode("ascii")


def fingerprint(draft: Draft) -> bytes:
    """32 bytes that are the same for drafts that mean the same: text, nonce and meta (whatever the order of its keys).

    Not ``client_ts``: a client that stamps each attempt anew is still repeating itself.
    """
    return hashlib.sha256(_sorting_encoder.encode((draft.text, draft.nonce, draft.meta))).digest()


def check_video_id(text: str) -> str:
    """A video's id. Raises `Malformed` (code ``bad_video_id``).

    Not ``.`` or ``..``: browsers fold those out of a path (RFC 3986, section 5.2.4), so nobody could watch there.
    """
    if not _VIDEO_ID.fullmatch(text):
        raise Malformed(
            "A video id is 1 to 128 of A-Z a-z 0-9 . _ - and neither . nor .. alone.",
            code="bad_video_id",
            field="video_id",
        )
    return text


def check_comment_id(text: str) -> str:
    """A comment's id, a UUIDv7 in its usual form, in lower case. Raises `Malformed` (code ``bad_comment_id``)."""
    lowered = text.lower()
    if not _COMMENT_ID.fullmatch(lowered):
        raise Malformed(
            "A comment id is a UUIDv7 such as 01890a5d-ac96-774b-bcce-b302099a8057.",
            code="bad_comment_id",
            field="comment_id",
        )
    return lowered
