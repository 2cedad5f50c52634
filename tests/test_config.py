"""Settings: read from one table, whatever the source, and refused with a sentence that helps."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.config import Settings, check_for_serving, load_settings, rows, secret_file, with_dev_secret
from hubbub.config.page import settings_page
from hubbub.errors import ConfigError
from hubbub.limiters.base import Limit

SECRET = "a secret for tests only, of more than 32 bytes"
PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(**environ: str) -> ConfigError:
    """The error that these variables (without their ``HUBBUB_``) end in."""
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={f"HUBBUB_{name}": value for name, value in environ.items()})
    return caught.value


# --- the table
# ------------------------------------------------------------------------------------------------------------


def test_every_field_is_a_row_and_every_default_reads_as_it_stands() -> None:
    """A setting can't be added without what its flag, variable, key and documentation are made from."""
    others = {"origins", "notes"}
    assert {field.name for field in dataclasses.fields(Settings)} - others == set(rows())
    for name, row in rows().items():
        assert row.parse(row.default) == getattr(Settings(), name)
        assert row.help.endswith(".")
        if not row.secret and row.name != "ingest":
            row.parse(row.example)


def test_the_documentation_is_current() -> None:
    """docs/settings.md is what the table makes: run ``make docs`` after changing it."""
    assert PAGE.read_text("utf-8") == settings_page()


def test_secrets_are_not_in_the_representation() -> None:
    """Settings can be logged."""
    assert SECRET not in repr(Settings(jwt_secret=SECRET))


# --- where values come from
# -----------------------------------------------------------------------------------------------


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    """Each value comes from the nearest source, and it is known which."""
    file = tmp_path / "other.toml"
    file.write_text('port = 1003\nhost = "10.0.0.3"\nmax_text = 300\n')
    settings = load_settings(
        {"port": "1001", "host": None}, {"HUBBUB_PORT": "1002", "HUBBUB_HOST": "10.0.0.2"}, config=str(file)
    )
    assert (settings.port, settings.host, settings.max_text, settings.watch) == (1001, "10.0.0.2", 300, "public")
    origins = [str(settings.origins[name]) for name in ("port", "host", "max_text", "watch")]
    assert origins == ["flag --port", "variable HUBBUB_HOST", f"file {file}", "default"]


def test_the_file_is_the_flags_or_the_variables_or_hubbub_toml(tmp_path: Path) -> None:
    """``--config``, then ``HUBBUB_CONFIG``, then ./hubbub.toml if there is one."""
    assert load_settings(environ={}).port == 8000
    for name, port in (("hubbub.toml", 1), ("variable.toml", 2), ("flag.toml", 3)):
        (tmp_path / name).write_text(f"port = {port}")
    assert load_settings(environ={}).port == 1
    assert load_settings(environ={"HUBBUB_CONFIG": "variable.toml"}).port == 2
    assert load_settings(environ={"HUBBUB_CONFIG": "variable.toml"}, config="flag.toml").port == 3


