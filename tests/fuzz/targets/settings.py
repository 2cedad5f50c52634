"""Values of settings, from a variable or a file: taken, or an error that names the setting and gives no secret away."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.fuzz.oracles import text_of

from hubbub.config.loading import load_settings
from hubbub.config.settings import rows
from hubbub.errors import ConfigError

ROWS = list(rows().values())
SEEDS = [bytes([number]) + row.example.encode() for number, row in enumerate(ROWS)] + [
    b"\xffport = 8000\nmax_text = 500\ncors_origins = ['https://example.org']\n",
    b"\xffwatch = 'token'\nheartbeat = 1.5\n[table]\n",
    b"\x00\x00",
]
DICTIONARY = [b"1e9", b"off", b"none", b"auto", b"ms", b"KiB", b"/10s", b"://", b"::/0", b"https://", b"_"]
_SECRET = "a secret for tests only, of more than 32 bytes"
_file = Path(tempfile.gettempdir()) / f"hubbub-fuzz-{id(ROWS):x}.toml"


def check(data: bytes) -> None:
    """The first byte chooses the setting; beyond them all, the rest is a file."""
    number, text = data[0] if data else 0, text_of(data[1:])
    if number >= len(ROWS):
        _check_file(data[1:])
        return
    row = ROWS[number]
    try:
        value = row.parse(text)
    except ValueError as error:
        assert str(error) and str(error).isprintable(), repr(str(error))
        assert len(str(error)) < 1_000, "a value of any length is quoted in part"
        assert not row.secret or len(text.strip()) < 8 or text.strip() not in str(error), "the secret is in the error"
    else:
        assert row.secret or row.parse(text.strip()) == value
    try:
        settings = load_settings(environ={row.variable: text, **({} if row.secret else {"HUBBUB_JWT_SECRET": _SECRET})})
    except ConfigError as error:
        assert error.setting.startswith("HUBBUB_")
    else:
        assert _SECRET not in repr(settings)


def _check_file(content: bytes) -> None:
    _file.write_bytes(content)
    try:
        load_settings(environ={}, config=str(_file))
    except ConfigError as error:
        assert error.setting.startswith("HUBBUB_")
    finally:
        _file.unlink()
