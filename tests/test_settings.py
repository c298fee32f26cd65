"""Operator settings: read from the environment, each said once; and the state folder."""

import os
import re
import stat
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from skerry.errors import SkerryError, Unavailable
from skerry.settings import LogLevel, Reach, Settings, describe, open_state

HOME = {"HOME": "/home/ann"}


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_environment(HOME)
    assert settings == Settings(state=Path("/home/ann/.local/state/skerry"))
    assert settings.database_url == "sqlite:////home/ann/.local/state/skerry/skerry.db"
    assert (settings.listen, settings.port) == ("127.0.0.1", 7575)
    assert settings.history.releases == 50


def test_the_state_folder_is_where_xdg_says() -> None:
    environment = HOME | {"XDG_STATE_HOME": "/srv/state"}
    assert Settings.from_environment(environment).state == Path("/srv/state/skerry")
    relative = HOME | {"XDG_STATE_HOME": "state"}
    assert Settings.from_environment(relative).state == Path("/home/ann/.local/state/skerry")
    chosen = environment | {"SKERRY_STATE": "/srv/skerry"}
    assert Settings.from_environment(chosen).state == Path("/srv/skerry")


def test_every_variable_reaches_its_field() -> None:
    settings = Settings.from_environment(
        {
            "SKERRY_STATE": "/srv/skerry",
            "SKERRY_LISTEN": "0.0.0.0",
            "SKERRY_LISTEN_PORT": "0",
            "SKERRY_DATABASE": "postgresql://skerry:hunter2@db/skerry",
            "SKERRY_ENGINE_URL": "unix:///run/podman/podman.sock",
            "SKERRY_REACH": "published",
            "SKERRY_BRIDGES": "10.64.0.0/16",
            "SKERRY_ADDRESSES": "198.19.0.0/16",
            "SKERRY_HTTP_PORT": "8080",
            "SKERRY_HTTPS_PORT": "8443",
            "SKERRY_LOG_LEVEL": "debug",
            "SKERRY_RELEASES_KEPT": "10",
            "SKERRY_OPERATIONS_KEPT": "100",
            "SKERRY_AUDIT_KEPT": "5000",
            "SKERRY_AUDIT_DAYS": "30",
            "SKERRY_SERVER": "https://skerry.acme.dev",
            "SKERRY_TOKEN": "skr_hunter2",
            "SKERRY_REPOSITORY": "https://me:hunter2@git.acme.dev/shop.git",
            "SKERRY_BRANCH": "prod",
            "SKERRY_REPOSITORY_PATH": "./deploy/prod/",
            "SKERRY_REPOSITORY_TOKEN_FILE": "/run/secrets/git",
            "SKERRY_POLL_SECONDS": "5",
            "SKERRY_LOOK_SECONDS": "60",
            "SKERRY_WEBHOOK_SECRET": "hunter2",
            "SKERRY_NAME": "skerry-0",
            "SKERRY_URL": "http://10.0.0.7:7575",
        }
    )
    assert (settings.branch, settings.repository_path) == ("prod", "deploy/prod")
    assert settings.repository_token_file == Path("/run/secrets/git")
    assert (settings.poll_seconds, settings.look_seconds) == (5, 60)
    assert (settings.name, settings.url) == ("skerry-0", "http://10.0.0.7:7575")
    assert (settings.state, settings.listen, settings.port) == (Path("/srv/skerry"), "0.0.0.0", 0)
    assert settings.database_url == "postgresql://skerry:hunter2@db/skerry"
    assert settings.engine_url == "unix:///run/podman/podman.sock"
    assert (settings.reach, settings.log_level) == (Reach.PUBLISHED, LogLevel.DEBUG)
    assert settings.bridges == IPv4Network("10.64.0.0/16")
    assert settings.addresses == IPv4Network("198.19.0.0/16")
    assert (settings.http_port, settings.https_port) == (8080, 8443)
    history = settings.history
    assert (history.releases, history.operations) == (10, 100)
    assert (history.audit_entries, history.audit_days) == (5000, 30)
    assert settings.server == "https://skerry.acme.dev"
    assert settings.token is not None
    assert settings.token.reveal() == "skr_hunter2"
    assert "hunter2" not in repr(settings)


def test_the_engine_is_the_one_docker_host_names_unless_told_otherwise() -> None:
    docker = HOME | {"DOCKER_HOST": "ssh://somewhere"}
    assert Settings.from_environment(docker).engine_url == "ssh://somewhere"
    both = docker | {"SKERRY_ENGINE_URL": "tcp://127.0.0.1:2375"}
    assert Settings.from_environment(both).engine_url == "tcp://127.0.0.1:2375"


