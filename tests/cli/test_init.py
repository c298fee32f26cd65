"""`skerry init`: two lines, and nothing overwritten."""

from pathlib import Path

import yaml

from tests.cli.conftest import Skerry


def test_flags_leave_nothing_to_ask(tmp_path: Path, skerry: Skerry) -> None:
    ended = skerry("init", str(tmp_path), "--name", "web", "--image", "ghcr.io/acme/web:1.4.2")
    assert ended.code == 0
    document = (tmp_path / "web.yaml").read_text()
    assert document == "service: web\nimage: ghcr.io/acme/web:1.4.2\n"
    assert yaml.safe_load((tmp_path / "skerry.yaml").read_text())["version"] == 1


def test_a_containerfile_is_what_to_build(tmp_path: Path, skerry: Skerry) -> None:
    (tmp_path / "Containerfile").write_text("FROM scratch\n")
    skerry("init", str(tmp_path), "--name", "web")
    assert (tmp_path / "web.yaml").read_text() == "service: web\nbuild: .\n"


def test_nothing_is_overwritten(tmp_path: Path, skerry: Skerry) -> None:
    (tmp_path / "web.yaml").write_text("mine\n")
    ended = skerry("init", str(tmp_path), "--name", "web", "--image", "x")
    assert ended.code == 1
    assert "is not overwritten" in ended.err
    assert (tmp_path / "web.yaml").read_text() == "mine\n"
    assert not (tmp_path / "skerry.yaml").exists()


def test_a_bad_name_is_refused_with_a_good_one(tmp_path: Path, skerry: Skerry) -> None:
    ended = skerry("init", str(tmp_path), "--name", "My Web", "--image", "x")
    assert "skerry init --name my-web" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_without_an_image_and_nobody_to_ask_it_says_so(tmp_path: Path, skerry: Skerry) -> None:
    ended = skerry("init", str(tmp_path), "--name", "web")
    assert ended.code == 1
    assert "skerry init --image IMAGE" in ended.err
