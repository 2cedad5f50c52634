"""Which field of a JSON object does not fit, so that an error can name it.

msgspec says so only inside a message meant for people; this asks it again, field by field, once something is known to
be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def first_misfit(struct: type[msgspec.Struct], value: Mapping[str, Any]) -> str | None:
    """The first field of ``struct`` that has the wrong type or is out of bounds in ``value``; None if all fit."""
    for field in msgspec.structs.fields(struct):
        if field.encode_name in value:
            try:
                msgspec.convert(value[field.encode_name], field.type)
            except msgspec.ValidationError:
                return field.encode_name
    return None


def first_missing(struct: type[msgspec.Struct], value: Mapping[str, Any]) -> str | None:
    """The first required field of ``struct`` that ``value`` lacks."""
    for field in msgspec.structs.fields(struct):
        if field.required and field.encode_name not in value:
            return field.encode_name
    return None
