"""The command line where no server is needed: help, errors, tokens, settings."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
import trustme
from click.testing import Result

from hubbub import __version__
from hubbub.cli.config import config
from hubbub.cli.main import program
from hubbub.cli.serve import check_certificate
from hubbub.config import rows, secret_file, with_dev_secret
from hubbub.config.settings import Settings

Run = Callable[..., Result]

SECRET = "a secret for tests only, of more than 32 bytes"
COMMANDS = ["serve", "demo", "token", "post", "tail", "video", "config", "backup"]


def test_version_is_one_line(run: Run) -> None:
    """For people and scripts alike."""
    assert run("--version").stdout == f"hubbub {__version__}\n"


def test_help_names_every_command_and_where_to_start(run: Run) -> None:
    """A newcomer finds out what to do first."""
    out = run("--help").stdout
    assert all(f"  {command} " in out for command in COMMANDS)
    assert "hubbub serve --dev" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_or_a_hint(run: Run, command: str) -> None:
    """Nobody has to read the source to use one."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "hubbub " in result.stdout.split("Options:")[0].split("\n", 1)[1]


def test_every_setting_is_a_flag_of_serve(run: Run) -> None:
    """The flags are made from the table, so none is missing."""
    out = run("serve", "--help").stdout
    assert [row.name for row in rows().values() if f"{row.flag} " not in out] == []


