"""Logs: readable, one entry a line, and of no use to a thief."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hubbub.logs import configure_logging, redacted_query, request_id
from hubbub.testing.server import running_server, token

SECRET = 'a secret with "quotes", é and \\ in it, 32 bytes or more'
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"

Configure = Callable[..., io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Configures logging onto a buffer, and puts things back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def onto_buffer(*args: Any, **kwargs: Any) -> io.StringIO:
        buffer = io.StringIO()
        configure_logging(*args, stream=buffer, **kwargs)
        return buffer

    yield onto_buffer
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(False)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_text_is_one_line_with_time_level_and_logger(configure: Configure) -> None:
    """An entry is a line that starts with its UTC time, level and logger."""
    buffer = configure("text")
    record = logging.LogRecord("hubbub.test", logging.INFO, __file__, 1, "hello %s", ("you",), None)
    record.created, record.msecs = 1_800_000_000.25, 250.0
    logging.getLogger().handle(record)
    assert buffer.getvalue() == "2027-01-15T08:00:00.250Z INFO    hubbub.test hello you\n"


def test_json_is_one_object_a_line(configure: Configure) -> None:
    """An entry is a JSON object with the same parts, and what came by ``extra``."""
    buffer = configure("json")
    logging.getLogger("hubbub.test").warning("hello", extra={"video": "demo", "count": 3})
    (line,) = buffer.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("time").endswith("Z")
    assert entry == {"level": "warning", "logger": "hubbub.test", "message": "hello", "video": "demo", "count": 3}


@pytest.mark.parametrize("format", ["text", "json"])
def test_entries_made_during_a_request_carry_its_id(configure: Configure, format: str) -> None:
    """The id is there while the request is handled and not after."""
    buffer = configure(format)
    mark = request_id.set("req-17")
    logging.getLogger("hubbub.test").info("during")
    request_id.reset(mark)
    logging.getLogger("hubbub.test").info("after")
    during, after = buffer.getvalue().splitlines()
    assert "req-17" in during
    assert "req-17" not in after


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    "message",
    [
        f"GET /v1/videos/demo/comments/stream?access_token={JWT}&batch=1 200",
        "GET /stream?batch=1&access_token=opaque-t0ken HTTP/1.1",
        "GET /stream?ACCESS_TOKEN=opaque-t0ken",
        "{'access_token': 'opaque-t0ken', 'batch': '1'}",
        "access_token%3Dopaque-t0ken",
        '127.0.0.1:5 - "GET /stream?batch=1&%61ccess_token=opaque,t0ken HTTP/1.1" 200',
        "headers: [(b'authorization', b'Bearer opaque-t0ken')]",
        "Authorization: bearer opaque-t0ken",
        f"Sec-WebSocket-Protocol: hubbub, {JWT}",
        f"the key is {SECRET}, they said",
    ],
)
def test_nothing_to_sign_in_with_is_logged(configure: Configure, format: str, message: str) -> None:
    """Tokens and secrets are hidden wherever they stand: message, arguments, extras, traceback."""
    buffer = configure(format, secrets=[SECRET])
    log = logging.getLogger("hubbub.test")
    log.info(message)
    log.info("%s", message)
    log.info("see", extra={"more": message})
    try:
        raise ValueError(message)
    except ValueError:
        log.exception("failed")
    written = buffer.getvalue()
    assert written.count("***") >= 4
    for hidden in ("opaque", JWT, JWT.split(".")[1], SECRET, json.dumps(SECRET)[1:-1]):
        assert hidden not in written


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("%61ccess_token=%65yJhbGciOi.x.y&batch=1", "%61ccess_token=***&batch=1"),
        ("batch=1&access%5Ftoken=opaque,t0ken;x", "batch=1&access%5Ftoken=***"),
        ("%2561ccess_token=opaque-t0ken", "%2561ccess_token=***"),
        ("+ACCESS_TOKEN=opaque-t0ken", "+ACCESS_TOKEN=***"),
        ("access_token%3Dopaque-t0ken", "***"),
        ("t=%65yJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", "t=***"),
        ("t=%62earer+opaque-t0ken", "t=***"),
        ("a=1&b=%C3%A9&&access_token=&=&%FF", "a=1&b=%C3%A9&&access_token=&=&%FF"),
    ],
)
def test_a_token_in_a_query_is_hidden_however_it_is_encoded(query: str, shown: str) -> None:
    """Names and values count as the server reads them; what is no token stays as it was sent."""
    assert redacted_query(query) == shown


async def test_the_access_log_hides_encoded_tokens(configure: Configure, tmp_path: Path) -> None:
    """A token that a server takes under an encoded name does not stand in that server's log."""
    hidden = "".join(f"%{byte:02x}" for byte in token().encode())
    buffer = configure("text", access_log=True)
    async with running_server(tmp_path, access_log=True) as server, httpx.AsyncClient() as client:
        address = f"{server.url}/v1/videos/v/comments/stream?%61ccess_token={hidden}"
        async with client.stream("GET", address) as answer:
            assert answer.status_code == 200
        assert (await client.get(f"{server.url}/v1/videos/v/comments?%61ccess_token={hidden}")).status_code == 400
    assert "?%61ccess_token=*** 400" in buffer.getvalue()
    assert hidden not in buffer.getvalue()


def test_redaction_leaves_the_rest_of_the_line(configure: Configure) -> None:
    """What stands around a token stays readable."""
    buffer = configure("text")
    logging.getLogger("hubbub.test").info("GET /s?a=1&access_token=%s&batch=1 200 12.5ms", JWT)
    assert buffer.getvalue().endswith("GET /s?a=1&access_token=***&batch=1 200 12.5ms\n")


def test_text_cannot_be_forged_by_what_is_logged(configure: Configure) -> None:
    """Line breaks, escape sequences and direction overrides in a message come out as text."""
    buffer = configure("text")
    logging.getLogger("hubbub.test").info("GET /%s", "a\nERROR forged\x1b[2J\x9b2J\u202e\u2028x")
    (line,) = buffer.getvalue().splitlines()
    assert line.endswith(r"GET /a\x0aERROR forged\x1b[2J\x9b2J\u202e\u2028x")


def test_uvicorn_and_warnings_go_the_same_way(configure: Configure) -> None:
    """Other libraries' entries, and Python's warnings, have the same form."""
    buffer = configure("json")
    logging.getLogger("uvicorn.error").error("from uvicorn")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
    loggers = [json.loads(line)["logger"] for line in buffer.getvalue().splitlines()]
    assert loggers == ["uvicorn.error", "py.warnings"]


@pytest.mark.parametrize(("access_log", "lines"), [(False, 0), (True, 1)])
def test_a_servers_access_lines_are_a_choice(configure: Configure, access_log: bool, lines: int) -> None:
    """They come only with ``access_log``."""
    buffer = configure("text", "info", access_log)
    logging.getLogger("uvicorn.access").info("GET / 200")
    assert len(buffer.getvalue().splitlines()) == lines


def test_the_level_and_a_second_call_count(configure: Configure) -> None:
    """Entries below the level are left out; configuring again replaces, so that nothing is logged twice."""
    configure("text", "debug")
    buffer = configure("text", "warning")
    logging.getLogger("hubbub.test").info("too little")
    logging.getLogger("hubbub.test").warning("enough")
    assert [line.split()[-1] for line in buffer.getvalue().splitlines()] == ["enough"]
