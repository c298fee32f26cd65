"""Trusting the authority, in a made-up root."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from skerry.errors import Refused
from skerry.integrations.gateway.trust import NAME, install, remove


class Commands:
    """Records commands instead of running them."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def __call__(self, command: Sequence[str]) -> None:
        self.ran.append(command[0])


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("usr/local/share/ca-certificates", "update-ca-certificates"),
        ("etc/pki/ca-trust/source/anchors", "update-ca-trust"),
    ],
)
def test_the_machine_trusts_it_and_is_told_once(tmp_path: Path, folder: str, command: str) -> None:
    store, run = tmp_path / folder, Commands()
    store.mkdir(parents=True)
    for _ in range(2):
        assert install("PEM", home=tmp_path, root=tmp_path, run=run)
    assert (store / f"{NAME}.crt").read_text() == "PEM"
    assert run.ran == [command]
    assert remove(home=tmp_path, root=tmp_path, run=run)
    assert list(store.iterdir()) == []
    assert remove(home=tmp_path, root=tmp_path, run=run) == ()


def test_an_unknown_machine_is_told_to_print_it(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        install("PEM", home=tmp_path, root=tmp_path, run=Commands())
    assert "--print" in caught.value.hint
