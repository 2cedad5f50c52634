"""For tests of Hubbub and of adapters that others write: the ports' contract suites, a fake clock, a slow client."""

from contextlib import suppress

with suppress(ImportError):  # whoever only starts servers, as the benchmark does, has no pytest
    import pytest

    # So that a failing contract test shows the values it compared, as one in a test module does.
    pytest.register_assert_rewrite("hubbub.testing.store_contract", "hubbub.testing.broker_contract")