def test_toml_values_have_their_natural_types(tmp_path: Path) -> None:
    """Numbers, booleans, texts and lists of texts all read as one expects."""
    (tmp_path / "hubbub.toml").write_text(
        'port = 8080\naccess_log = true\nlinger = 2.5\nring_bytes = "8MiB"\npost_limit = "off"\n'
        'cors_origins = ["https://a.example", "https://b.example"]\ntrusted_proxies = ["10.0.0.0/8"]\n'
    )
    settings = load_settings(environ={})
    assert (settings.port, settings.access_log, settings.linger, settings.ring_bytes) == (8080, True, 2.5, 8 * 1024**2)
    assert settings.post_limit is None
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        ("prot = 1", "HUBBUB_CONFIG", "Did you mean port?"),
        ("post-limit = '1/s'", "HUBBUB_CONFIG", "Did you mean post_limit?"),
        ("[server]\nport = 1", "HUBBUB_CONFIG", "'server', which is no setting"),
        ("port = ", "HUBBUB_CONFIG", "is not TOML"),
        ("port = [1, 2]", "HUBBUB_PORT", "a list of texts"),
        ("port = 2027-01-15", "HUBBUB_PORT", "gives it a date"),
        ("port = true", "HUBBUB_PORT", "whole number"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, named: str, said: str) -> None:
    """Unknown keys, types that mean nothing and broken TOML say what they are and where."""
    (tmp_path / "hubbub.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"hubbub\.toml") as caught:
        load_settings(environ={})
    assert caught.value.setting == named
    assert said in caught.value.problem


def test_a_file_that_was_named_must_be_there() -> None:
    """Only the usual file may be missing."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml can't be read"):
        load_settings(environ={}, config="nowhere.toml")


def test_an_empty_variable_counts_as_not_set() -> None:
    """Compose files and CI systems set variables that nobody filled."""
    settings = load_settings(environ={"HUBBUB_PORT": "", "HUBBUB_JWT_SECRET": "", "HUBBUB_CONFIG": ""})
    assert settings.port == 8000
    assert settings.jwt_secret is None


def test_an_unknown_variable_is_remarked_upon() -> None:
    """It is most likely a slip; what Kubernetes sets for a Service of our name is nobody's mistake."""
    settings = load_settings(
        environ={"HUBBUB_PROT": "1", "HUBBUB_TOKEN": "x", "HUBBUB_SERVICE_HOST": "x", "HUBBUB_PORT_8000_TCP": "x"}
    )
    assert settings.notes == ("HUBBUB_PROT is set and is no setting of this version. Did you mean HUBBUB_PORT?",)
    unlike = load_settings(environ={"HUBBUB_DATABASE": "x"})
    assert unlike.notes == ("HUBBUB_DATABASE is set and is no setting of this version.",)


# --- what values may be
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", " 0 ", 0),
        ("port", "65535", 65535),
        ("pending_writes", "20_000", 20_000),
        ("dev", "yes", True),
        ("dev", "0", False),
        ("watch", "Token", "token"),
        ("tick_min", "20ms", 0.02),
        ("tick_min", "1s", 1.0),
        ("linger", "2min", 120.0),
        ("linger", "1.5", 1.5),
        ("linger", "1d", 86_400.0),
        ("ring_bytes", "64KiB", 65_536),
        ("ring_bytes", "1gib", 1024**3),
        ("sndbuf", "65536", 65_536),
        ("post_limit", "5/10s", Limit(5, 10.0)),
        ("post_limit", "off", None),
        ("max_viewers", "auto", None),
        ("max_viewers", "100", 100),
        ("max_viewers_per_address", "off", None),
        ("ingest", "none", None),
        ("jwt_audience", "none", None),
        (
            "trusted_proxies",
            "10.0.0.7, fd00::/8,",
            (ipaddress.ip_network("10.0.0.7"), ipaddress.ip_network("fd00::/8")),
        ),
        ("trusted_proxies", "none", ()),
        ("cors_origins", "*", ("*",)),
        ("cors_origins", "https://Example.org:443, http://[::1]:8080", ("https://example.org", "http://[::1]:8080")),
    ],
)
def test_a_right_text_reads_as_its_value(name: str, text: str, value: object) -> None:
    """Every form that the documentation names is taken."""
    assert rows()[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "80.5"),
        ("port", "٨٠"),
        ("port", "9" * 5000),
        ("dev", "maybe"),
        ("watch", "nobody"),
        ("host", "a\nb"),
        ("host", " "),
        ("tick_min", "20 parsecs"),
        ("tick_min", "0"),
        ("linger", "nan"),
        ("linger", "inf"),
        ("linger", "-1s"),
        ("linger", "1e3"),
        ("ring_bytes", "4MB"),
        ("ring_bytes", "1"),
        ("post_limit", "lots"),
        ("post_limit", "0/s"),
        ("max_text", "1001"),
        ("max_viewers", "0"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "example.org"),
        ("cors_origins", "example.org"),
        ("cors_origins", "https://example.org/app"),
        ("cors_origins", "https://example.org:port"),
        ("cors_origins", "https://me@example.org"),
        ("store", "hubbub.db"),
    ],
)
def test_a_wrong_text_is_refused_with_its_name_and_an_example(name: str, text: str) -> None:
    """The sentence names the variable, shows the text, and gives a value that works."""
    error = refused(**{name.upper(): text})
    row = rows()[name]
    assert error.setting == row.variable
    assert str(error).startswith(f"{row.variable}: ")
    assert f"It came from the variable {row.variable}. For example: {row.variable}={row.example}" in error.problem
    assert len(str(error)) < 500


