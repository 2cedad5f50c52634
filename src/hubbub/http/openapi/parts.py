"""What several schemas are made of."""

from __future__ import annotations

from typing import Any

from hubbub.model import State

Schema = dict[str, Any]

VIDEO_ID: Schema = {"type": "string", "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$"}
COMMENT_ID: Schema = {
    "type": "string",
    "format": "uuid",
    "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$",
}
MILLISECONDS: Schema = {"type": "integer", "format": "int64", "minimum": 0}

_SPACE = r"\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # what is trimmed
_CONTROL = r"\u0000-\u0009\u000b-\u001f\u007f-\u009f"  # what is refused: every control character but the line feed
_BREAKING = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"  # in a title: those, and whatever begins a new line


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def text_pattern(max_text: int, *, one_line: bool = False) -> str:
    """A regular expression (ECMA-262) for texts that are accepted: 1 to ``max_text`` code points once trimmed."""
    refused = _BREAKING if one_line else _CONTROL
    end = rf"[^{_SPACE}{refused}]"
    inside = rf"(?:[^{refused}]{{0,{max_text - 2}}}{end})?" if max_text > 1 else ""
    return rf"^[{_SPACE}]*{end}{inside}[{_SPACE}]*$"


TIMES: dict[str, Schema] = {
    "started_at": {
        "description": "When the video started or will, in milliseconds since the Unix epoch; null while that is not "
        "known.",
        "type": ["integer", "null"],
        "format": "int64",
        "minimum": 0,
    },
    "ended_at": {
        "description": "When it ended, likewise; null before.",
        "type": ["integer", "null"],
        "format": "int64",
        "minimum": 0,
    },
}
STATED: dict[str, Schema] = {
    "state": {
        "description": "`upcoming`: the start is not known, or lies ahead. `live`: since `started_at`. `ended`: since "
        "`ended_at`.",
        "type": "string",
        "enum": [state.value for state in State],
    },
    **TIMES,
}

PINS: Schema = {
    "description": "The pinned comments now, the latest pin last.",
    "type": "array",
    "items": ref("StreamedComment"),
}
