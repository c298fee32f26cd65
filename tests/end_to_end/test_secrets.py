"""Rule 4: a secret's value is in nothing Skerry writes; the container has it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.platform import Platform

pytestmark = [pytest.mark.engine, pytest.mark.gateway, pytest.mark.timeout(300)]

PLANTED = "planted-6f1d-value"

WEB = """\
service: web
image: {image}
secrets: {{DB_PASSWORD: store:db-password}}
before: [python3, -c, "import os; assert os.environ['DB_PASSWORD']"]
drain: 1s
"""


def test_a_planted_value_reaches_the_container_and_nothing_else(
    skerry: Platform, test_image: str, image_saying: Callable[[str], str]
) -> None:
    said = []
    skerry.write(WEB.format(image=test_image))
    first = skerry.run("up", ".")
    assert first.returncode == 1
    assert "skerry secrets set db-password" in first.stderr, first.stderr

    skerry.skerry("secrets", "set", "db-password", input=PLANTED)
    for command in (
        ("plan", "."),
        ("plan", ".", "-o", "yaml"),
        ("up", "."),
        ("status", "web", "-o", "json"),
        ("history", "web", "-o", "json"),
        ("secrets", "list"),
        ("operations", "-o", "json"),
        ("deploy", "web", "--image", image_saying("two")),
        ("deploy", "web", "--image", "localhost/nobody/made-this:1"),
    ):
        ended = skerry.run(*command)
        said.append(ended.stdout + ended.stderr)
        said.append(subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout)
    assert skerry.get("web.localhost", "/env?name=DB_PASSWORD") == (200, PLANTED)

    assert not [text for text in said if PLANTED in text]
    assert not [str(path) for path in files(skerry) if PLANTED.encode() in path.read_bytes()]


def test_a_changed_secret_is_a_release_and_an_equal_one_is_not(
    skerry: Platform, test_image: str
) -> None:
    skerry.write(f"service: web\nimage: {test_image}\n")
    skerry.skerry("up", ".")
    skerry.skerry("secrets", "set", "db-password", input="one")
    skerry.write(WEB.format(image=test_image))
    skerry.skerry("apply", ".", "--yes")
    skerry.skerry("secrets", "set", "db-password", input="one")
    assert skerry.run("plan", ".", "--exit-code").returncode == 0
    skerry.skerry("secrets", "set", "db-password", input="two")
    plan = skerry.run("plan", ".", "--exit-code")
    assert plan.returncode == 3, plan.stdout
    assert "secret" in plan.stdout
    skerry.skerry("apply", ".", "--yes")
    assert skerry.get("web.localhost", "/env?name=DB_PASSWORD") == (200, "two")


def files(skerry: Platform) -> list[Path]:
    """Every file Skerry wrote, the server's log among them."""
    return [path for path in skerry.state.rglob("*") if path.is_file()]
