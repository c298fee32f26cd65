"""Lines: ages, plans, errors, and what may not reach a terminal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from skerry.report.lines import (
    Line,
    clean,
    error_lines,
    plan_lines,
    show_age,
    url_lines,
    waiting_lines,
)
from tests.cli.views import AT, change, plan, progress, replica, service

NOW = datetime(2026, 3, 1, 12, 0, 8, tzinfo=UTC)


def text(lines: Any) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0s"),
        (0.4, "0s"),
        (59, "59s"),
        (60, "1m"),
        (95, "1m35s"),
        (700, "11m"),
        (3600, "1h"),
        (7500, "2h5m"),
        (200_000, "2d"),
    ],
)
def test_ages_are_short(seconds: float, shown: str) -> None:
    assert show_age(seconds) == shown


def test_a_plan_gives_each_change_its_reason_diff_and_warnings() -> None:
    view = plan(
        change(
            "web", "update", reason="image changed", diff=["- image: a", "+ image: b\nc", "  x"]
        ),
        change("redis", "replace", reason="env changed", warnings=["away for about 3s"]),
        change("old", "delete", reason="no longer declared"),
        held=[{"service": "api", "reason": "by ana: deploy --image"}],
        unchanged=3,
    )
    assert text(plan_lines(view)) == [
        "~ web update: image changed",
        "    - image: a",
        "    + image: b",
        "    +   c",
        "      x",
        "! redis replace: env changed",
        "    warning: away for about 3s",
        "- old delete: no longer declared",
        "= api held: by ana: deploy --image",
        "local: 1 to update, 1 to replace, 1 to delete, 3 unchanged, 1 held",
    ]


def test_an_empty_plan_says_so() -> None:
    assert text(plan_lines(plan(unchanged=4))) == ["local: nothing to change, 4 unchanged"]


def test_a_wait_says_what_for_since_when_and_the_last_the_container_said() -> None:
    _, view = progress(
        "waiting",
        "0 of 1 replicas ready",
        since=AT,
        replicas=[replica("web-a", ready=False, reason="starting")],
        last_lines=["connecting to db"],
    )
    assert text(waiting_lines(view, NOW)) == [
        "web waiting: 0 of 1 replicas ready (8s)",
        "    ○ web-a  starting (8s)",
        "      | connecting to db",
    ]


def test_urls_are_aligned_and_a_trouble_is_explained() -> None:
    lines = text(url_lines([service("web"), service("api", state="down", reason="no image")]))
    assert lines == [
        "  api  down       https://api.localhost  no image",
        "  web  running    https://web.localhost",
    ]


def test_an_error_ends_with_the_command_that_helps() -> None:
    lines: list[Line] = list(
        error_lines({"code": "x", "subject": "web", "cause": "broken", "hint": "skerry doctor"})
    )
    assert text(lines) == ["error: web: broken", "  try: skerry doctor"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]0;title\x07x", "0;titlex"),
        ("a\rb\x00c", "abc"),
        ("tab\tstays", "tab\tstays"),
        ("grüße ● 日本", "grüße ● 日本"),
    ],
)
def test_what_a_container_says_cannot_steer_a_terminal(said: str, shown: str) -> None:
    assert clean(said) == shown
