"""A repository is read from disk: all of it, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skerry.errors import InvalidDocuments, NotFound, Refused
from skerry.operations.sources import build_folders, read_sources
from skerry.spec.load import load

WEB = "service: web\nimage: web:1\n"


def _write(root: Path, **files: str) -> Path:
    """`a__b_yaml="..."` is the file a/b.yaml."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def _paths(root: Path) -> list[str]:
    return [text.path for text in read_sources(root).texts]


def test_every_yaml_file_below_the_folder_is_read_and_hidden_ones_are_not(tmp_path: Path) -> None:
    _write(tmp_path, a_yaml=WEB, deep__er__b_yml=WEB, readme_md="hello")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.yaml").write_text("x: y")
    (tmp_path / ".pre-commit-config.yaml").write_text("x: y")
    assert _paths(tmp_path) == ["a.yaml", "deep/er/b.yml"]
    assert read_sources(tmp_path).name == tmp_path.name


def test_files_are_read_relative_to_their_document(tmp_path: Path) -> None:
    _write(tmp_path, app__web_yaml=WEB + "files: {/a: ./a.toml, /b: ../b.toml}\n", b_toml="b")
    (tmp_path / "app" / "a.toml").write_bytes(b"\xff\x00")
    sources = read_sources(tmp_path)
    assert sources.contents == {"app/a.toml": b"\xff\x00", "b.toml": b"b"}
    assert load(sources).services


def test_files_of_the_defaults_are_read_too(tmp_path: Path) -> None:
    _write(tmp_path, app__web_yaml=WEB, app__a_toml="a")
    _write(tmp_path, skerry_yaml="version: 1\ndefaults: {files: {/a: ./a.toml}}\n")
    assert list(read_sources(tmp_path).contents) == ["app/a.toml"]


def test_a_file_that_is_not_there_is_left_for_the_loader_to_tell(tmp_path: Path) -> None:
    sources = read_sources(_write(tmp_path, web_yaml=WEB + "files: {/a: ./a.toml}\n"))
    with pytest.raises(InvalidDocuments, match=r"there is no file `a\.toml`"):
        load(sources)


@pytest.mark.parametrize("written", ["../secret", "./../../secret", "a/../../secret"])
def test_nothing_outside_the_repository_is_read(tmp_path: Path, written: str) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "repository"
    _write(root, web_yaml=WEB + f"files: {{/a: {written}}}\n")
    sources = read_sources(root)
    assert sources.contents == {}
    with pytest.raises(InvalidDocuments, match="outside the repository"):
        load(sources)


def test_a_link_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(WEB)
    root = _write(tmp_path / "repository", web_yaml=WEB + "files: {/a: ./a}\n")
    (root / "a").symlink_to(tmp_path / "secret.yaml")
    (root / "b.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "loop.yaml").symlink_to(root / "loop.yaml")
    with pytest.raises(InvalidDocuments) as caught:
        read_sources(root)
    said = sorted(problem.message for problem in caught.value.problems)
    assert [each.split(" ", 1)[0] for each in said] == ["a", "b.yaml", "loop.yaml"]
    assert all("link" in each or "cannot be read" in each for each in said)


def test_a_pipe_does_not_make_anybody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InvalidDocuments, match="is not a file"):
        read_sources(tmp_path)


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_bytes(WEB.encode() + b"tags: {a: caf\xe9}\n")
    with pytest.raises(InvalidDocuments, match=r"web\.yaml:3: document: is not text in UTF-8"):
        read_sources(tmp_path)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "web.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InvalidDocuments, match="too large"):
        read_sources(tmp_path)


def test_yaml_of_the_application_is_no_document(tmp_path: Path) -> None:
    _write(
        tmp_path,
        shop_yaml="service: web\nbuild: ./app\nfiles: {/etc/c: ./conf.yaml}\n",
        conf_yaml="level: info\n",
        app__compose_yaml="services: {web: {}}\n",
        app__values_yaml="service:\n  type: ClusterIP\nenvironment: prod\n",
        app__own_yaml="service: own\nimage: own:1\n",
    )
    assert _paths(tmp_path) == ["shop.yaml", "app/own.yaml"]
    assert list(read_sources(tmp_path).contents) == ["conf.yaml"]


def test_yaml_of_nobody_is_a_problem(tmp_path: Path) -> None:
    sources = read_sources(_write(tmp_path, web_yaml=WEB, compose_yaml="services: {}\n"))
    with pytest.raises(InvalidDocuments, match=r"compose\.yaml:1: .*`services`: did you mean"):
        load(sources)


def test_folders_to_build_are_named_from_the_root(tmp_path: Path) -> None:
    _write(
        tmp_path,
        a_yaml="service: a\nbuild: ./a\n---\nservice: b\nbuild: .\n",
        sub__c_yaml="service: c\nbuild: ../a\n---\nservice: d\nbuild: ../../x\n",
        sub__d_yaml=WEB + "# build: nothing\n",
    )
    assert build_folders(read_sources(tmp_path)) == (".", "a")


def test_one_file_is_a_repository_of_its_own(tmp_path: Path) -> None:
    _write(tmp_path, web_yaml=WEB + "files: {/a: ./a}\n", other_yaml=WEB, a="x")
    sources = read_sources(tmp_path / "web.yaml")
    assert (sources.name, [text.path for text in sources.texts]) == ("web", ["web.yaml"])
    assert sources.contents == {"a": b"x"}


def test_one_file_beside_settings_is_not_taken_out_of_its_repository(tmp_path: Path) -> None:
    _write(tmp_path, web_yaml=WEB, skerry_yaml="version: 1\n")
    with pytest.raises(Refused, match="belongs to a repository"):
        read_sources(tmp_path / "web.yaml")
    assert len(read_sources(tmp_path / "skerry.yaml").texts) == 2


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file or folder"):
        read_sources(tmp_path / "nothing")


def test_reading_needs_no_models() -> None:
    code = "import sys, skerry.operations.sources; print('pydantic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
