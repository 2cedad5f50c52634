"""Whatever strangers write, in a real browser: it is text, and stays in its box."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.web.visiting import Visit, post

from hubbub.testing.server import Running

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = {
    "markup": "</p></li><img src=x onerror=hacked()><script>hacked()</script><svg onload=hacked()>",
    "an address": "javascript:hacked() data:text/html,<script>parent.hacked()</script>",
    "templates": "${hacked()} {{constructor.constructor('hacked()')()}} %3Cscript%3E &lt;b&gt; &#60;",
    "overrides": "\u202e\u202e\u202egnorw \u2066\u2067\u2068\u202b out of here",
    "marks": "Z" + "\u0301\u0316\u0489" * 166,
    "nothing to see": "\u200b\u200d\u2060\ufeff" * 120 + "x",
    "one word": "W" * 500,
    "wide": "﷽" * 200,
    "lines": "\n".join("x" * 250),
    "right to left": ("هذا تعليق طويل يلتف من اليمين إلى اليسار " * 10).strip(),
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🔥" * 30,
}


@pytest.mark.parametrize("width", [320, 420, 1000])
async def test_hostile_text_is_inert_and_stays_in_its_box(server: Running, visit: Visit, width: int) -> None:
    """As text, and as its author's name: no script runs, no element is made, nothing is drawn over its neighbours."""
    for text in HOSTILE.values():
        await post(server.url, text, name=text.replace("\n", " ")[:64].strip(), roles=["<b>host</b>"])
    size = {"width": width, "height": 640}
    visitor = await visit(server.url, script="window.hacks = 0; window.hacked = () => window.hacks++", viewport=size)
    await expect(visitor.said).to_have_text(list(HOSTILE.values()))
    rows = await visitor.page.evaluate(
        """() => {
            const { shadowRoot } = document.querySelector("hubbub-comments");
            const log = shadowRoot.querySelector("[role=log]").getBoundingClientRect();
            const drawn = (element) => {
                const range = document.createRange();
                range.selectNodeContents(element);
                return [...range.getClientRects()];
            };
            return [...shadowRoot.querySelectorAll("[role=log] li")].map((row) => {
                const box = row.getBoundingClientRect();
                const parts = [...row.querySelectorAll("*")];
                return {
                    tags: parts.map(({ localName }) => localName),
                    height: box.height,
                    wide: box.left >= log.left && box.right <= log.right,
                    // What is drawn outside of a part is cut off by it.
                    out: parts.filter((part) => !part.children.length && getComputedStyle(part).overflow !== "hidden"
                        && drawn(part).some(({ left, right }) => left < box.left - 1 || right > box.right + 1)).length,
                    beyond: parts.filter((part) => {
                        const { left, right, top, bottom } = part.getBoundingClientRect();
                        return left < box.left || right > box.right || top < box.top || bottom > box.bottom + 0.5;
                    }).length,
                };
            });
        }"""
    )
    for row, name in zip(rows, HOSTILE, strict=True):
        assert set(row["tags"]) == {"span", "p", "bdi", "time"}, name
        assert (row["wide"], row["out"], row["beyond"]) == (True, 0, 0), (name, row)
        assert row["height"] < 420, (name, row["height"])
    assert await visitor.page.evaluate("hacks") == 0
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width
