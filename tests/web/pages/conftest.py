"""What the tests of the service's own pages share: a visitor of these, and a server for development."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser
from tests.web.pages.visitor import Visit, visits

from hubbub.testing.server import SECRET, Running, running_server


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens a page for somebody new (`visits`)."""
    async with visits(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A development server without limits."""
    async with running_server(tmp_path, dev=True, jwt_secret=SECRET) as running:
        yield running
