"""Refusals that a proxy can see, so that it asks another gateway instead of whoever wants to watch.

A stream that can't be had is answered ``200`` and told to come back, since browsers give up on statuses. A proxy that
could ask the next gateway at once sees nothing in that. So it says that it will: ``Hubbub-Tries: n``, n being how many
gateways it asks for one request. This process then refuses by ``502``, which no other answer of ours has: ``503`` also
means what another gateway would not mend, such as a store that is away, and a proxy would take all of them for broken.

The last to be asked answers the client itself. Envoy counts its attempts in ``X-Envoy-Attempt-Count``, so the n-th is
known here; nginx does not, and asks once more without the header instead (``deploy/nginx``).

Whoever else sends these headers gets a refusal in another form, and nothing more by it.
"""

from __future__ import annotations

from starlette.types import Scope

from hubbub.errors import Refusal
from hubbub.http.requests import header_values

_TRIES = b"hubbub-tries"
_ATTEMPT = b"x-envoy-attempt-count"


class AskAnother(Refusal):
    """This process lets nobody in now; another may."""

    status, title, default_code = 502, "Ask another process", "ask_another"


def ask_another_if_possible(scope: Scope) -> None:
    """Raise `AskAnother` if a proxy on the way will ask another process."""
    if (_count(scope, _ATTEMPT) or 1) < _count(scope, _TRIES):
        raise AskAnother("This process lets nobody in now; another may.")


def _count(scope: Scope, name: bytes) -> int:
    """A header's number; 0 where it is missing, doubled, or none from 1 to 99."""
    match header_values(scope, name):
        case [value] if value.isdigit() and len(value) <= 2:
            return int(value)
        case _:
            return 0
