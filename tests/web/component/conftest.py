"""What the tests of the component share: each is run as it is, and with streams blocked, so by long poll."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.web.visiting import Visit, visits


@pytest_asyncio.fixture(loop_scope="module", params=["by stream", "by polls"])
async def visit(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    """Opens a page with the component (`visits`)."""
    async with visits(browser, streams=request.param == "by stream") as opened:
        yield opened
