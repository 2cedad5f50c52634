"""A Lua script, known to Redis by its digest."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files


class Script:
    """``EVALSHA``'s view of a script made of ``.lua`` files of ``package``, one after the other."""

    def __init__(self, package: str, *names: str) -> None:
        folder = files(package)
        self.source = "\n".join((folder / name).read_text("utf-8") for name in names).encode()
        self.digest = sha1(self.source, usedforsecurity=False).hexdigest().encode()
