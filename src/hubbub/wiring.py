"""The composition root: settings in, a running service out. The only module that knows which adapters there are."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hubbub.brokers.base import Broker, Distant
from hubbub.brokers.local import LocalBroker
from hubbub.comments.accepting import Accepting
from hubbub.comments.identity import Authenticator
from hubbub.comments.known_videos import KnownVideos
from hubbub.comments.limits import Limits
from hubbub.comments.publishing import Publisher
from hubbub.comments.retracting import Retracting
from hubbub.comments.videos import Videos
from hubbub.config import Role, Settings
from hubbub.demo import Demo
from hubbub.errors import ConfigError, StoreUnavailable
from hubbub.fanout.channel import Bounds
from hubbub.fanout.hub import Hub, Timing
from hubbub.fanout.polling import Polling
from hubbub.http.app import ApiParts, GatewayParts, Services, Surface, create_app
from hubbub.http.connections import Connections
from hubbub.http.listening import listen, url_of
from hubbub.http.operations import Stopping
from hubbub.http.requests import Addresses
from hubbub.http.server import (
    OWN_FILES,
    Server,
    loop_factory,
    open_files,
    room_for_connections,
    room_for_viewers,
    server_config,
)
from hubbub.ids import IdSource
from hubbub.limiters.base import RateLimiter
from hubbub.limiters.local import LocalRateLimiter
from hubbub.locks import shared_lock
from hubbub.metrics import Metrics, StoreCosts
from hubbub.presence.base import Presence
from hubbub.presence.local import LocalPresence
from hubbub.stores.base import Backups, Journal, Provisioned, Store
from hubbub.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from hubbub.over_redis import OverRedis

log = logging.getLogger(__name__)

REDIS_SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")

_SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that waits for the interpreter gets it. Python's own 5 ms is what a post would wait
between the store's commit and its answer while the event loop is busy sending."""

_COLLECT_AFTER = (5_000, 20, 20)
"""Objects made, and younger collections, before each generation is searched for cycles. Python's own 700 costs a post a
twentieth more and finds next to nothing: requests and frames make no cycles."""


def build(settings: Settings, role: Role = Role.SERVE) -> Services:
    """Everything that ``settings`` choose for a process of this ``role``, not yet opened. Raises `ConfigError`."""
    metrics = Metrics()
    store = make_store(settings, metrics)
    redis = make_redis(settings)
    broker = make_broker(settings, store, redis)
    presence = redis.presence() if redis else LocalPresence()
    broker = make_broker(settings, store)
    if isinstance(distant := broker, Distant):
        metrics.observe("hubbub_broker_reachable", "1 while the live log can be reached", lambda: distant.reachable)
    ids = IdSource()
    metrics.observe("hubbub_clock_behind_seconds", "How far the clock is behind the newest comment's time", ids.ahead)
    registered = settings.videos == "registered"
    api = make_api(settings, store, broker, redis, ids, metrics) if role.takes_posts else None
    return Services(
        store=store,
        broker=broker,
        videos=api.videos if api else KnownVideos(store, registered=registered),
        shared=redis,
        presence=presence,
        authenticator=make_authenticator(settings),
        metrics=metrics,
        ids=ids,
        stopping=Stopping(),
        api=api,
        gateway=make_gateway(settings, store, broker, presence, metrics) if role.has_viewers else None,
        demo=Demo(store, api.videos, api.accepting, api.retracting) if api and settings.dev else None,
    )


def make_api(
    settings: Settings, store: Store, broker: Broker, redis: OverRedis | None, ids: IdSource, metrics: Metrics
) -> ApiParts:
    """What takes posts."""
    publisher = Publisher(broker, store, metrics)
    videos = Videos(store, publisher, ids, metrics, registered=settings.videos == "registered")
    limits = Limits(
        make_limiter(settings, redis, metrics),
        user=settings.post_limit,
        address=settings.address_limit,
        everyone=settings.global_limit,
    )
    return ApiParts(
        publisher=publisher,
        accepting=Accepting(store, publisher, limits, ids, videos),
        retracting=Retracting(store, publisher, ids, metrics),
        videos=videos,
    )


