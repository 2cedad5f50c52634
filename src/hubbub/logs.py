"""Structured logs on stderr: a readable line or a JSON object per entry, with the request's id and without secrets.

Redaction happens where an entry becomes text, at the very end. So it covers messages, their arguments, tracebacks and
other libraries' entries alike, and nobody has to remember it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, TextIO
from urllib.parse import unquote_plus

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request being handled, set by `hubbub.http.edge`; every entry made meanwhile carries it."""

HIDDEN = "***"

_JWT = re.compile(r"\beyJ[\w-]{4,}\.[\w-]*\.[\w-]*")
_BEARER = re.compile(r"(bearer(?:\s|:|%20|\+)+)[\w.~+/=-]+", re.IGNORECASE)
_ACCESS_TOKEN = re.compile(r"(access_token\W{0,4}?(?:=|%3D|:)\W{0,2}?)[^\s&\"'#,;})]+", re.IGNORECASE)

_QUERY = re.compile(r"(?<=\?)[^\s\"'<>]+")

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has (the last one: uvicorn's repetition of its message); the rest came by ``extra=``."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) != "\t"}
_CONTROL |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class Redactor:
    """Takes out of a text whatever would let its reader sign in: bearer tokens, ``access_token=``, JWTs,
    ``secrets``."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [re.escape(secret) for secret in secrets if secret]
        self._known = re.compile("|".join(known)) if known else None

    def __call__(self, text: str) -> str:
        """``text`` with those parts hidden."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _without_tokens(_QUERY.sub(lambda found: redacted_query(found[0]), text))


def _without_tokens(text: str) -> str:
    text = _ACCESS_TOKEN.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _JWT.sub(HIDDEN, text)


def redacted_query(query: str) -> str:
    """A request's query string without what `Redactor` hides, however that was percent-encoded; the rest stays as sent.

    In a text, where a query ends can only be guessed; so whoever has one calls this himself.
    """
    return "&".join(map(_redacted_parameter, query.split("&")))


def _redacted_parameter(parameter: str) -> str:
    name, _, value = parameter.partition("=")
    plain_name, plain_value = _decoded(name), _decoded(value)
    if _without_tokens(plain_name) != plain_name:
        return HIDDEN
    secret = plain_name.strip().lower() == "access_token" or _without_tokens(plain_value) != plain_value
    return f"{name}={HIDDEN}" if value and secret else parameter


def _decoded(text: str) -> str:
    """Decoded until nothing is left to decode, but not for ever: what is encoded often enough for that is no token
    of ours.
    """
    for _ in range(5):
        before, text = text, unquote_plus(text)
        if text == before:
            break
    return text


class TextFormatter(logging.Formatter):
    """``2027-01-15T08:00:00.123Z INFO  hubbub.wiring draining: 3 viewers key=value request=8f…``; tracebacks follow."""

    def __init__(self, redact: Redactor, worker: int | None = None) -> None:
        super().__init__()
        self._redact = redact
        self._worker = "" if worker is None else f"[{worker}] "

    def format(self, record: logging.LogRecord) -> str:
        """The entry. What others sent can't break the line, nor speak to the terminal it is read in."""
        message = " ".join([record.getMessage(), *(f"{key}={value}" for key, value in _extras(record).items())])
        origin = f"{record.levelname:<7} {self._worker}{record.name}"
        head = f"{_time(record)} {origin} {self._redact(message).translate(_CONTROL)}"
        trace = _trace(self, record)
        if not trace:
            return head
        lines = self._redact(trace).split("\n")
        return "\n".join([head, *(line.translate(_CONTROL) for line in lines)])


class JsonFormatter(logging.Formatter):
    """One object a line: ``time``, ``level``, ``logger``, ``message``, what came by ``extra=``, and ``trace``."""

    def __init__(self, redact: Redactor, worker: int | None = None) -> None:
        super().__init__()
        self._redact = redact
        self._worker = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """The entry, in ASCII."""
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            **self._worker,
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if trace := _trace(self, record):
            entry["trace"] = trace
        plain = {
            key: value if isinstance(value, int | float | None) else self._redact(str(value))
            for key, value in entry.items()
        }
        return json.dumps(plain)


def configure_logging(
    format: str = "text",
    level: str = "info",
    access_log: bool = False,
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    worker: int | None = None,
) -> None:
    """Send every logger's entries to ``stream`` (None: stderr) as ``format`` (``text`` or ``json``), from ``level`` up.

    ``access_log``: also a server's own lines about requests. ``secrets`` are hidden wherever they turn up. ``worker``:
    the number that every entry bears, where several processes write to one place. Replaces what an earlier call set.
    """
    redact = Redactor(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter((JsonFormatter if format == "json" else TextFormatter)(redact, worker))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Its usual entries say less than ours about the same; its access lines are a choice of their own.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING if level == "info" else logging.NOTSET)
    logging.getLogger("uvicorn.access").disabled = not access_log
    for name in ("httpx", "httpcore"):  # theirs is a line a request, with its address
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    found = {key: value for key, value in vars(record).items() if key not in _USUAL}
    if (id := request_id.get()) is not None:
        found["request_id"] = id
    return found


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info:
        parts.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)


def _time(record: logging.LogRecord) -> str:
    """UTC with milliseconds, RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
