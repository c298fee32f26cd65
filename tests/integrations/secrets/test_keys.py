"""The key file: private, made once, never half."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skerry.errors import SkerryError, Unavailable
from skerry.integrations.secrets import keys


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key"


def test_a_new_file_is_for_its_owner_only_whatever_the_umask(key_file: Path) -> None:
    before = os.umask(0)
    try:
        keys.make_or_read(key_file)
        keys.replace(key_file, keys.Keyring.fresh())
    finally:
        os.umask(before)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_the_same_keys_are_read_again_and_no_draft_stays(key_file: Path) -> None:
    assert keys.make_or_read(key_file) == keys.make_or_read(key_file)
    assert [path.name for path in key_file.parent.iterdir()] == ["key"]


def test_made_by_many_at_once_all_have_the_same(key_file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: keys.make_or_read(key_file), range(32)))
    assert len(set(rings)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command_that_mends_it(
    key_file: Path, mode: int
) -> None:
    keys.make_or_read(key_file)
    key_file.chmod(mode)
    with pytest.raises(SkerryError, match="is open to others") as raised:
        keys.make_or_read(key_file)
    assert f"chmod 600 {key_file}" in raised.value.hint
    key_file.chmod(0o600)
    keys.make_or_read(key_file)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"key abc\n", b"fingerprint 00\nkey short\n", b"\xff\xfe"]
)
def test_a_file_that_holds_no_keys_is_refused_and_left_as_it_is(
    key_file: Path, content: bytes
) -> None:
    key_file.touch(0o600)
    key_file.write_bytes(content)
    with pytest.raises(SkerryError, match="is no key file"):
        keys.make_or_read(key_file)
    assert key_file.read_bytes() == content


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        keys.make_or_read(tmp_path / "none" / "key")


def test_keys_are_in_no_repr(key_file: Path) -> None:
    assert repr(keys.make_or_read(key_file)) == "Keyring()"
