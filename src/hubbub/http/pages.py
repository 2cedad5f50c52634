"""The pages and files that people see. All from this package; nothing from other hosts."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hubbub.errors import NotFound
from hubbub.http.openapi import openapi_document
from hubbub.http.reference import POLICY, reference_page

_WEB = files("hubbub.web")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


class Pages:
    """The endpoints; files are read once."""

    def __init__(self, *, version: str, max_text: int, watch: Literal["public", "token"]) -> None:
        document = openapi_document(version=version, max_text=max_text, watch=watch)
        self._openapi = JSONResponse(document)
        self._docs = HTMLResponse(reference_page(document), headers={**_SAFE, "content-security-policy": POLICY})
        self._files = {
            entry.name: entry.read_bytes() for entry in _WEB.iterdir() if "." + entry.name.rpartition(".")[2] in _TYPES
        }

    async def openapi(self, request: Request) -> Response:
        """The contract."""
        return self._openapi

    async def docs(self, request: Request) -> Response:
        """The contract, for people."""
        return self._docs

    async def index(self, request: Request) -> Response:
        """The development page."""
        return self._file("index.html")

    async def file(self, request: Request) -> Response:
        """A script or style of the pages."""
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        content = self._files.get(name)
        if content is None:
            raise NotFound("There is no such file.", code="no_such_page")
        kind = _TYPES["." + name.rpartition(".")[2]]
        return Response(content, headers={**_SAFE, "cache-control": "no-cache"}, media_type=kind)
