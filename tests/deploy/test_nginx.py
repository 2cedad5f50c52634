"""deploy/nginx, with Debian's nginx before servers of ours."""

from __future__ import annotations

import pytest
from tests.deploy.contract import RoutingContract
from tests.deploy.proxies import Nginx


@pytest.mark.slow
class TestNginx(RoutingContract):
    """`tests.deploy.contract`."""

    kind = Nginx