def make_gateway(
    settings: Settings, store: Store, broker: Broker, presence: Presence, metrics: Metrics
) -> GatewayParts:
    """What serves viewers."""
    max_viewers = settings.max_viewers or room_for_viewers()
    skew_ms = round(settings.max_skew * 1000)
    hub = Hub(
        broker,
        store,
        bounds=Bounds(settings.ring_entries, settings.ring_bytes, skew_ms),
        timing=Timing(
            tick_min=settings.tick_min,
            tick_max=settings.tick_max,
            heartbeat=settings.heartbeat,
            stall_timeout=settings.stall_timeout,
            linger=settings.linger,
            retry_min=settings.retry_min,
            retry_max=settings.retry_max,
            position_check=settings.position_check,
        ),
        metrics=metrics,
        presence=presence,
        max_viewers=max_viewers,
        max_per_address=settings.max_viewers_per_address,
        idle_videos=settings.idle_videos,
    )
    # Half of the connections, so that the other half is there for posts whatever comes.
    max_polls = max((settings.max_connections or room_for_connections(max_viewers)) // 2, 1)
    return GatewayParts(hub=hub, polling=Polling(hub, metrics, most=max_polls))


def make_store(settings: Settings, metrics: Metrics) -> Store:
    """The store that ``HUBBUB_STORE`` names."""
    scheme = urlsplit(settings.store).scheme
    if scheme == "sqlite":

        def on_commit(batch: int, seconds: float) -> None:
            metrics.commit_batch.observe(batch)
            metrics.commit.observe(seconds)

        store = SqliteStore.from_url(
            settings.store,
            store_timeout=settings.store_timeout,
            pending_writes=settings.pending_writes,
            on_commit=on_commit,
        )
        metrics.observe("hubbub_store_memory_bytes", "Memory that SQLite holds, most of it page caches", store.memory)
        metrics.observe("hubbub_store_log_bytes", "Size of SQLite's write-ahead log", store.log_bytes)
        return store
    if scheme == "dynamodb":
        return _dynamodb(settings, metrics)
    raise ConfigError(
        "HUBBUB_STORE", f"there is no store {scheme or settings.store!r}; use sqlite:///FILE or dynamodb://TABLE."
    )


def _dynamodb(settings: Settings, metrics: Metrics) -> Store:
    try:
        from hubbub.stores.dynamodb import DynamoStore
    except ModuleNotFoundError as error:
        raise ConfigError(
            "HUBBUB_STORE",
            f"dynamodb:// needs the driver, and there is no {error.name}: pip install 'hubbub[dynamodb]'.",
        ) from None

    return DynamoStore.from_url(
        settings.store,
        store_timeout=settings.store_timeout,
        pending_writes=settings.pending_writes,
        observer=StoreCosts(metrics),
        on_commit=lambda _, seconds: metrics.commit.observe(seconds),
    )


def make_redis(settings: Settings) -> OverRedis | None:
    """The maker of the parts that lie on Redis, if ``HUBBUB_BROKER`` names one."""
    scheme = settings.broker.partition(":")[0]
    if scheme not in REDIS_SCHEMES:
        return None
    try:
        from hubbub.over_redis import OverRedis
    except ModuleNotFoundError as error:
        raise ConfigError("HUBBUB_BROKER", f"{scheme}:// needs {error.name}: pip install 'hubbub[redis]'.") from None
    return OverRedis(settings)


def make_broker(settings: Settings, store: Store, redis: OverRedis | None = None) -> Broker:
    """The broker that ``HUBBUB_BROKER`` names; ``redis`` where that is made already."""
    if redis := redis or make_redis(settings):
        return redis.broker()
    scheme = settings.broker.partition(":")[0]
    if scheme == "local" and isinstance(store, Journal):
        return LocalBroker(store, lock_path=_lock_path(store))
    if scheme == "local":
        raise ConfigError(
            "HUBBUB_BROKER",
            f"local:// is a log within one process, and {urlsplit(settings.store).scheme}:// is a store for many: set "
            "it to redis://HOST:PORT.",
        )
    raise ConfigError("HUBBUB_BROKER", f"there is no broker {scheme or settings.broker!r}; use local:// or redis://.")


def make_limiter(settings: Settings, redis: OverRedis | None, metrics: Metrics) -> RateLimiter:
    """The rate limiter that ``HUBBUB_LIMITER`` names."""
    alone = LocalRateLimiter()
    return alone if redis is None or settings.limiter == "local" else redis.limiter(alone, metrics)


def _lock_path(store: Store) -> Path | None:
    if not isinstance(store, SqliteStore):
        return None
    # Beside the file itself, since a second process may come to it through a symbolic link. `Path.resolve` would raise
    # on a loop of them, which the store refuses with a better word.
    return Path(os.path.realpath(store.path) + ".lock")


def make_authenticator(settings: Settings) -> Authenticator:
    """Who checks tokens, by ``HUBBUB_JWT_SECRET`` and ``HUBBUB_JWKS_URL``."""
    return Authenticator(
        secret=settings.jwt_secret,
        jwks_url=settings.jwks_url,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def surface(settings: Settings) -> Surface:
    """How ``settings`` have the service face the outside."""
    return Surface(
        watch=settings.watch,
        max_text=settings.max_text,
        sndbuf=settings.sndbuf,
        access_log=settings.access_log,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        pages=settings.pages,
        dev_secret=settings.jwt_secret if settings.dev else None,
    )


@asynccontextmanager
async def opened(services: Services) -> AsyncIterator[Services]:
    """Open in the order of need, close in the reverse: viewers first, the store last. Raises `ConfigError`."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(services.authenticator.close)
        if not isinstance(services.broker, LocalBroker) and (path := _lock_path(services.store)) is not None:
            stack.enter_context(closing(shared_lock(path)))
        stack.push_async_callback(services.broker.close)
        await services.broker.open()  # its lock first: the store may then migrate undisturbed
        stack.push_async_callback(services.store.close)
        await services.store.open()
        if services.shared is not None:
            stack.push_async_callback(services.shared.close)
            await services.shared.open()
        stack.push_async_callback(services.presence.close)
        await services.presence.open()
        if services.api is not None:
            await _go_on_after_newest(services)
            services.api.publisher.start()
            stack.push_async_callback(services.api.publisher.stop)
        if services.gateway is not None:
            services.gateway.hub.start()
            stack.push_async_callback(services.gateway.hub.close)
        if services.demo is not None:
            stack.push_async_callback(services.demo.stop)
        yield services


async def _go_on_after_newest(services: Services) -> None:
    """New comments come after all there are, whatever the clock says by now."""
    if not isinstance(services.store, Journal):
        return
    try:
        services.ids.start_after(await services.store.newest_at())
    except StoreUnavailable as error:  # damaged somewhere; what can be read is served all the same
        log.warning("the newest comment can't be found, so this clock must not have been set back: %s", error)
    if (ahead := services.ids.ahead()) > 1:
        log.warning(
            "the clock is %.0f s behind the newest comment; until it has caught up, new comments bear that one's time. "
            "Set the clock right.",
            ahead,
        )


def run_server(settings: Settings, on_ready: Callable[[str], None], role: Role = Role.SERVE) -> None:
    """Serve until SIGTERM or SIGINT; ``on_ready`` gets the base URL once it listens. Raises `ConfigError`."""
    run_in_loop(serve(settings, on_ready, role))


def run_in_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a server's coroutine as fast as this machine can."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.set_threshold(*_COLLECT_AFTER)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main)


async def serve(settings: Settings, on_ready: Callable[[str], None], role: Role = Role.SERVE) -> None:
    """`run_server` inside a running event loop."""
    services = build(settings, role)
    listener = listen(settings.host, settings.port)
    try:
        async with opened(services):
            url = url_of(listener, tls=settings.tls_cert is not None)
            server = make_server(settings, services, lambda: on_ready(url))
            await server.serve(sockets=[listener])
    finally:
        listener.close()


def make_server(
    settings: Settings, services: Services, on_ready: Callable[[], None], *, shares_port: bool = False
) -> Server:
    """A server for services that somebody else opens and closes; it is given its listener later."""
    viewers = (settings.max_viewers or room_for_viewers()) if services.gateway else 0
    most = settings.max_connections or room_for_connections(viewers)
    if viewers + most + OWN_FILES > (files := open_files()):
        log.warning(
            "%d viewers and %d connections need more than the %d files that may be open: raise that limit (ulimit -n) "
            "to %d, or lower HUBBUB_MAX_VIEWERS or HUBBUB_MAX_CONNECTIONS",
            *(viewers, most, files, viewers + most + OWN_FILES),
        )
    connections = Connections(
        most,
        settings.max_connections_per_address,
        metrics=services.metrics,
        client_of=Addresses(settings.trusted_proxies).client_of,
    )

    async def leave() -> None:
        # One that retires takes nobody in any more, and what it says on /readyz is for nobody to hear.
        await drain(services, delay=0 if server.retired else settings.drain_delay, window=settings.drain_window)

    server = Server(
        server_config(create_app(services, surface(settings)), tls_cert=settings.tls_cert, tls_key=settings.tls_key),
        connections,
        on_ready=on_ready,
        drain=leave,
        shares_port=shares_port,
    )
    return server


async def drain(services: Services, *, delay: float, window: float) -> None:
    """Say "not ready", give load balancers ``delay`` seconds to notice, then let the viewers go over ``window``
    seconds.
    """
    services.stopping.begun = True
    gateway = services.gateway
    if gateway is None:
        log.info("stopping")
        await asyncio.sleep(delay)
        return
    gateway.hub.draining = True
    log.info("draining: %d viewers over %gs", gateway.hub.viewer_count(), window)
    await asyncio.sleep(delay)
    await gateway.hub.drain(window)


async def backup(settings: Settings, target: Path) -> None:
    """Copy the store to ``target`` while it serves; reads only, since that server may be of another release. Raises
    `ConfigError`.
    """
    store = make_store(settings, Metrics())
    if not isinstance(store, Backups):
        raise ConfigError("HUBBUB_STORE", "this store is backed up by its own tools.")
    await store.backup(target)


async def create_store(settings: Settings, *, dry_run: bool) -> list[str]:
    """Make the place that ``HUBBUB_STORE`` names, and say what was made, a line each. Raises `ConfigError`."""
    store = make_store(settings, Metrics())
    if not isinstance(store, Provisioned):
        return [f"Nothing to make: {settings.store} is made by the first start."]
    return await store.create(dry_run=dry_run)
