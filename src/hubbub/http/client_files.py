"""``/client/v1/…``: the JavaScript client, for pages of any origin.

The address names the client's major version, so a page may name it once for good; what is behind it changes with a
release, and is asked for again after five minutes, by its ETag.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from hubbub.http.files import Files

_HEADERS = {
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",  # module scripts are fetched with CORS; there is nothing secret in them
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


def client_directory() -> Traversable:
    """Where the client's modules are: in the package as it is installed, beside ``src`` in a working copy."""
    installed = files("hubbub.web") / "client"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "client"


def client_files() -> Files:
    """Modules, what is made of them, and their types."""
    directory = client_directory()
    return Files((directory, directory / "built", directory / "types"), _HEADERS, (".js", ".ts"))
