"""deploy/envoy, with the real Envoy before servers of ours."""

from __future__ import annotations

import pytest
from tests.deploy.contract import RoutingContract
from tests.deploy.proxies import Envoy


@pytest.mark.slow
class TestEnvoy(RoutingContract):
    """`tests.deploy.contract`."""

    kind = Envoy
