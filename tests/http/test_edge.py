"""What surrounds every request: its log line, and what is told and counted of our own faults."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest

from hubbub.stores.sqlite import SqliteStore
from hubbub.testing.server import Running, running_server, token

COMMENTS = "/v1/videos/v/comments"


def break_posting(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the store fail in a way that nobody foresaw."""

    async def append(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    assert isinstance(server.services.store, SqliteStore)
    monkeypatch.setattr(server.services.store, "append", append)


async def post(server: Running) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post(COMMENTS, json={"text": "hi"}, headers={"Authorization": f"Bearer {token()}"})


@pytest.mark.parametrize("origins", [(), ("https://page.example",)])
async def test_a_fault_of_ours_is_answered_counted_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, origins: tuple[str, ...]
) -> None:
    """500 with `internal_error` and nothing of the cause, which is in the log once; `hubbub_posts_total` has it too."""
    async with running_server(tmp_path, cors_origins=origins) as server:
        break_posting(server, monkeypatch)
        answer = await post(server)
        registry = server.services.metrics.registry
        assert registry.get_sample_value("hubbub_posts_total", {"outcome": "internal_error"}) == 1
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "foresaw" not in answer.text
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["nobody foresaw this"]


@pytest.mark.parametrize(("access_log", "lines"), [(False, ["POST 500"]), (True, ["GET 404", "POST 500"])])
async def test_answers_of_5xx_are_always_logged_as_warnings_and_others_if_wanted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    access_log: bool,
    lines: list[str],
) -> None:
    """What whoever runs it must see does not depend on ``access_log``, nor on a log level that leaves out info."""
    caplog.set_level(logging.INFO, "hubbub.requests")
    async with running_server(tmp_path, access_log=access_log) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            await client.get("/nowhere")
        break_posting(server, monkeypatch)
        await post(server)
    reports = [record for record in caplog.records if record.name == "hubbub.requests" and not record.exc_info]
    told = [record.getMessage().split(" ") for record in reports]
    assert [f"{method} {status}" for method, _, status, _ in told] == lines
    assert reports[-1].levelno == logging.WARNING
    assert all(record.levelno == logging.INFO for record in reports[:-1])


async def test_a_request_that_the_stop_cuts_off_is_told_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A body that does not come keeps the service from stopping for a while only, and leaves no stack trace."""
    async with running_server(tmp_path) as server:
        server.server.config.timeout_graceful_shutdown = 1
        host, _, port = server.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {COMMENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\nContent-Length: 99\r\n\r\n"
        writer.write(head.encode())
        await asyncio.sleep(0.1)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"stopping" in answer
    assert not [record for record in caplog.records if record.exc_info]
