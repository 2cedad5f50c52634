"""Keys that take a while to make, once for all tests of tokens."""

from __future__ import annotations

import pytest

from hubbub.testing.issuer import SigningKey, ec_key, ed_key, rsa_key


@pytest.fixture(scope="session")
def rsa() -> SigningKey:
    """An RS256 pair with the key id ``rsa``."""
    return rsa_key("rsa")


@pytest.fixture(scope="session")
def weak_rsa() -> SigningKey:
    """An RSA pair that is too short to trust."""
    return rsa_key("weak", bits=1024)


@pytest.fixture(scope="session")
def ec() -> SigningKey:
    """An ES256 pair with the key id ``ec``."""
    return ec_key("ec")


@pytest.fixture(scope="session")
def ed() -> SigningKey:
    """An EdDSA pair with the key id ``ed``."""
    return ed_key("ed")
