"""What is said, and by whom: picked from lines.txt."""

from __future__ import annotations

import random
from collections import deque
from importlib.resources import files
from typing import NamedTuple

from hubbub.model import User

PARTS = ("names", "host", "spam", "talk", "cheers")

PLAIN = 0.7
"""The share of ASCII: 30 % of the messages of a big stream are not."""

_NOT_AGAIN = 12
"""Lines of talk that are not repeated at once. Cheers are: in a real chat one line in twenty is the same one."""


class Said(NamedTuple):
    """A comment to be made."""

    user: User
    text: str


def read_lines() -> dict[str, list[str]]:
    """Every part of the file, by name."""
    parts: dict[str, list[str]] = {name: [] for name in PARTS}
    part: list[str] = []
    for line in (files(__package__ or "hubbub.demo") / "lines.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            part = parts[line.strip("[]")]
        elif line and not line.startswith("#"):
            part.append(line)
    return parts


class Script:
    """Somebody's next words, by chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._parts = read_lines()
        self._users = [User(f"demo-{number}", name) for number, name in enumerate(self._parts["names"])]
        self._weights = [1 / (3 + place) for place in range(len(self._users))]  # some talk much, most little
        rng.shuffle(self._users)
        self._recent: deque[str] = deque(maxlen=_NOT_AGAIN)
        self._host_lines = 0

    def next(self, *, excited: bool) -> Said:
        """A viewer's words; in a burst mostly cheers."""
        [user] = self._rng.choices(self._users, self._weights)
        if self._rng.random() < (0.8 if excited else 0.12):
            return Said(user, self._pick("cheers"))
        text = self._pick("talk")
        self._recent.append(text)
        return Said(user, text)

    def _pick(self, part: str) -> str:
        plain = self._rng.random() < PLAIN
        lines = self._parts[part]
        return self._rng.choice([line for line in lines if line.isascii() is plain and line not in self._recent])

    def spam(self) -> Said:
        """What a moderator takes away again."""
        return Said(User("demo-spam", "totally real person"), self._rng.choice(self._parts["spam"]))

    def host_line(self) -> str:
        """The host's next announcement, in order, round and round."""
        line = self._parts["host"][self._host_lines % len(self._parts["host"])]
        self._host_lines += 1
        return line
