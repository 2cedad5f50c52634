"""The one table of settings.

Each row below is a field of `Settings`; flags, ``HUBBUB_*`` variables, TOML keys, ``hubbub config`` and
docs/settings.md are all made from it. A default is given as text and read by the row's own parser: what the
documentation shows is what happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

from hubbub.config import values
from hubbub.config.values import Network, Parser, optional
from hubbub.limiters.base import Limit, parse_limit

T = TypeVar("T")

_ROW = "hubbub.config.row"


class Row(NamedTuple):
    """What is known of a setting besides its value. ``example`` is a value worth showing, ``default`` the default's
    text."""

    name: str
    group: str
    default: str
    parse: Parser[Any]
    help: str
    example: str
    metavar: str
    secret: bool

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"HUBBUB_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Its command-line option."""
        return "--" + self.name.replace("_", "-")

    @property
    def switch(self) -> bool:
        """True for a setting that is on or off: its flag takes no value."""
        return self.parse is values.boolean


class Origin(NamedTuple):
    """Where a value came from: ``where`` is the flag, the variable or the file; ``text`` is what stood there."""

    kind: Literal["flag", "variable", "file", "dev secret", "default"]
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".rstrip()


def setting(
    default: str,
    parse: Parser[T],
    help: str,
    *,
    group: str,
    example: str = "",
    metavar: str = "TEXT",
    secret: bool = False,
) -> T:
    """A row of the table: a dataclass field, for type checkers its parser's value."""
    row = Row("", group, default, parse, help, example or default, metavar, secret)
    value: T = field(default=parse(default), repr=not secret, metadata={_ROW: row})
    return value


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be chosen, parsed. Times are in seconds, sizes in bytes.

    `hubbub.config.load_settings` makes and checks them; made by hand they are taken as they are.
    """

    # --- listening ----------------------------------------------------------------------------------------------------
    host: str = setting(
        "127.0.0.1",
        values.text,
        "Address to listen on; 0.0.0.0 for every interface.",
        group="Listening",
        example="0.0.0.0",
        metavar="ADDRESS",
    )
    port: int = setting(
        "8000", values.port, "Port to listen on; 0 takes any free one.", group="Listening", metavar="NUMBER"
    )
    dev: bool = setting(
        "false",
        values.boolean,
        "Development: this machine only, guests may post, and a secret is made if none is set.",
        group="Listening",
        example="true",
    )
    tls_cert: str | None = setting(
        "none",
        optional(values.text, "none"),
        "Certificate chain (PEM) to serve HTTPS with; needs the key too.",
        group="Listening",
        example="/etc/hubbub/cert.pem",
        metavar="FILE",
    )
    tls_key: str | None = setting(
        "none",
        optional(values.text, "none"),
        "The certificate's private key (PEM).",
        group="Listening",
        example="/etc/hubbub/key.pem",
        metavar="FILE",
    )
    workers: int = setting(
        "1",
        values.integer(1, 256),
        "Processes that share the port; more than one need a HUBBUB_BROKER between them.",
        group="Listening",
        example="4",
        metavar="NUMBER",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "none",
        values.networks,
        "Networks whose X-Forwarded-For is believed, between commas.",
        group="Listening",
        example="10.0.0.0/8,127.0.0.1",
        metavar="NETWORKS",
    )
    cors_origins: tuple[str, ...] = setting(
        "none",
        values.origins,
        "Web origins whose pages may call from a browser, between commas; * for all.",
        group="Listening",
        example="https://example.org",
        metavar="ORIGINS",
    )

    # --- parts --------------------------------------------------------------------------------------------------------
    store: str = setting(
        "sqlite:///hubbub.db",
        values.url,
        "Where comments are kept: sqlite:///FILE, sqlite:////FILE from the root, or dynamodb://TABLE?region=….",
        group="Parts",
        example="sqlite:////var/lib/hubbub/hubbub.db",
        metavar="URL",
    )
    broker: str = setting(
        "local://",
        values.url,
        "The live log: local:// is in this process; redis://[[USER]:PASSWORD@]HOST:PORT is Redis or Valkey, "
        "redis+cluster:// a Cluster of them, rediss:// and rediss+cluster:// the same over TLS (?ca=FILE).",
        group="Parts",
        example="redis://127.0.0.1:6379",
        metavar="URL",
    )
    limiter: Literal["broker", "local"] = setting(
        "broker",
        values.choice("broker", "local"),
        "Where rate limits are counted: where the broker is, so over all processes if that is Redis (broker), or in "
        "each process by itself (local).",
        group="Parts",
        example="local",
        metavar="WHERE",
    )
    channels: int | None = setting(
        "off",
        optional(values.integer(1, 16_384), "off"),
        "Channels of Redis that all videos share by hash; off: one for each video. The same for all processes.",
        group="Parts",
        example="256",
        metavar="NUMBER",
    )
    history: int = setting(
        "1000",
        values.integer(1, 100_000),
        "Newest events of a video kept in Redis, for gateways that missed some; a few more now and then.",
        group="Parts",
        metavar="NUMBER",
    )
    history_age: float = setting("1h", values.seconds(10, 7 * 86_400), "And how long.", group="Parts", metavar="TIME")
    key_prefix: str = setting(
        "hubbub",
        values.key_prefix,
        "What names in Redis begin with, so that several deployments can share one.",
        group="Parts",
        example="hubbub-staging",
        metavar="TEXT",
    )
    position_check: float = setting(
        "3s",
        values.seconds(0.1, 30),
        "How often Redis is asked where the logs of watched videos stand: lost pushes are found by it.",
        group="Parts",
        metavar="TIME",
    )
    ingest: str | None = setting(
        "none",
        optional(values.url, "none"),
        "A log that takes posts before the store does; there is none to choose yet.",
        group="Parts",
        metavar="URL",
    )
    store_timeout: float = setting(
        "5s",
        values.seconds(0.05, 300),
        "How long a write waits for a store that is locked, throttled or away; at most HUBBUB_MAX_SKEW.",
        group="Parts",
        metavar="TIME",
    )
    pending_writes: int = setting(
        "20000",
        values.integer(1, 1_000_000),
        "Posts that may wait for a commit; one more is answered 503.",
        group="Parts",
        metavar="NUMBER",
    )
    max_skew: float = setting(
        "10s",
        values.seconds(0, 300),
        "How far the clocks of processes may be apart; a resume reads this much again.",
        group="Parts",
        metavar="TIME",
    )

    # --- who may do what ----------------------------------------------------------------------------------------------
    jwt_secret: str | None = setting(
        "none",
        optional(values.secret, "none"),
        "Secret that signs tokens with HS256, 32 bytes or more. Better set as a variable: flags are seen in `ps`.",
        group="Who may do what",
        example="$(openssl rand -base64 32)",
        secret=True,
    )
    jwks_url: str | None = setting(
        "none",
        optional(values.url, "none"),
        "Key set (RFC 7517) of who signs tokens with RS256, ES256 or EdDSA: https:// or file://.",
        group="Who may do what",
        example="https://login.example.org/.well-known/jwks.json",
        metavar="URL",
    )
    jwt_issuer: str | None = setting(
        "none",
        optional(values.text, "none"),
        "Only tokens with this `iss` count.",
        group="Who may do what",
        example="https://login.example.org",
    )
    jwt_audience: str | None = setting(
        "none",
        optional(values.text, "none"),
        "Only tokens with this `aud` count.",
        group="Who may do what",
        example="hubbub",
    )
    watch: Literal["public", "token"] = setting(
        "public",
        values.choice("public", "token"),
        "Who may watch and read: everybody (public), or holders of a token that allows it (token).",
        group="Who may do what",
        example="token",
        metavar="WHO",
    )

    videos: Literal["open", "registered"] = setting(
        "open",
        values.choice("open", "registered"),
        "Which videos there are: whichever is named (open), or those that PUT /v1/videos/ID has made (registered).",
        group="Who may do what",
        example="registered",
        metavar="WHICH",
    )
    pages: bool = setting(
        "true",
        values.boolean,
        "Serve pages for people too: / (what is on) and /watch/ID.",
        group="Who may do what",
        example="false",
    )

    # --- limits -------------------------------------------------------------------------------------------------------
    post_limit: Limit | None = setting(
        "5/10s", parse_limit, "Posts that one user may make; off for no limit.", group="Limits", metavar="LIMIT"
    )
    address_limit: Limit | None = setting(
        "50/10s",
        parse_limit,
        "Posts that one address may make; off for no limit.",
        group="Limits",
        metavar="LIMIT",
    )
    global_limit: Limit | None = setting(
        "50000/s",
        parse_limit,
        "Posts that all together may make; off for no limit.",
        group="Limits",
        metavar="LIMIT",
    )
    max_text: int = setting(
        "500",
        values.integer(1, 1_000),  # 12 bytes each where a client escapes them all, and a body has 16 KiB
        "Length of a comment, in code points.",
        group="Limits",
        metavar="NUMBER",
    )
    max_viewers: int | None = setting(
        "auto",
        optional(values.integer(1, 10_000_000), "auto"),
        "Viewers at once; auto leaves room within the limit of open files.",
        group="Limits",
        example="15000",
        metavar="NUMBER",
    )
    max_viewers_per_address: int | None = setting(
        "off",
        optional(values.integer(1, 10_000_000), "off"),
        "Viewers at once from one address.",
        group="Limits",
        example="100",
        metavar="NUMBER",
    )

    max_connections: int | None = setting(
        "auto",
        optional(values.integer(10, 10_000_000), "auto"),
        "Connections at once that do not watch; auto: as many files as viewers leave, 10000 at most.",
        group="Limits",
        example="2000",
        metavar="NUMBER",
    )
    max_connections_per_address: int | None = setting(
        "off",
        optional(values.integer(1, 10_000_000), "off"),
        "The same from one address; trusted proxies may have any number.",
        group="Limits",
        example="100",
        metavar="NUMBER",
    )

    # --- delivery -----------------------------------------------------------------------------------------------------
    ring_entries: int = setting(
        "10000",
        values.integer(100, 10_000_000),
        "Newest events of a watched video kept in memory, for viewers who come back or fall behind.",
        group="Delivery",
        metavar="NUMBER",
    )
    ring_bytes: int = setting(
        "4MiB",
        values.size(64 * 1024, 1024**4),
        "The same in bytes; whichever is reached first.",
        group="Delivery",
        metavar="SIZE",
    )
    idle_videos: int = setting(
        "1000",
        values.integer(0, 10_000_000),
        "Videos kept in memory after their last viewer left.",
        group="Delivery",
        metavar="NUMBER",
    )
    linger: float = setting(
        "30s",
        values.seconds(0, 86_400),
        "How long they are kept.",
        group="Delivery",
        metavar="TIME",
    )
    tick_min: float = setting(
        "20ms",
        values.seconds(0.001, 10),
        "Under load, the shortest time between two frames of a video.",
        group="Delivery",
        metavar="TIME",
    )
    tick_max: float = setting(
        "1s",
        values.seconds(0.001, 60),
        "The longest: frames gather more as sending takes longer.",
        group="Delivery",
        metavar="TIME",
    )
    heartbeat: float = setting(
        "15s",
        values.seconds(0.1, 3600),
        "Silence after which a stream gets a sign of life; less than proxies allow.",
        group="Delivery",
        metavar="TIME",
    )
    stall_timeout: float = setting(
        "30s",
        values.seconds(0.1, 3600),
        "A viewer who takes nothing for so long is let go.",
        group="Delivery",
        metavar="TIME",
    )
    sndbuf: int = setting(
        "65536",
        values.size(4096, 16 * 1024**2),
        "Send buffer of a viewer's socket, so that one who never reads costs no more.",
        group="Delivery",
        metavar="SIZE",
    )
    retry_min: float = setting(
        "1s",
        values.seconds(0.05, 300),
        "A viewer whose stream is cut comes back after at least this.",
        group="Delivery",
        metavar="TIME",
    )
    retry_max: float = setting(
        "4s",
        values.seconds(0.05, 300),
        "And at most this, at a random moment between, so that not all come at once.",
        group="Delivery",
        metavar="TIME",
    )
    drain_delay: float = setting(
        "1s",
        values.seconds(0, 3600),
        "When told to stop: how long to say so on /readyz before viewers are sent away; as long as the load balancer "
        "takes to notice.",
        group="Delivery",
        metavar="TIME",
    )
    drain_window: float = setting(
        "10s",
        values.seconds(0, 3600),
        "When told to stop: the time over which viewers are sent away.",
        group="Delivery",
        metavar="TIME",
    )

    # --- logs ---------------------------------------------------------------------------------------------------------
    log_format: Literal["text", "json"] = setting(
        "text",
        values.choice("text", "json"),
        "One readable line per entry (text), or one JSON object (json).",
        group="Logs",
        example="json",
        metavar="FORMAT",
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info",
        values.choice("debug", "info", "warning", "error"),
        "The least that is logged: debug, info, warning or error.",
        group="Logs",
        metavar="LEVEL",
    )
    access_log: bool = setting(
        "false", values.boolean, "Log every request, not only those answered 5xx.", group="Logs", example="true"
    )

    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)
    """Where each value came from, by name. Empty for settings made by hand."""

    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Sentences for whoever starts the program: what was found and not used."""


@cache
def rows() -> dict[str, Row]:
    """The table, by name, in the order above."""
    return {
        item.name: item.metadata[_ROW]._replace(name=item.name) for item in fields(Settings) if _ROW in item.metadata
    }
