"""What the service counts and times, for Prometheus.

One `Metrics` a process, with a registry of its own, handed to whoever measures. Values that something else already
knows (viewers, ring sizes) are not kept twice: their owner is asked at each scrape (`Metrics.observe`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_BYTES = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000)


class Metrics:
    """Every metric by its field name; durations in seconds."""

    def __init__(self) -> None:
        self.ask_all: Callable[[], Awaitable[bytes]] | None = None
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        r = self.registry

        self.posts = Counter(
            "hubbub_posts", "Posts by outcome: created, replayed or the refusal's code", ["outcome"], registry=r
        )
        self.accept = Histogram(
            "hubbub_accept_seconds", "A post from request read to answer", buckets=_FAST, registry=r
        )
        self.commit = Histogram("hubbub_commit_seconds", "One commit of the store", buckets=_FAST, registry=r)
        self.commit_batch = Histogram("hubbub_commit_batch_size", "Writes in one commit", buckets=_SIZES, registry=r)
        self.publish = Histogram(
            "hubbub_publish_seconds", "From committed to in the live log", buckets=_FAST, registry=r
        )
        self.publish_deferred = Counter(
            "hubbub_publish_deferred", "Accepted events put on the unpublished list", registry=r
        )
        self.changes = Counter("hubbub_changes", "Deletions, hidings, pins and so on", ["kind"], registry=r)

        self.post_to_frame = Histogram(
            "hubbub_post_to_frame_seconds",
            "From a comment's creation to the frame that carries it",
            buckets=_FAST,
            registry=r,
        )
        self.deliveries = Counter("hubbub_deliveries", "Frames handed to viewers' sockets", registry=r)
        self.delivered_events = Counter("hubbub_delivered_events", "Events in those frames", registry=r)
        self.frame_bytes = Histogram("hubbub_frame_bytes", "Size of a tick's frame", buckets=_BYTES, registry=r)
        self.tick = Histogram(
            "hubbub_tick_seconds", "A video's time between two frames, under load", buckets=_FAST, registry=r
        )
        self.sweep = Histogram(
            "hubbub_sweep_seconds", "Writing one tick to all viewers of a video", buckets=_FAST, registry=r
        )
        self.joins = Counter("hubbub_joins", "Viewers who came, by how they were served", ["rung"], registry=r)
        self.resets = Counter("hubbub_resets", "Viewers told that continuity can't be proven", ["reason"], registry=r)
        self.fell_behind = Counter("hubbub_fell_behind", "Times a viewer could not take a frame at once", registry=r)
        self.closed = Counter("hubbub_viewers_closed", "Viewers let go by us", ["reason"], registry=r)
        self.turned_away = Counter(
            "hubbub_turned_away", "Streams answered with come back later", ["reason"], registry=r
        )
        self.connections = Gauge(
            "hubbub_connections",
            "Connections that do not watch: idle, waiting for the client, busy",
            ["state"],
            registry=r,
        )
        self.refused = Counter("hubbub_connections_refused", "Connections not let in", ["reason"], registry=r)
        self.evicted = Counter(
            "hubbub_connections_evicted", "Connections closed early to make place for others", ["state"], registry=r
        )
        self.dropped = Counter(
            "hubbub_requests_dropped", "Requests ended before they got to an endpoint", ["reason"], registry=r
        )
        self.store_units = Counter(
            "hubbub_store_units", "Capacity units that the store charged: read, write", ["kind"], registry=r
        )
        self.store_retries = Counter(
            "hubbub_store_retries", "Requests to the store tried again, by its reason", ["reason"], registry=r
        )
        self.holes = Counter("hubbub_log_holes", "Holes seen in a video's log and fetched", registry=r)
        self.position_repairs = Counter(
            "hubbub_position_repairs", "Videos found behind the broker's log without a push that showed it", registry=r
        )
        self.reconciled = Counter(
            "hubbub_reconciled",
            "Videos whose log was followed by another: continued by what the store showed, or reset",
            ["outcome"],
            registry=r,
        )
        self.store_reads = Counter(
            "hubbub_store_reads",
            "Times the store was asked for viewers: to open a video, for those back from before its log, for a backlog",
            ["reason"],
            registry=r,
        )
        self.store_polls = Counter("hubbub_store_polls", "Queries of the store in place of the live log", registry=r)
        self.store_events = Counter(
            "hubbub_store_events", "Events that viewers were brought by the store, not the live log", registry=r
        )

    def observe(self, name: str, help: str, value: Callable[[], float]) -> None:
        """Register a gauge whose value is asked for at each scrape."""
        Gauge(name, help, registry=self.registry).set_function(value)

    async def page(self) -> bytes:
        """What whoever scrapes gets: this process's metrics, or those of all that share its port (``ask_all``)."""
        return self.render() if self.ask_all is None else await self.ask_all()

    def render(self) -> bytes:
        """The text exposition format (Prometheus 0.0.4)."""
        return generate_latest(self.registry)


class StoreCosts:
    """Counts what a store's requests cost."""

    def __init__(self, metrics: Metrics) -> None:
        self._read, self._write = (metrics.store_units.labels(kind) for kind in ("read", "write"))
        self._retries = metrics.store_retries

    def consumed(self, operation: str, *, read: float, written: float) -> None:
        """Capacity units of one request."""
        self._read.inc(read)
        self._write.inc(written)

    def retried(self, code: str) -> None:
        """A request is tried again; ``code`` is the service's, empty where there was no answer."""
        self._retries.labels(code or "no_answer").inc()
