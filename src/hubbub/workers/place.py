"""How a worker learns that it is one."""

from __future__ import annotations

import os
from typing import NamedTuple

from hubbub.errors import ConfigError

PLACE_VARIABLE = "HUBBUB_WORKER"
"""Its number, the listener's file and the channel's, with colons between."""


class WorkerPlace(NamedTuple):
    """What a worker was given: its number, the listener's file and the channel's."""

    number: int
    listener: int
    channel: int


def worker_place() -> WorkerPlace | None:
    """This process's place, None where it is no worker. Its variable is not handed on. Raises `ConfigError`."""
    given = os.environ.pop(PLACE_VARIABLE, None)
    if given is None:
        return None
    try:
        number, listener, channel = map(int, given.split(":"))
        for file in (listener, channel):
            os.fstat(file)
    except (ValueError, OSError) as error:
        raise ConfigError(PLACE_VARIABLE, "a parent sets it for its workers; unset it. See HUBBUB_WORKERS.") from error
    return WorkerPlace(number, listener, channel)
