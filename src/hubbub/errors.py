"""Every error Hubbub raises on purpose, in one tree.

    HubbubError
    ├── Refusal                     the caller asked for something we won't do: a 4xx (or 503) on the wire
    │   ├── Malformed               400  not JSON, wrong types, unknown fields, a bad cursor or id
    │   ├── Unauthenticated         401  no token, or one that does not verify
    │   ├── Forbidden               403  a valid token without the right
    │   ├── NotFound                404  no such comment or page
    │   ├── Conflict                409  not possible in the comment's present state
    │   ├── TooLarge                413  the body is over the bound
    │   ├── Misdirected             421  an address that processes of another role serve
    │   ├── Unprocessable           422  well-formed, yet against a rule (text, reused idempotency key)
    │   ├── TooFast                 429  a rate limit; carries retry_after
    │   ├── AskAnother              502  to a proxy that can: `hubbub.http.elsewhere`
    │   └── Unavailable             503  a part we need is away; carries retry_after
    │       ├── StoreUnavailable         the store did not take or give it; nothing is half-written
    │       ├── BrokerUnavailable        the live log did not confirm a publish
    │       └── KeysUnavailable          the JWKS could not be had
    ├── NotProvable                 the log can't show that nothing is missing after a position: answer `reset`
    ├── ConfigError                 a setting is wrong; names the setting to change
    └── ApiError, Unreachable       the Python client's, see `hubbub.client.errors`

A Refusal carries what its problem document says (RFC 9457): a stable ``code``, a sentence for a person (``detail``),
and what else helps (``extra``, such as ``field``). Driver errors are translated into this tree in the adapter that met
them.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HubbubError(Exception):
    """The root of the tree; never raised itself."""


class Refusal(HubbubError):
    """A request we answer with a problem document.

    ``status`` is the HTTP status, ``title`` the code's fixed heading; ``code`` is stable and meant for programs.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    default_code: ClassVar[str]

    def __init__(self, detail: str, *, code: str | None = None, retry_after: float | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.extra = extra


class Malformed(Refusal):
    """The request can't be read: fix its form and send it again."""

    status, title, default_code = 400, "Malformed request", "malformed"


class Unauthenticated(Refusal):
    """No token, or one that does not verify."""

    status, title, default_code = 401, "Not signed in", "unauthenticated"


class Forbidden(Refusal):
    """The token is valid and does not allow this."""

    status, title, default_code = 403, "Not allowed", "forbidden"


class NotFound(Refusal):
    """There is nothing here by that name."""

    status, title, default_code = 404, "Not found", "not_found"


class Conflict(Refusal):
    """The comment's present state does not admit this."""

    status, title, default_code = 409, "Not possible now", "conflict"


class TooLarge(Refusal):
    """The body is over the bound; ``limit`` in the extra gives it in bytes."""

    status, title, default_code = 413, "Too large", "too_large"


class Misdirected(Refusal):
    """Processes of another role serve this address (RFC 9110, section 15.5.20)."""

    status, title, default_code = 421, "Not served here", "other_role"


class Unprocessable(Refusal):
    """Well-formed, and against a rule."""

    status, title, default_code = 422, "Not acceptable", "unprocessable"


class TooFast(Refusal):
    """A rate limit; ``retry_after`` seconds from now it may succeed."""

    status, title, default_code = 429, "Too fast", "too_fast"


class Unavailable(Refusal):
    """A part we need is away; the same request is worth repeating after ``retry_after`` seconds."""

    status, title, default_code = 503, "Not available now", "unavailable"


class StoreUnavailable(Unavailable):
    """The store did not take or give it. Nothing is half-written."""

    default_code = "store_unavailable"


class BrokerUnavailable(Unavailable):
    """The live log did not confirm a publish in time."""

    default_code = "broker_unavailable"


class KeysUnavailable(Unavailable):
    """Tokens can't be checked because the JWKS can't be had."""

    default_code = "keys_unavailable"


class NotProvable(HubbubError):
    """The log can't show that nothing is missing after a position (other epoch, trimmed, too far back)."""


class ConfigError(HubbubError):
    """A setting is wrong. ``setting`` is its environment name, such as ``HUBBUB_STORE``."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem
