"""The line for a terminal that makes a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def curl_line(method: str, path: str, operation: dict[str, Any], parameters: Sequence[dict[str, Any]]) -> str:
    """A command for a shell in which ``HUBBUB`` and ``TOKEN`` are set; path and headers filled in by the examples."""
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
    content = next(iter(operation["responses"].values())).get("content", {})
    options = ["-N"] if "text/event-stream" in content else []
    options += ["-X", method] if method != "GET" else []
    lines = [" ".join(["curl", *options, f'"$HUBBUB{path}"'])]
    security = operation["security"]
    if security and {} not in security:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    body = operation.get("requestBody")
    if body is not None:
        [media] = body["content"].values()
        shown = next(iter(media["examples"].values()))["value"]
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(shown, ensure_ascii=False)}'"]
    return " \\\n  ".join(lines)
