"""The application: which address leads to which endpoint, and what surrounds them all."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from hubbub import __version__
from hubbub.brokers.base import Broker, Distant
from hubbub.comments.accepting import Accepting
from hubbub.comments.identity import Authenticator
from hubbub.comments.known_videos import KnownVideos
from hubbub.comments.publishing import Publisher
from hubbub.comments.retracting import Retracting
from hubbub.comments.videos import Videos
from hubbub.demo import Demo
from hubbub.errors import Misdirected
from hubbub.fanout.hub import Hub
from hubbub.fanout.polling import Polling
from hubbub.http.client_files import client_files
from hubbub.http.cors import with_cors
from hubbub.http.dev import DemoCalls, Guests, LoopbackOnly
from hubbub.http.edge import Edge
from hubbub.http.history import History
from hubbub.http.moderation import Moderation
from hubbub.http.operations import Degraded, Operations, Stopping
from hubbub.http.pages import Documents, Pages
from hubbub.http.poll import Poll
from hubbub.http.post import Posting
from hubbub.http.replay import Replay
from hubbub.http.requests import Addresses, Callers, Network
from hubbub.http.stream import Stream
from hubbub.http.video_list import VideoList
from hubbub.http.videos import VideoCalls
from hubbub.http.watching import Watching
from hubbub.ids import IdSource
from hubbub.metrics import Metrics
from hubbub.presence.base import Presence
from hubbub.stores.base import Store

Endpoint = Callable[[Request], Awaitable[Response]]

COMMENTS = "/v1/videos/{video_id}/comments"
_BEFORE, _AFTER = COMMENTS.split("{video_id}")


@dataclass(frozen=True)
class ApiParts:
    """What takes comments and answers everything but watching."""

    publisher: Publisher
    accepting: Accepting
    retracting: Retracting
    videos: Videos


@dataclass(frozen=True)
class GatewayParts:
    """What serves viewers."""

    hub: Hub
    polling: Polling


class Connected(Protocol):
    """An engine that several parts share, opened before them and closed after them."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Let go. Idempotent."""


@dataclass(frozen=True)
class Services:
    """The parts behind the endpoints, ready to be opened. A process has those of its role: ``api``, ``gateway`` or
    both.
    """

    store: Store
    broker: Broker
    videos: KnownVideos
    shared: Connected | None
    presence: Presence
    authenticator: Authenticator
    metrics: Metrics
    ids: IdSource
    stopping: Stopping
    api: ApiParts | None
    gateway: GatewayParts | None
    demo: Demo | None = None

    @property
    def hub(self) -> Hub:
        """The hub of a process that has viewers."""
        assert self.gateway is not None
        return self.gateway.hub


@dataclass(frozen=True)
class Surface:
    """How the service faces the outside. ``dev_secret`` not None: development, on loopback only."""

    watch: Literal["public", "token"]
    max_text: int
    sndbuf: int
    access_log: bool
    cors_origins: Sequence[str]
    trusted_proxies: Sequence[Network]
    pages: bool
    dev_secret: str | None


def create_app(services: Services, surface: Surface) -> ASGIApp:
    """The whole HTTP side over services that somebody else opens and closes."""
    app: ASGIApp = PostsFirst(Router(routes(services, surface), redirect_slashes=False))
    if surface.dev_secret is not None:
        app = LoopbackOnly(app)
    return Edge(with_cors(app, surface.cors_origins), access_log=surface.access_log)


