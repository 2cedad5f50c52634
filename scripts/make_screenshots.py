"""Make the pictures of the README: the demo's page as a desktop and as a phone shows it, from the running program.

    python scripts/make_screenshots.py [FOLDER]

Writes watch.png (light, 1200 by 760) and phone.png (dark, 390 by 760) to FOLDER, by default docs/. Needs the packages
of the tests (`make test` installs them) and Chromium (``HUBBUB_CHROMIUM`` may name one).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright, expect

from hubbub.testing.server import SECRET, running_server

_TALK = 25.0
"""Seconds that the demo talks before the picture is taken."""

_FEED = 12
"""Comments that there must be by then."""


async def main(folder: Path) -> None:
    """Play the demo, and take both pictures of it."""
    executable = os.environ.get("HUBBUB_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        sys.exit("There is no Chromium: run scripts/install-test-packages, or name one in HUBBUB_CHROMIUM.")
    with tempfile.TemporaryDirectory() as directory:
        async with running_server(Path(directory), dev=True, jwt_secret=SECRET) as server, async_playwright() as tool:
            browser = await tool.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            try:
                await asyncio.gather(
                    _take(browser, server.url, folder / "watch.png", 1200, 760, "light"),
                    _take(browser, server.url, folder / "phone.png", 390, 760, "dark"),
                )
            finally:
                await browser.close()


async def _take(
    browser: Browser, url: str, file: Path, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    await page.goto(url)
    await page.get_by_role("button", name="Start the demo").click()
    await page.wait_for_url("**/watch/demo")
    await asyncio.sleep(_TALK)
    await expect(page.get_by_role("log").locator(".text").nth(_FEED - 1)).to_be_attached()
    if await page.locator("#tools").get_attribute("open") is not None:
        await page.get_by_text("Development", exact=True).click()  # what a viewer never sees
    await page.screenshot(path=file)
    await page.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
