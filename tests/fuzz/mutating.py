"""Inputs made of seeds by chance, for where there is no coverage to be guided by: the short form of every target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

_LOUD = [
    b"\0",
    b"\r\n",
    b"\n",
    b"\t",
    b" ",
    b"\xff",
    b"\x7f",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b'"',
    b"\\",
    b"%",
    b"0",
    b"9",
]


def inputs(seeds: Sequence[bytes], words: Sequence[bytes], *, longest: int, number: int) -> Iterator[bytes]:
    """The seeds as they are, then endless changes to them; ``number`` is the start of chance."""
    yield b""
    yield from seeds
    chance = Random(number)
    words = [*words, *_LOUD]
    while True:
        data = chance.choice(seeds)
        for _ in range(chance.choice((1, 1, 2, 4, 8))):
            data = _changed(data, chance, words, seeds)
        yield data[:longest]


def _changed(data: bytes, chance: Random, words: Sequence[bytes], seeds: Sequence[bytes]) -> bytes:
    """One change at one place."""
    at = chance.randrange(len(data) + 1)
    end = min(at + chance.choice((0, 1, 1, 2, 4, 8, 16)), len(data))
    match chance.randrange(7):
        case 0:
            return data[:at] + data[end:]
        case 1:
            return data[:at] + chance.choice(words) + data[at:]
        case 2:
            return data[:at] + chance.choice(words) + data[end:]
        case 3:
            return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        case 4:
            return data[:at] + data[at:end] * chance.choice((2, 3, 50)) + data[end:]
        case 5:
            other = chance.choice(seeds)
            return data[:at] + other[chance.randrange(len(other) + 1) :]
        case _:
            return data[:at] + bytes(chance.randrange(256) for _ in range(end - at)) + data[end:]
