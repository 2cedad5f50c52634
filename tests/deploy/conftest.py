"""The contract's assertions tell what they compared, as a test module's own do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.deploy.contract")
