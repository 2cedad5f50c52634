"""The OpenAPI document against the running service, by Schemathesis: its requests made, the answers held to it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hubbub.testing.server import running_server, token

HOOKS = Path(__file__).parent / "schemathesis_hooks.py"

CONFIG = """
hooks = "{hooks}"
max-stream-events = 1000
request-timeout = 10.0

[auth.openapi.bearer]
bearer = "{bearer}"
"""

RUN = "from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.slow
async def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Every call of the document, the stream among them, with all of Schemathesis's checks and a moderator's token: no
    answer outside of the document, no valid request refused, no invalid one accepted, nothing undocumented."""
    config = tmp_path / "schemathesis.toml"
    bearer = token("moderator", ("read", "post", "moderate"))
    config.write_text(CONFIG.format(hooks=HOOKS, bearer=bearer))
    options = ["--checks=all", "--max-examples=40", "--seed=1", "--generation-database=none", "--no-color"]
    async with asyncio.timeout(120), running_server(tmp_path) as server:
        # With -c, since the package has no __main__, and its script need not be on the PATH.
        schemathesis = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUN, f"--config-file={config}", "run", f"{server.url}/openapi.json", *options),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            report = (await schemathesis.communicate())[0].decode()
        finally:
            if schemathesis.returncode is None:
                schemathesis.kill()
                await schemathesis.wait()
    assert schemathesis.returncode == 0, report
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in report, report
