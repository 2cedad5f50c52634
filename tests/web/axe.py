"""axe-core, which finds faults of accessibility that a program can find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

_SCRIPT = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"


async def violations(page: Page) -> list[Any]:
    """The page's, as it stands: rule, impact and an element for each."""
    await page.evaluate(_SCRIPT.read_text())
    found: list[Any] = await page.evaluate(
        "axe.run().then(({violations}) => violations.map((v) => [v.id, v.impact, v.nodes[0].html]))"
    )
    return found