def test_an_example_has_the_form_of_its_source(tmp_path: Path) -> None:
    """Who gave a flag is shown a flag, who wrote a file a line for it."""
    with pytest.raises(ConfigError, match=r"came from the flag --max-text\. For example: --max-text 500$"):
        load_settings({"max_text": "x"}, {})
    (tmp_path / "hubbub.toml").write_text('max_text = "x"')
    with pytest.raises(ConfigError, match=r'came from the file hubbub\.toml\. For example: max_text = "500"$'):
        load_settings({}, {})


@given(name=st.sampled_from(sorted(rows())), text=st.text(max_size=40))
def test_any_text_reads_or_is_refused_in_one_line(name: str, text: str) -> None:
    """No parser fails in another way, and no error carries raw control characters."""
    said = ""
    try:
        rows()[name].parse(text)
    except ValueError as error:
        said = str(error)
    assert said.isprintable()


def test_kubernetes_service_links_are_explained() -> None:
    """A Service named hubbub sets HUBBUB_PORT to an address; the error says how to stop that."""
    assert "enableServiceLinks" in refused(PORT="tcp://10.0.0.1:8000").problem


def test_a_short_secret_is_refused_and_not_shown() -> None:
    """At least 32 bytes, counted as bytes; what it was is in no error."""
    error = refused(JWT_SECRET="hunter2")
    assert "7 bytes" in error.problem
    assert "hunter2" not in str(error)
    assert load_settings(environ={"HUBBUB_JWT_SECRET": "é" * 16}).jwt_secret == "é" * 16


# --- together
# -------------------------------------------------------------------------------------------------------------


def test_serving_needs_a_way_to_check_tokens() -> None:
    """A secret, a key set, or --dev; the error names all three."""
    with pytest.raises(ConfigError, match="HUBBUB_JWKS_URL") as caught:
        check_for_serving(load_settings(environ={}))
    assert caught.value.setting == "HUBBUB_JWT_SECRET"
    assert "serve --dev" in caught.value.problem
    for name, value in (("JWT_SECRET", SECRET), ("JWKS_URL", "https://login.example/jwks"), ("DEV", "1")):
        check_for_serving(load_settings(environ={f"HUBBUB_{name}": value}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_development_is_for_this_machine_only(host: str) -> None:
    """--dev on an address that others reach is refused."""
    assert refused(DEV="true", HOST=host).setting == "HUBBUB_DEV"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_development_takes_every_loopback_address(host: str) -> None:
    """All of 127.0.0.0/8, ::1 and their name."""
    assert load_settings(environ={"HUBBUB_DEV": "true", "HUBBUB_HOST": host}).dev


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"TLS_CERT": "c.pem"}, "HUBBUB_TLS_KEY"),
        ({"TLS_KEY": "k.pem"}, "HUBBUB_TLS_CERT"),
        ({"TICK_MIN": "2s"}, "HUBBUB_TICK_MIN"),
        ({"RETRY_MAX": "500ms"}, "HUBBUB_RETRY_MIN"),
        ({"STORE_TIMEOUT": "11s"}, "HUBBUB_STORE_TIMEOUT"),
        ({"MAX_SKEW": "4s"}, "HUBBUB_STORE_TIMEOUT"),
        ({"INGEST": "kafka://localhost"}, "HUBBUB_INGEST"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], named: str) -> None:
    """Each alone is right; together they can't work."""
    assert refused(**environ).setting == named


