"""The service's and the driver's errors, sorted by what to do about them, and in words that say what to change.

Codes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import botocore.exceptions
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSLError,
)

RETRY_AFTER = 1.0
"""Seconds after which a refused call is worth repeating."""

UNPROCESSED = "Unprocessed"
"""Our own name for what has none: a batch comes back with a part undone."""

THROTTLED = frozenset({
    UNPROCESSED,
    "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "RequestLimitExceeded",
    "ThrottlingException", "ThrottlingError", "Throttling",
})  # fmt: skip
_COLLIDED = frozenset({"TransactionConflictException", "TransactionConflict", "TransactionInProgressException"})
_DENIED = frozenset({
    "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
    "MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidClientTokenId",
})  # fmt: skip
_MISSING = "ResourceNotFoundException"

CONDITION = "ConditionalCheckFailed"
"""The reason of a cancelled transaction that tells that the table is not as was believed."""

_NO_CREDENTIALS = (
    NoCredentialsError, PartialCredentialsError, CredentialRetrievalError,
    botocore.exceptions.ProfileNotFound, botocore.exceptions.ConfigParseError,
)  # fmt: skip
_LOST = (HTTPClientError, botocore.exceptions.ConnectionError)

DriverError = (ClientError, BotoCoreError, OSError)
"""Whatever comes out of a request."""


class Unprocessed(Exception):
    """A batch of which DynamoDB left a part undone: it does so when it is throttled midway."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"{operation} left items unprocessed")


class NotDynamoDB(BotoCoreError):  # type: ignore[misc] # botocore has no types
    """What answers speaks another language, or says what only it understands."""

    fmt = "what answers is not DynamoDB"


class Reason(NamedTuple):
    """Why one action of a transaction was not taken ("None": not its fault), and the item that stood in the way."""

    code: str
    item: dict[str, Any] | None


class ConditionFailed(Exception):
    """A write's condition did not hold. ``reasons`` has one entry for each action of the transaction, or the one of a
    single write.
    """

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__("a condition did not hold")
        self.reasons = reasons

    @property
    def standing(self) -> dict[str, Any]:
        """What stands where a single write, of something new, was to go."""
        item = self.reasons[0].item
        assert item is not None  # it was asked for
        return item


def code_of(error: Exception) -> str:
    """The service's name for an error; empty for those of the driver."""
    if isinstance(error, Unprocessed):
        return UNPROCESSED
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def condition_failed(error: ClientError) -> ConditionFailed | None:
    """The error as what the caller decides upon, if it is that."""
    code = code_of(error)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([Reason(CONDITION, error.response.get("Item"))])
    reasons = _reasons(error)
    return ConditionFailed(reasons) if any(reason.code == CONDITION for reason in reasons) else None


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed a moment later: it was throttled, or met another transaction."""
    code = code_of(error)
    if code == "TransactionCanceledException" and isinstance(error, ClientError):
        refused = {reason.code for reason in _reasons(error)} - {"None"}
        return bool(refused) and refused <= THROTTLED | _COLLIDED
    return code in THROTTLED | _COLLIDED


def is_unsure(error: Exception) -> bool:
    """Whether the request may have been carried out all the same."""
    return _is_ailing(error) or isinstance(error, (*_LOST, OSError))


def is_misconfigured(error: Exception) -> bool:
    """Whether only a setting or an operator mends it."""
    lasting = (*_NO_CREDENTIALS, NoRegionError, SSLError, NotDynamoDB)
    return code_of(error) in _DENIED | {_MISSING} or isinstance(error, lasting)


def describe(error: BaseException | None, *, table: str, where: str, timeout: float, answers: int = 0) -> str:
    """A sentence that names the cause and what to do about it; None: ``timeout`` s were over without one, after so many
    ``answers``.
    """
    limit = f"within HUBBUB_STORE_TIMEOUT ({timeout:g} s)"
    if error is None and answers:
        return f"DynamoDB was not through with a call {limit}, although it gave {answers} answers. Raise that setting."
    if error is None:
        return f"DynamoDB did not answer {limit}. Check the way to {where}."
    code = code_of(error) if isinstance(error, Exception) else ""
    said = _words_of(error)
    if code == "TransactionCanceledException" and isinstance(error, ClientError):
        code = next((reason.code for reason in _reasons(error) if reason.code != "None"), code)
    if code in THROTTLED:
        return (
            f"DynamoDB throttles the table {table} ({code}), and did so for as long as HUBBUB_STORE_TIMEOUT allows. "
            "Raise its capacity or its account's limit; if one video is hot, raise shards= in HUBBUB_STORE."
        )
    if code in _COLLIDED:
        return f"Writes to the same items of the table {table} kept colliding ({code}). Try again in a moment."
    if _is_ailing(error):
        return f"DynamoDB failed by itself ({code}: {said}). Try again in a moment."
    if code == _MISSING:
        return (
            f"There is no table {table} in {where}. Check the region and the table's name in HUBBUB_STORE, or make it "
            "with `hubbub store create`."
        )
    if code in _DENIED:
        return (
            f"DynamoDB denies access to the table {table} in {where} ({code}: {said}). Check the AWS credentials of "
            "this process, what their policy allows, the machine's clock, and the region in HUBBUB_STORE."
        )
    if code:
        return f"DynamoDB refused a request ({code}: {said})."
    if isinstance(error, NotDynamoDB):
        return f"what answers at {where} is not DynamoDB. Check the endpoint in HUBBUB_STORE."
    if isinstance(error, NoRegionError):
        return "no AWS region is known. Write it in HUBBUB_STORE (dynamodb://TABLE?region=…), or set AWS_REGION."
    if isinstance(error, _NO_CREDENTIALS):
        return (
            f"there are no usable AWS credentials ({said}). Give them to this process in one of the usual ways: "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role."
        )
    return f"DynamoDB can't be reached ({said}). Check the network and the endpoint in HUBBUB_STORE."


def _is_ailing(error: BaseException) -> bool:
    """Whether it is the service's own failure (or that of a proxy before it, whose words may be any)."""
    if not isinstance(error, ClientError):
        return False
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500


def _reasons(error: ClientError) -> list[Reason]:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])
    return [Reason(str(reason.get("Code", "None")), reason.get("Item")) for reason in reasons]


def _words_of(error: BaseException) -> str:
    said = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
    return " ".join(str(said).split()).rstrip(".") or type(error).__name__
