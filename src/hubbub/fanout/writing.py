"""The innermost loop: one frame to many sockets.

Straight to the sockets, since through a transport each write costs half as much again as the system call that it ends
in. That is safe for whoever is level, and for nobody else: its transport holds no unsent bytes that would have to go
first, and its socket is its own until it reports itself lost, which a transport does before it closes it
(``tests/http/test_viewers.py`` holds asyncio and uvloop to that). Between choosing the viewers and the last write here,
nothing else may run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from socket import SocketType


def send_to_all(sockets: Sequence[SocketType], data: bytes) -> list[int]:
    """Send ``data`` by each of ``sockets``; how many bytes each has taken, which is 0 too where it can take nothing any
    more. Never waits, never raises.

    `SocketType.send`, not `os.write`: to the kernel a write to a socket is a longer way (a twelfth of the whole).
    """
    untried = iter(sockets)
    sent: list[int] = []
    while len(sent) < len(sockets):
        try:
            sent.extend(map(SocketType.send, untried, repeat(data)))  # keeps what it had when one of them raises
        except OSError:  # its buffer is full, or its client has gone
            sent.append(0)
    return sent
