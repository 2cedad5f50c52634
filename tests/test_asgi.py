"""The application as other ASGI servers load it: when it opens, and what it says when it can't."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from hubbub.asgi import App
from hubbub.testing.server import SECRET

Message = MutableMapping[str, Any]


class Lifespan:
    """A server's side of the ASGI lifespan."""

    def __init__(self, app: App) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(
            app({"type": "lifespan"}, self._to_app.get, self._from_app.put)
        )

    async def say(self, stage: str) -> Message:
        """Tell the app of a stage; its answer."""
        await self._to_app.put({"type": f"lifespan.{stage}"})
        async with asyncio.timeout(10):
            return await self._from_app.get()

    async def ended(self) -> None:
        await self._task


async def status_of(app: App, path: str) -> int:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app({**scope, "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}, receive, send)
    return int(sent[0]["status"])


def left_in(place: Path) -> list[Path]:
    return list(place.iterdir())


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("HUBBUB_CONFIG", "HUBBUB_DEV", "HUBBUB_JWT_SECRET", "HUBBUB_JWKS_URL", "HUBBUB_STORE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


async def test_it_serves_between_startup_and_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is opened when the lifespan begins and free for another process when it has ended."""
    monkeypatch.setenv("HUBBUB_JWT_SECRET", SECRET)
    for _ in range(2):
        app = App()
        lifespan = Lifespan(app)
        assert await lifespan.say("startup") == {"type": "lifespan.startup.complete"}
        assert await status_of(app, "/readyz") == 200
        assert await lifespan.say("shutdown") == {"type": "lifespan.shutdown.complete"}
        await lifespan.ended()
        with pytest.raises(RuntimeError, match="lifespan"):
            await status_of(app, "/readyz")


async def test_a_second_worker_on_the_same_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told why, and the first goes on."""
    monkeypatch.setenv("HUBBUB_JWT_SECRET", SECRET)
    first, second = App(), App()
    running = Lifespan(first)
    await running.say("startup")
    answer = await Lifespan(second).say("startup")
    assert answer["type"] == "lifespan.startup.failed"
    assert "HUBBUB_BROKER" in answer["message"]
    assert await status_of(first, "/readyz") == 200
    await running.say("shutdown")
    await running.ended()


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        pytest.param({}, "HUBBUB_JWT_SECRET", id="no way to check tokens"),
        pytest.param({"HUBBUB_DEV": "true"}, "HUBBUB_DEV", id="development, whose reach another server decides"),
        pytest.param({"HUBBUB_JWT_SECRET": SECRET, "HUBBUB_STORE": "paper://"}, "HUBBUB_STORE", id="no such store"),
    ],
)
async def test_settings_that_can_not_be_served_fail_the_startup(
    environ: dict[str, str], named: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of the settings, and with nothing left behind."""
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    lifespan = Lifespan(App())
    answer = await lifespan.say("startup")
    await lifespan.ended()
    assert answer["type"] == "lifespan.startup.failed"
    assert answer["message"].startswith(named)
    assert not left_in(place)


def test_importing_it_does_nothing(place: Path) -> None:
    """Servers import an application before they decide whether to run it."""
    command = [sys.executable, "-c", "import hubbub.asgi"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert not left_in(place)