def test_starting_up_is_quick(home: Path) -> None:
    """What is heavy is imported by the commands that need it: neither the server nor the client is loaded for
    --version."""
    heavy = ("uvicorn", "starlette", "apsw", "httpx", "jwt", "rich", "hubbub.wiring")
    script = (
        "import sys, hubbub.cli.main as m\n"
        "try: m.program(['--version'])\n"
        f"except SystemExit: print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_server_loads_what_its_settings_ask_for(home: Path) -> None:
    """Without a key set to fetch, a Redis or a DynamoDB it has neither their drivers nor an HTTP client in memory."""
    chosen = ("httpx", "rich", "hubbub.redis", "hiredis", "aiobotocore", "botocore")
    script = (
        "import sys; from hubbub.comments.identity import Authenticator; import hubbub.wiring\n"
        f"Authenticator(secret='x' * 32); print([name for name in {chosen!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


# --- errors
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve"], "HUBBUB_JWT_SECRET: without it nobody's token can be checked"),
        (["serve", "--port", "x"], "HUBBUB_PORT: 'x' is not a whole number"),
        (["serve", "--dev", "--host", "0.0.0.0"], "HUBBUB_DEV: "),
        (["token", "--user", "me"], "HUBBUB_JWT_SECRET: there is no secret to sign a token with"),
        (["post", "demo", "Hello"], "HUBBUB_JWT_SECRET: there is no secret"),
        (["config", "--config", "nowhere.toml"], "HUBBUB_CONFIG: nowhere.toml can't be read"),
        (["config", "--config", "/dev/zero"], "HUBBUB_CONFIG: /dev/zero is a device"),
        (["backup", "copy.db", "--store", "carrier-pigeon://x"], "HUBBUB_STORE: "),
        (["backup", ""], "backup FILE: '.' cannot be"),
        (["backup", "."], "backup FILE: '.' cannot be"),
        (["backup", "a\udcff.db"], r"backup FILE: 'a\udcff.db' cannot be"),
        *[
            ([*command, "--url", address], f"HUBBUB_URL: {address!r} is not a server's address")
            for command in (["tail", "demo"], ["post", "demo", "x"])
            for address in ("notaurl", "ftp://x", "http://[", "http://localhost:99999")
        ],
        *[
            ([*command, "--token", token], "HUBBUB_TOKEN: this cannot be a token")
            for command in (["tail", "demo"], ["post", "demo", "x"])
            for token in ("", "a b", "\udcff")
        ],
        *[([command, video], f"VIDEO: {video!r} is no") for command in ("tail", "post") for video in ("", "\udcff")],
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(run: Run, words: list[str], said: str) -> None:
    """The line names the setting; there is no traceback."""
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"hubbub: {said}")
    assert result.stderr.count("\n") == 1


def test_a_file_of_settings_is_not_read_without_end(run: Run, home: Path) -> None:
    """One that is longer than any could be is refused unread; what comes through a pipe is taken."""
    with (home / "hubbub.toml").open("wb") as file:
        file.truncate(2**40)
    result = run("config")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "hubbub.toml is longer than" in result.stderr
    reader, writer = os.pipe()
    os.write(writer, b"port = 9000")
    os.close(writer)
    try:
        assert "HUBBUB_PORT\t9000\t" in run("config", "--config", f"/dev/fd/{reader}").stdout
    finally:
        os.close(reader)


def test_a_certificate_that_is_none_is_refused_before_serving(run: Run, home: Path) -> None:
    """One line that names the setting: for what is not PEM, and for a key that belongs to another certificate."""
    authority = trustme.CA()
    for name in ("one", "two"):
        issued = authority.issue_cert(f"{name}.example")
        issued.private_key_and_cert_chain_pem.write_to_path(home / f"{name}.pem")
    (home / "bad.pem").write_text("no certificate")
    for cert, key, setting in (("bad", "one", "CERT"), ("one", "bad", "CERT"), ("one", "two", "KEY")):
        result = run("serve", "--tls-cert", f"{cert}.pem", "--tls-key", f"{key}.pem", JWT_SECRET=SECRET)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert result.stderr.startswith(f"hubbub: HUBBUB_TLS_{setting}: ")
    good = Settings(tls_cert=str(home / "one.pem"), tls_key=str(home / "one.pem"))
    check_certificate(good)


@pytest.fixture
def faulty(home: Path) -> Iterator[str]:
    """A command with a fault in it."""

    @program.command(name="faulty")
    def fail() -> None:
        raise LookupError("no such thing\x1b[2J\nat all.")

    yield "faulty"
    del program.commands["faulty"]


def test_a_fault_is_one_line_and_status_1(run: Run, faulty: str) -> None:
    """Its type, its words, and how to see more; the traceback comes only when it is asked for."""
    result = run(faulty)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(r"hubbub: LookupError: no such thing\x1b[2J at all. This was not foreseen; ")
    assert "HUBBUB_DEBUG=1" in result.stderr
    assert result.stderr.count("\n") == 1
    with pytest.raises(LookupError):
        run(faulty, DEBUG="1")


def test_help_says_how_to_see_a_traceback(run: Run) -> None:
    """And the variable for it is no unknown setting."""
    assert "HUBBUB_DEBUG=1" in run("--help").stdout
    assert run("config", DEBUG="1").stderr == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sreve"], "No such command 'sreve'"),
        (["token"], "Missing option '--user'"),
        (["token", "--user", "me", "--scope", "read wirte"], "'wirte' is none of read, post, moderate"),
        (["token", "--user", "me", "--expires", "soon"], "'soon' is not a time"),
        (["tail", "demo", "--backlog", "201"], "201 is not in the range"),
        (["post", "demo", "Hello", "--url", "https://comments.example"], "give --token TOKEN, or set HUBBUB_TOKEN"),
    ],
)
def test_wrong_usage_says_what_is_right(run: Run, words: list[str], said: str) -> None:
    """Status 2, and the sentence on stderr."""
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_refused_token_is_one_line_and_status_1(run: Run) -> None:
    """What the service's own rules refuse is no wrong usage."""
    result = run("token", "--user", "a\nb", JWT_SECRET=SECRET)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("hubbub: ")
    assert result.stderr.count("\n") == 1


def test_an_unknown_variable_is_remarked_upon_on_stderr(run: Run) -> None:
    """The command does its work all the same."""
    result = run("token", "--user", "me", JWT_SECRET=SECRET, JWT_ISUER="x")
    assert result.exit_code == 0
    assert "HUBBUB_JWT_ISUER is set and is no setting of this version. Did you mean" in result.stderr


# --- token
# ----------------------------------------------------------------------------------------------------------------


def test_a_token_and_nothing_else_is_printed(run: Run) -> None:
    """So that ``$(hubbub token …)`` works; by default it reads and posts for a day."""
    result = run("token", "--user", "ann", JWT_SECRET=SECRET)
    assert result.stderr == ""
    claims = jwt.decode(result.stdout.strip(), SECRET, algorithms=["HS256"])
    assert result.stdout.count("\n") == 1
    assert (claims["sub"], sorted(claims["scope"].split())) == ("ann", ["post", "read"])
    assert 86_000 < claims["exp"] - time.time() <= 86_400


