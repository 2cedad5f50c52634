"""What the tests of pages share: the browser, and unless they say otherwise a visitor of the component and a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from tests.web.visiting import Visit, visits

from hubbub.testing.server import Running, running_server

# Containers run as root, for whom Chromium has no sandbox. Playwright itself adds what keeps it from calling home.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, as ``HUBBUB_CHROMIUM`` names it or as it is installed."""
    executable = os.environ.get("HUBBUB_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.fail("There is no Chromium: run scripts/install-test-packages, or name one in HUBBUB_CHROMIUM.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens a page with the component (`visits`)."""
    async with visits(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server without limits."""
    async with running_server(tmp_path) as running:
        yield running
