"""Build contexts: what is sent, what it is called, and how a build is shown."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from skerry.cli.connection import connect
from skerry.cli.console import Console
from skerry.cli.ignore import parse_ignores
from skerry.cli.images import Context, ensure_built, look_at, pack
from skerry.errors import DeployFailed, NotFound
from tests.cli.fake_server import FakeServer, Stream, error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My_App"
    (folder / "src").mkdir(parents=True)
    (folder / "Containerfile").write_text("FROM scratch\nCOPY src /src\n")
    (folder / "src" / "main.py").write_text("print()\n")
    (folder / "notes.log").write_text("mine\n")
    return folder


def names(context: Context) -> list[str]:
    packed = io.BytesIO()
    pack(context, packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        return archive.getnames()


@pytest.mark.parametrize(
    ("patterns", "path", "left_out"),
    [
        ("*.log", "a.log", True),
        ("*.log", "sub/a.log", False),
        ("**/*.log", "sub/deep/a.log", True),
        ("**/*.log", "a.log", True),
        ("node_modules", "node_modules/x/y.js", True),
        ("node_modules/", "node_modules/x", True),
        ("/dist", "dist/app", True),
        ("*\n!src", "src/main.py", False),
        ("*\n!src", "other", True),
        ("# comment\n\n", "# comment", False),
        ("doc?", "docs", True),
        ("[ab].txt", "b.txt", True),
        ("src/**/test", "src/a/b/test/x", True),
        ("docs/**", "docs/a/b", True),
        ("a.b", "axb", False),
    ],
)
def test_ignore_patterns_mean_what_their_reference_says(
    patterns: str, path: str, left_out: bool
) -> None:
    assert parse_ignores(patterns)(path) is left_out


def test_equal_contents_have_equal_names_wherever_and_whenever(
    folder: Path, tmp_path: Path
) -> None:
    before = look_at(folder)
    assert before.image.startswith("localhost/skerry/my-app:")
    os.utime(folder / "src" / "main.py", (1, 1))
    assert look_at(folder).image == before.image
    (folder / "src" / "main.py").write_text("print(1)\n")
    assert look_at(folder).image != before.image


def test_a_file_made_executable_is_another_image(folder: Path) -> None:
    before = look_at(folder).image
    (folder / "src" / "main.py").chmod(0o755)
    assert look_at(folder).image != before


def test_containerignore_wins_over_dockerignore(folder: Path) -> None:
    (folder / ".dockerignore").write_text("src\n")
    (folder / ".containerignore").write_text("*.log\n")
    sent = names(look_at(folder))
    assert "src/main.py" in sent
    assert "notes.log" not in sent


def test_what_is_left_out_changes_nothing(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*.log\n")
    before = look_at(folder).image
    (folder / "notes.log").write_text("more\n")
    assert look_at(folder).image == before


def test_a_folder_without_a_containerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no Containerfile"):
        look_at(tmp_path)


def test_a_symbolic_link_out_of_the_folder_is_sent_as_a_link(folder: Path) -> None:
    (folder / "out").symlink_to("/etc/passwd")
    packed = io.BytesIO()
    pack(look_at(folder), packed)
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        assert archive.getmember("out").issym()


def test_an_image_that_is_there_is_not_built_again(fake: FakeServer, folder: Path) -> None:
    fake.on("GET", "/v1/images", {"here": True})
    ensure_built(connect(), [look_at(folder)], Console())
    assert [each.path for each in fake.asked] == ["/v1/images"]


def test_a_build_is_uploaded_and_shown(
    fake: FakeServer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = look_at(folder)
    fake.on("GET", "/v1/images", {"here": False})
    done = [("line", {"text": "STEP 1/2"}), ("done", {"image": context.image})]
    fake.on("POST", "/v1/builds", Stream(done))
    ensure_built(connect(), [context, context], Console())
    (built,) = [each for each in fake.asked if each.method == "POST"]
    assert built.query == {"image": [context.image], "containerfile": ["Containerfile"]}
    with tarfile.open(fileobj=io.BytesIO(built.body)) as archive:
        assert "src/main.py" in archive.getnames()
    assert "  My_App | STEP 1/2" in capsys.readouterr().err


def test_a_failed_build_shows_its_last_lines(fake: FakeServer, folder: Path) -> None:
    fake.on("GET", "/v1/images", {"here": False})
    said = error("deploy_failed", "the build failed", last_lines=["no such file: x"])
    fake.on("POST", "/v1/builds", Stream([("error", said)]))
    with pytest.raises(DeployFailed) as raised:
        ensure_built(connect(), [look_at(folder)], Console())
    assert raised.value.last_lines == ("no such file: x",)