def test_a_token_says_what_it_was_asked_to(run: Run) -> None:
    """Name, scopes, roles, videos, lifetime; issuer and audience are the configured ones."""
    words = "token --user ann --scope read,moderate --expires 10min --role host --role staff --video live-* --name"
    result = run(*words.split(), "Ann O.", JWT_SECRET=SECRET, JWT_ISSUER="https://id.example", JWT_AUDIENCE="hubbub")
    claims = jwt.decode(result.stdout.strip(), SECRET, algorithms=["HS256"], audience="hubbub")
    assert 590 < claims.pop("exp") - time.time() <= 600
    del claims["iat"]
    assert claims == {
        "sub": "ann",
        "name": "Ann O.",
        "scope": "read moderate",
        "roles": ["host", "staff"],
        "videos": ["live-*"],
        "iss": "https://id.example",
        "aud": "hubbub",
    }


def test_a_token_is_signed_with_the_development_secret_where_none_is_set(run: Run, home: Path) -> None:
    """The file beside the store is found by the store's setting."""
    (home / "data").mkdir()
    settings = with_dev_secret(Settings(dev=True, store="sqlite:///data/hubbub.db"), create=True)
    result = run("token", "--user", "ann", "--store", "sqlite:///data/hubbub.db")
    assert settings.jwt_secret is not None
    jwt.decode(result.stdout.strip(), settings.jwt_secret, algorithms=["HS256"])
    assert run("token", "--user", "ann").exit_code == 2


# --- config
# ---------------------------------------------------------------------------------------------------------------


def test_config_shows_values_and_origins_and_no_secret(run: Run, home: Path) -> None:
    """One line a setting, tabs between, for grep and cut; passwords in addresses are masked too."""
    (home / "hubbub.toml").write_text("max_text = 300\n")
    result = run(
        "config", "--port", "9000", JWT_SECRET=SECRET, BROKER="redis://me:hunter2@localhost/0", POST_LIMIT="1/s"
    )
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in result.stdout.splitlines()}
    assert list(lines) == [row.variable for row in rows().values()]
    assert lines["HUBBUB_PORT"] == ["9000", "flag --port"]
    assert lines["HUBBUB_POST_LIMIT"] == ["1/s", "variable HUBBUB_POST_LIMIT"]
    assert lines["HUBBUB_MAX_TEXT"] == ["300", "file hubbub.toml"]
    assert lines["HUBBUB_WATCH"] == ["public", "default"]
    assert lines["HUBBUB_JWT_SECRET"] == ["***", "variable HUBBUB_JWT_SECRET"]
    assert lines["HUBBUB_BROKER"] == ["redis://me:***@localhost/0", "variable HUBBUB_BROKER"]
    assert "hunter2" not in result.output


def test_config_as_json_has_typed_values(run: Run) -> None:
    """Numbers and booleans are themselves; a secret is still masked."""
    found = json.loads(run("config", "--json", "--access-log", JWT_SECRET=SECRET, LINGER="2min").stdout)
    assert list(found) == list(rows())
    assert found["linger"] == {"value": 120.0, "from": "variable HUBBUB_LINGER"}
    assert found["access_log"] == {"value": True, "from": "flag --access-log"}
    assert found["jwt_secret"]["value"] == "***"
    assert found["max_viewers"]["value"] is None


def test_config_masks_the_development_secret(run: Run) -> None:
    """It is shown that there is one, and in which file."""
    settings = with_dev_secret(Settings(dev=True), create=True)
    result = run("config", "--dev")
    assert f"HUBBUB_JWT_SECRET\t***\tdev secret {secret_file(settings)}\n" in result.stdout
    assert str(settings.jwt_secret) not in result.output


class Terminal(io.StringIO):
    """A stdout that people read."""

    def isatty(self) -> bool:
        return True


def test_config_is_a_table_on_a_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns, fitted to the width: a long value goes on below, and nothing of it is cut off."""
    address = "https://login.example.org/" + "realm/" * 20
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    config.main(["--jwt-issuer", address], standalone_mode=False)
    lines = terminal.getvalue().splitlines()
    assert all(len(line) <= 100 and "\t" not in line for line in lines)
    assert re.fullmatch(r"HUBBUB_PORT +8000 +default *", next(line for line in lines if "HUBBUB_PORT" in line))
    first = next(n for n, line in enumerate(lines) if "HUBBUB_JWT_ISSUER" in line)
    column = lines[0].index("value"), lines[0].index("from")
    assert "".join(line[slice(*column)].strip() for line in lines[first : first + 8]).startswith(address)
