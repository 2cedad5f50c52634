"""A request's JSON body as an object of a known shape, or what is wrong with it in words that name the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Generic, NoReturn, TypeVar

import msgspec

from hubbub.comments.misfits import first_misfit, first_missing
from hubbub.errors import Malformed, TooLarge

MAX_BODY = 16 * 1024
"""Bytes of a body; above it is 413. Room for a comment of 500 code points as escaped surrogate pairs (6,000 bytes) and
a full ``meta`` as escapes (6,144), with white space."""

T = TypeVar("T", bound=msgspec.Struct)

Whole = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
WholeFloat = Annotated[float, msgspec.Meta(ge=0, le=2**53, multiple_of=1)]  # 1.0 is the same number as 1 in JSON


class JsonBody(Generic[T]):
    """Bodies of one ``struct``, which forbids unknown fields. ``rules`` says of each field what it must be, and
    ``example`` is a body worth showing.
    """

    def __init__(self, struct: type[T], rules: Mapping[str, str], example: str) -> None:
        self._struct = struct
        self._rules = rules
        self._example = example
        self._decoder = msgspec.json.Decoder(struct)

    def read(self, body: bytes) -> T:
        """The object. Raises `TooLarge`; `Malformed`, with ``field`` where one is to blame, or ``position`` where the
        JSON ends making sense; and `RecursionError` for what nests too deeply, where the shape allows nesting.
        """
        if len(body) > MAX_BODY:
            raise TooLarge(f"The body may be at most {MAX_BODY} bytes; send a shorter one.", limit=MAX_BODY)
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError:
            self._refuse_fields(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _refuse_syntax(body, error)

    def _refuse_fields(self, body: bytes) -> NoReturn:
        """Say which field is wrong in a body that is JSON."""
        try:
            value = msgspec.json.decode(body)
        except msgspec.ValidationError:
            raise Malformed("A number in the body is out of range.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # The field came first and stopped the reading; the rest is not JSON either, which is the greater fault.
            _refuse_syntax(body, error)
        if not isinstance(value, dict):
            raise Malformed(f"The body must be a JSON object such as {self._example}.")
        if name := first_misfit(self._struct, value):
            raise Malformed(f"{name} must be {self._rules[name]}.", field=name)
        if name := first_missing(self._struct, value):
            raise Malformed(f"{name} is missing; send {self._example}.", field=name)
        unknown = next((name for name in value if name not in self._rules), "")
        known = ", ".join(self._rules) or "none"
        raise Malformed(f"There is no field {json.dumps(unknown[:40])} here; known: {known}.", field=unknown[:40])


def _refuse_syntax(body: bytes, error: Exception) -> NoReturn:
    """Say where a body stops being JSON. Python's own parser is asked, since msgspec names no place for some faults."""
    try:
        text = body.decode()
    except UnicodeDecodeError as wrong:
        raise Malformed(f"The body is not UTF-8 at byte {wrong.start}.", position=wrong.start) from None
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as wrong:
        raise Malformed(
            f"The body is not JSON at position {wrong.pos}: {wrong.msg[0].lower()}{wrong.msg[1:]}.", position=wrong.pos
        ) from None
    except RecursionError:
        raise Malformed("The JSON is nested too deeply; flatten it.") from None
    except ValueError:  # a number of thousands of digits
        raise Malformed("A number in the body is out of range.") from None
    # What Python reads and msgspec does not.
    raise Malformed(
        "The body has half a surrogate pair (one of \\ud800 to \\udfff alone), which is no character; send both halves."
    ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"JSON has no {name}; send a number, null, or leave it away.")
