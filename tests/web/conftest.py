"""The browser that the tests of pages share."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

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
