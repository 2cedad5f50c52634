"""Serves the pages that are measured in a browser, and their media."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

if __name__ == "__main__":
    port, media = sys.argv[1:]
    folders = {"/media": Path(media), "/": Path(__file__).parents[1] / "pages"}
    app = Starlette(routes=[Mount(path, StaticFiles(directory=folder, html=True)) for path, folder in folders.items()])
    uvicorn.run(app, port=int(port), log_level="error", access_log=False)