def test_a_store_may_be_waited_for_as_long_as_clocks_may_differ() -> None:
    """A commit that is later than a resume reads again would be missed; both settings are named, either may change."""
    assert "HUBBUB_MAX_SKEW (10 s)" in refused(STORE_TIMEOUT="11s").problem
    assert load_settings(environ={"HUBBUB_STORE_TIMEOUT": "10s"}).store_timeout == 10
    assert load_settings(environ={"HUBBUB_STORE_TIMEOUT": "60s", "HUBBUB_MAX_SKEW": "60s"}).max_skew == 60


def test_a_certificate_that_cannot_be_read_is_refused_before_serving(tmp_path: Path) -> None:
    """The error names the file rather than end in TLS's own words."""
    (tmp_path / "cert.pem").write_text("")
    settings = Settings(jwt_secret=SECRET, tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    with pytest.raises(ConfigError, match=r"HUBBUB_TLS_KEY: .*key\.pem can't be read"):
        check_for_serving(settings)


# --- the development server's secret
# --------------------------------------------------------------------------------------


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Beside the store, mode 0600; later starts and `hubbub token` find the same."""
    settings = Settings(dev=True, store=f"sqlite:///{tmp_path}/with%20space.db")
    assert with_dev_secret(settings).jwt_secret is None
    made = with_dev_secret(settings, create=True)
    file = secret_file(settings)
    assert file == tmp_path / ".hubbub-dev-secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.jwt_secret == file.read_text().strip()
    assert len(made.jwt_secret or "") >= 32
    assert str(made.origins["jwt_secret"]) == f"dev secret {file}"
    assert with_dev_secret(settings, create=True) == with_dev_secret(settings) == made
    assert [path.name for path in tmp_path.iterdir()] == [".hubbub-dev-secret"]


def test_a_secret_that_was_set_is_left_alone(tmp_path: Path) -> None:
    """No file is made, nor read."""
    settings = Settings(dev=True, jwt_secret=SECRET, store=f"sqlite:///{tmp_path}/hubbub.db")
    assert with_dev_secret(settings, create=True) is settings
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_a_secret_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    """They could sign in as anybody."""
    settings = Settings(dev=True, store=f"sqlite:///{tmp_path}/hubbub.db")
    with_dev_secret(settings, create=True)
    secret_file(settings).chmod(mode)
    with pytest.raises(ConfigError, match="delete it"):
        with_dev_secret(settings)


@pytest.mark.parametrize("content", ["", "short", "\x00\xff"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: str) -> None:
    """An empty or broken file is no secret."""
    descriptor = os.open(tmp_path / ".hubbub-dev-secret", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="latin-1") as file:
        file.write(content)
    with pytest.raises(ConfigError, match="holds no secret"):
        with_dev_secret(Settings(dev=True, store=f"sqlite:///{tmp_path}/hubbub.db"), create=True)


def test_a_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """Whoever could lay the link chose the secret."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(SECRET)
    elsewhere.chmod(0o600)
    (tmp_path / ".hubbub-dev-secret").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="can't be used"):
        with_dev_secret(Settings(dev=True, store=f"sqlite:///{tmp_path}/hubbub.db"))


def test_a_place_that_is_not_there_is_named() -> None:
    """The error names the file, not only the system's words."""
    with pytest.raises(ConfigError, match=r"/nowhere/\.hubbub-dev-secret can't be used: No such file or directory"):
        with_dev_secret(Settings(dev=True, store="sqlite:////nowhere/hubbub.db"), create=True)