class PostsFirst:
    """The router, with the one address before it that must cost nothing to find: where comments are posted."""

    def __init__(self, router: Router) -> None:
        self._router = router
        [self._post] = [route.app for route in router.routes if isinstance(route, Route) and route.path == COMMENTS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            video_id = path[len(_BEFORE) : -len(_AFTER)]
            if video_id and "/" not in video_id and path == _BEFORE + video_id + _AFTER:
                scope["path_params"] = {"video_id": video_id}
                await self._post(scope, receive, send)
                return
        await self._router(scope, receive, send)


def routes(services: Services, surface: Surface) -> list[Route]:
    """Every address there is: those of this process's role, and those that it sends elsewhere."""
    addresses = Addresses(surface.trusted_proxies)
    callers = Callers(services.authenticator)
    watching = Watching(callers, surface.watch)
    operations = Operations(
        services.store,
        services.metrics,
        draining=lambda: services.stopping.begun,
        degraded=lambda: degraded(services),
        takes_posts=services.api is not None,
    )
    documents = Documents(version=__version__, max_text=surface.max_text, watch=surface.watch)
    dev = surface.dev_secret is not None
    found = [
        *_gateway_routes(services, surface, addresses, watching),
        *_api_routes(services, surface, addresses, callers, watching),
        _at("/healthz", GET=operations.healthz),
        _at("/readyz", GET=operations.readyz),
        _at("/metrics", GET=operations.metrics),
        _at("/openapi.json", GET=documents.openapi),
        _at("/docs", GET=documents.docs),
        _at("/client/v1/{name}", GET=client_files().file),
    ]
    if surface.pages:
        pages = Pages(services.videos, watching, max_text=surface.max_text, dev=dev)
        found += [
            _at("/", GET=pages.index),
            _at("/watch/{video_id}", GET=pages.watch),
            _at("/web/{name}", GET=pages.file),
        ]
    if surface.dev_secret is not None:
        guests = Guests(surface.dev_secret, services.ids)
        found.append(_at("/dev/guest", POST=guests.guest))
        if services.demo is not None:
            demo = DemoCalls(services.demo)
            found.append(_at("/dev/demo", GET=demo.show, POST=demo.start, DELETE=demo.stop))
    return found


def _gateway_routes(services: Services, surface: Surface, addresses: Addresses, watching: Watching) -> list[Route]:
    # Every method: else DELETE would take these for a comment's id.
    streams, polls = COMMENTS + "/stream", COMMENTS + "/poll"
    parts = services.gateway
    if parts is None:
        return [_elsewhere(path, "gateway") for path in (streams, polls)]
    return [
        Route(streams, Stream(parts.hub, services.videos, watching, addresses, sndbuf=surface.sndbuf)),
        Route(polls, Poll(parts.polling, parts.hub, services.videos, watching, addresses)),
    ]


def _api_routes(
    services: Services, surface: Surface, addresses: Addresses, callers: Callers, watching: Watching
) -> list[Route]:
    video = "/v1/videos/{video_id}"
    comment = COMMENTS + "/{comment_id}"
    parts = services.api
    if parts is None:
        return [
            _elsewhere(COMMENTS, "api"),
            _elsewhere(comment + "/{action}", "api"),
            _elsewhere(comment, "api"),
            _elsewhere(video + "/{action}", "api"),
            _elsewhere(video, "api"),
            _elsewhere("/v1/videos", "api"),
        ]
    posting = Posting(parts.accepting, callers, addresses, services.metrics, max_text=surface.max_text)
    history = History(services.store, parts.retracting, parts.videos, watching)
    moderation = Moderation(parts.retracting, parts.videos, callers)
    videos = VideoCalls(parts.videos, services.store, services.presence, callers, watching)
    dev = surface.dev_secret is not None
    video_list = VideoList(services.store, parts.videos, services.presence, watching, untold=dev)
    replay = Replay(services.store, parts.videos, watching, surface.watch)
    return [
        _at("/v1/videos", GET=video_list.page),
        _at(video, GET=videos.show, PUT=videos.put),
        _at(video + "/start", POST=videos.start),
        _at(video + "/end", POST=videos.end),
        _at(video + "/replay", GET=replay.window),
        _at(COMMENTS, GET=history.page, POST=posting),
        _at(comment, GET=history.comment, DELETE=moderation.delete),
        _at(comment + "/hide", POST=moderation.hide),
        _at(comment + "/restore", POST=moderation.restore),
        _at(comment + "/pin", PUT=moderation.pin, DELETE=moderation.unpin),
    ]


def _elsewhere(path: str, role: str) -> Route:
    return Route(path, _Elsewhere(role))


def degraded(services: Services) -> Degraded | None:
    """What is wrong that costs nobody a comment, only time."""
    lookout = services.gateway.hub.lookout if services.gateway else None
    is_lost = isinstance(services.broker, Distant) and not services.broker.reachable
    if is_lost or (lookout is not None and lookout.polling):
        detail = "The live log can't be reached: posts are taken, and viewers served by polling the store."
        return Degraded("broker_unavailable", detail)
    if services.api and services.api.publisher.unpublished:
        return Degraded("unpublished", "Accepted comments wait to reach the live log; they are published by and by.")
    return None


def _at(path: str, **endpoints: Endpoint | ASGIApp) -> Route:
    """One route an address, an endpoint a method: so a wrong method is told all the right ones (RFC 9110, 15.5.6)."""
    apps = {method: _app(endpoint) for method, endpoint in endpoints.items()}
    if "GET" in apps:
        apps["HEAD"] = apps["GET"]
    return Route(path, _Methods(apps), methods=list(apps))


class _Elsewhere:
    """An ASGI application for addresses that processes of another role serve, whatever the method.

    Said aloud rather than as "no such page": it is a mistake in somebody's routing, which trying again does not mend.
    """

    def __init__(self, role: str) -> None:
        self._role = role

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise Misdirected(
            f"Processes run by `hubbub {self._role}` answer this address; this one is of another role.", role=self._role
        )


class _Methods:
    """An ASGI application for one address."""

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["method"]](scope, receive, send)


def _app(endpoint: Endpoint | ASGIApp) -> ASGIApp:
    """An endpoint as an ASGI application; one that is one already stays as it is."""
    if not inspect.ismethod(endpoint):
        return cast(ASGIApp, endpoint)
    answer = cast(Endpoint, endpoint)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    return app
