from __future__ import annotations

import pytest

from hubbub.comments.keys import hs256_secret
from hubbub.errors import ConfigError


def test_a_secret_is_its_own_bytes() -> None:
    """Nothing is decoded or trimmed: what the issuer has is what we have."""
    assert hs256_secret("0123456789abcdef0123456789abcdef") == b"0123456789abcdef0123456789abcdef"
    assert hs256_secret("é" * 16) == "é".encode() * 16


_PEM_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
_SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"


@pytest.mark.parametrize("secret", [_PEM_KEY, _SSH_KEY])
def test_a_public_key_is_no_secret(secret: str) -> None:
    """A public key set as the secret would let everybody sign; the error points to the right setting."""
    with pytest.raises(ConfigError, match="HUBBUB_JWKS_URL"):
        hs256_secret(secret)
