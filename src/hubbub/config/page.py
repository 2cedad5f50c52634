"""docs/settings.md, made from the table: ``python -m hubbub.config.page`` (which ``make docs`` calls) prints it."""

from __future__ import annotations

from itertools import groupby

from hubbub.config.settings import Row, rows

_OPENING = """\
# Settings

<!-- Made from src/hubbub/config/settings.py by `make docs`; change it there. -->

Every setting is a flag of `hubbub serve`, an environment variable and a key of a TOML file. A flag counts before a
variable, a variable before the file, the file before the default; `hubbub config` shows what is in force and from
where. The file is the one that `--config FILE` or `HUBBUB_CONFIG` names, else `hubbub.toml` in the current directory if
there is one:

```toml
port = 8080
store = "sqlite:////var/lib/hubbub/hubbub.db"
cors_origins = ["https://example.org", "https://www.example.org"]
post_limit = "10/min"
```

Times are written `20ms`, `1.5s`, `2min`, `1h` or as a number of seconds; sizes `65536`, `64KiB`, `4MiB`; limits
`5/10s`, `100/min`, `off`; lists with commas between (in TOML also as a list). An empty variable counts as not set. What
can't be read, and a key that is no setting, stops the program with a sentence that says which; a `HUBBUB_` variable
that is no setting is only remarked upon.
"""

_CLOSING = """
Two more variables are for the commands that call a server, `hubbub post` and `hubbub tail`: `HUBBUB_URL` (its address)
and `HUBBUB_TOKEN` (your token).
"""


def settings_page() -> str:
    """The page, as Markdown."""
    parts = [_OPENING]
    for group, members in groupby(rows().values(), key=lambda row: row.group):
        parts.append(f"\n## {group}\n\n| flag | variable | default | what |\n|---|---|---|---|\n")
        parts.extend(_line(row) for row in members)
    parts.append(_CLOSING)
    return "".join(parts)


def _line(row: Row) -> str:
    example = "" if row.switch or row.example == row.default or row.secret else f" Example: `{row.example}`"
    return f"| `{row.flag}` | `{row.variable}` | `{row.default}` | {row.help}{example} |\n"


if __name__ == "__main__":
    print(settings_page(), end="")  # noqa: T201 - this module's purpose
