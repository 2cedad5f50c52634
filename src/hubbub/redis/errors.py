"""What can go wrong, as sentences for an operator.

    Away               it can't be reached, does not answer in time, or refuses for a reason that passes
    └── Misconfigured  it answers, and what it answers won't change until somebody changes a setting

Adapters translate both into their port's own error.
"""

from __future__ import annotations

import re


class Away(Exception):
    """It was not confirmed; it may have happened all the same."""


class Misconfigured(Away):
    """Somebody must change a setting: here, or in Redis."""


_MEANINGS = {
    "LOADING": "is loading its data",
    "READONLY": "is a replica and takes no writes",
    "MASTERDOWN": "is a replica that has lost its master",
    "CLUSTERDOWN": "is of a cluster that is down: some of its slots are served by nobody",
    "TRYAGAIN": "is moving this slot to another node",
    "OOM": "has no memory left: raise its maxmemory",
    "BUSY": "is busy with a script that runs too long",
    "MISCONF": "refuses writes because it can't save its snapshots",
    "NOREPLICAS": "refuses writes because too few replicas follow it",
    "NOAUTH": "asks for a password and the URL has none",
    "WRONGPASS": "does not accept the URL's user and password",
    "NOPERM": "does not allow this user what Hubbub needs",
}
"""What the first word of an error says (Redis's own documentation and source name them)."""

_LASTING = frozenset({"NOAUTH", "WRONGPASS", "NOPERM"})


def code_of(error: Exception) -> str:
    """The first word of an error reply: its code."""
    return str(error).partition(" ")[0]


def explain(error: Exception, where: str) -> Away:
    """An error reply of the node at ``where`` as an exception of ours."""
    code = code_of(error)
    kind = Misconfigured if code in _LASTING else Away
    text = re.sub(r" script: [0-9a-f]{40}.*", "", str(error))
    if code in _MEANINGS:
        return kind(f"Redis at {where} {_MEANINGS[code]} ({text})")
    return kind(f"Redis at {where} answers: {text}")