@pytest.mark.parametrize(
    ("variable", "written", "expected"),
    [
        ("SKERRY_STATE", "relative", "an absolute path"),
        ("SKERRY_STATE", "/srv/a?b", "without a question mark"),
        ("SKERRY_LISTEN", "localhost", "an IP address"),
        ("SKERRY_LISTEN_PORT", "65536", "a port from 1 to 65535"),
        ("SKERRY_LISTEN_PORT", "-1", "a port"),
        ("SKERRY_LISTEN_PORT", "٣", "a port"),
        ("SKERRY_DATABASE", "mysql://x", "postgresql://user@host/database"),
        ("SKERRY_ENGINE_URL", "/run/docker.sock", "unix:///path/to/socket"),
        ("SKERRY_REACH", "magic", "auto, routed or published"),
        ("SKERRY_BRIDGES", "10.208.0.0/24", "of /20 or larger"),
        ("SKERRY_BRIDGES", "10.208.0.1/12", "an IPv4 network"),
        ("SKERRY_ADDRESSES", "fd00::/8", "an IPv4 network"),
        ("SKERRY_ADDRESSES", "10.208.0.0/16", "not overlap with SKERRY_BRIDGES"),
        ("SKERRY_HTTP_PORT", "0", "a port from 1 to 65535"),
        ("SKERRY_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("SKERRY_RELEASES_KEPT", "1", "a number from 2"),
        ("SKERRY_SERVER", "skerry.acme.dev", "https://host"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_is_expected(
    variable: str, written: str, expected: str
) -> None:
    with pytest.raises(SkerryError) as raised:
        Settings.from_environment(HOME | {variable: written})
    assert raised.value.subject == variable
    assert expected in raised.value.cause
    assert f"unset {variable}" in raised.value.hint


def test_all_bad_values_are_said_at_once() -> None:
    with pytest.raises(SkerryError) as raised:
        Settings.from_environment(HOME | {"SKERRY_REACH": "x", "SKERRY_LISTEN_PORT": "y"})
    assert "SKERRY_REACH" in raised.value.cause
    assert "SKERRY_LISTEN_PORT" in raised.value.cause


def test_a_bad_database_address_is_not_repeated_for_its_password() -> None:
    with pytest.raises(SkerryError) as raised:
        Settings.from_environment(HOME | {"SKERRY_DATABASE": "mysql://a:hunter2@b/c"})
    assert "hunter2" not in f"{raised.value}"


def test_an_empty_or_blank_variable_means_its_default() -> None:
    assert Settings.from_environment(HOME | {"SKERRY_LISTEN_PORT": " "}).port == 7575


def test_every_variable_is_described_with_meaning_expectation_default_and_reason() -> None:
    described = describe()
    assert len({variable.name for variable in described}) == len(described)
    for variable in described:
        assert re.fullmatch(r"SKERRY_[A-Z_]+", variable.name)
        assert all((variable.meaning, variable.expected, variable.default, variable.reason))
        assert "None" not in variable.default


def test_reading_settings_loads_no_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, skerry.settings; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"pydantic", "sqlalchemy", "alembic", "orjson", "cryptography", "asyncio", "yaml"}
    assert heavy.isdisjoint(loaded)


def test_a_new_state_folder_is_private_and_gets_an_identity_that_stays(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "a" / "b")
    before = os.umask(0)
    try:
        state = open_state(settings)
    finally:
        os.umask(before)
    assert re.fullmatch(r"[0-9a-f]{8}", state.instance)
    assert stat.S_IMODE(settings.state.stat().st_mode) == 0o700
    assert stat.S_IMODE((settings.state / "instance").stat().st_mode) == 0o600
    assert open_state(settings) == state
    assert open_state(Settings(state=tmp_path / "c")).instance != state.instance
    assert state.key_file == settings.state / "key"


def test_a_state_folder_others_can_write_into_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(SkerryError, match="others may write") as raised:
        open_state(Settings(state=tmp_path))
    assert f"chmod 700 {tmp_path}" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be used") as raised:
        open_state(Settings(state=tmp_path / "file" / "state"))
    assert "SKERRY_STATE" in raised.value.hint


def test_a_damaged_identity_is_not_replaced(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "instance").write_text("what?")
    with pytest.raises(SkerryError, match="8 hexadecimal digits"):
        open_state(Settings(state=tmp_path))
    assert (tmp_path / "instance").read_text() == "what?"


@pytest.mark.parametrize(
    "written",
    ["git@git.acme.dev:team/shop.git", "ssh://git@host/x", "/srv/git/shop", "https://h/x"],
)
def test_a_repository_is_written_as_git_takes_it(written: str) -> None:
    assert Settings.from_environment(HOME | {"SKERRY_REPOSITORY": written}).repository == written


@pytest.mark.parametrize(
    "written", ["--upload-pack=touch /tmp/x", "ext::sh -c id", "shop", "h:-x", "https://h/x y"]
)
def test_a_repository_is_never_an_option_or_a_command(written: str) -> None:
    with pytest.raises(SkerryError, match="SKERRY_REPOSITORY: should be"):
        Settings.from_environment(HOME | {"SKERRY_REPOSITORY": written})


@pytest.mark.parametrize("written", ["../other", "a/../../b"])
def test_the_folder_of_the_documents_is_inside(written: str) -> None:
    with pytest.raises(SkerryError, match="SKERRY_REPOSITORY_PATH: should be"):
        Settings.from_environment(HOME | {"SKERRY_REPOSITORY_PATH": written})
