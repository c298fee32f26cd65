"""What a node says of a container or command that cannot start, in a builder's words."""

import pytest

from skerry.model.starting import start_words

_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: exec: "


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (f'{_EXEC}"psql": executable file not found in $PATH: unknown', "psql is not in its image"),
        (f'{_EXEC}"/x": stat /x: no such file or directory: unknown', "/x is not in its image"),
        (f'{_EXEC}"/etc": is a directory: unknown', "/etc is a folder"),
        (f'{_EXEC}"/a": permission denied: unknown', "/a may not be executed"),
        ("something else", "something else"),
    ],
)
def test_a_command_that_cannot_start_is_named(said: str, words: str) -> None:
    assert start_words(said) == words
