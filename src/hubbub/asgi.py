"""Hubbub for other ASGI servers: ``hypercorn hubbub.asgi:app``, ``granian --interface asgi hubbub.asgi:app``.

The settings are those of `hubbub serve`, from the environment or a file; where to listen, TLS and logs are the server's
business. Nothing happens at import: the parts are built and opened when the server begins the ASGI lifespan, and closed
when it ends it.

Run one worker (with ``local://`` a second one refuses to start), and give the server a limit for stopping, such as
hypercorn's ``--graceful-timeout``: streams never end by themselves, and the end of the lifespan comes only after it.
From Python 3.12 on hypercorn keeps no such limit (its issue 308) and has to be killed while somebody watches; nothing
that was accepted is lost by that.

Other servers keep the socket to themselves, so frames go through their ``send``: the same bytes, at more cost a viewer
than under `hubbub serve`.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from hubbub.config import Settings, check_for_serving, load_settings
from hubbub.errors import ConfigError, HubbubError
from hubbub.http.app import create_app
from hubbub.wiring import build, drain, opened, surface

log = logging.getLogger(__name__)


class App:
    """The service as an ASGI application that opens and closes itself."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is None:
            raise RuntimeError("Hubbub is opened by the ASGI lifespan: let the server run it (uvicorn: --lifespan on).")
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        stage = "startup"
        await receive()
        try:
            settings = _settings()
            services = build(settings)
            async with opened(services):
                self._app = create_app(services, surface(settings))
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
                await drain(services, delay=0, window=0)
            await send({"type": "lifespan.shutdown.complete"})
        except HubbubError as error:
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
        except Exception:
            # Raised on, it would tell some servers that there is no lifespan here, and they would serve a closed app.
            log.exception("%s failed", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": f"Hubbub's {stage} failed; its log says why."})
        finally:
            self._app = None


def _settings() -> Settings:
    settings = load_settings()
    if settings.dev:
        raise ConfigError(
            "HUBBUB_DEV",
            "guests may post to a development server, so it must see that nobody else can reach it, and under "
            "another server it can't: use `hubbub serve --dev`, or unset HUBBUB_DEV and set HUBBUB_JWT_SECRET.",
        )
    check_for_serving(settings)
    if settings.workers > 1:
        raise ConfigError(
            "HUBBUB_WORKERS", "under another server that server's own setting for workers counts; unset it."
        )
    return settings


app = App()
