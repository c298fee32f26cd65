"""`skerry deploy STACK --version`, `rollouts`, `resume`, `abort`, `rollback`, on a real server."""

from pathlib import Path

import pytest

from tests.cli.conftest import Skerry
from tests.cli.test_with_server import Machine, machine

__all__ = ["machine"]

STACK = """
stack: shops
template: {image: "{kind}:{version}", port: none}
values: {version: "1", kind: "registry.test/app"}
tenants: {a: {}, b: {}, c: {}, d: {}}
"""


@pytest.fixture
def stack(machine: Machine) -> Machine:
    machine.write(STACK)
    machine.skerry("deploy")
    return machine


def test_a_version_is_rolled_out_looked_at_and_taken_back(stack: Machine) -> None:
    out = stack.skerry("deploy", "shops", "--version", "2", "--waves", "1,100%", "--first", "c")
    assert "shops" in out and "done" in out and "4/4" in out
    assert "wave 1 of 2" in stack.said
    [one] = stack.json("rollouts")["rollouts"]
    assert (one["version"], one["state"], one["waves"]) == ("2", "done", [1, 3])
    assert "4 tenants held by a roll-out of version 2" in stack.skerry("plan")
    stack.skerry("rollback", "shops")
    said = stack.skerry("rollouts", "shops")
    assert "back from 2" in said and "4 of 4 tenants done" in said


def test_a_version_that_fails_halts_and_says_what_helps(stack: Machine) -> None:
    stack.write(STACK.replace("registry.test/app", "fault/missing"))
    stack.skerry("deploy", "shops", "--version", "2", "--waves", "1,100%", code=1)
    assert "halted: wave 1 of 2: 1 tenant failed" in stack.said
    assert "3 of 4 tenants are untouched" in stack.said
    assert "skerry resume shops" in stack.said
    [one] = stack.json("rollouts", "shops")["rollouts"]
    assert one["state"] == "halted" and len(one["failed"]) == 1
    stack.skerry("abort", "shops")
    [one] = stack.json("rollouts", "shops")["rollouts"]
    assert one["state"] == "aborted"
    stack.skerry("resume", "shops", code=1)
    assert "1 tenant failed" in stack.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shops", "--waves", "10%,100%"], "add --version X"),
        (["shops", "--version", "2", "--image", "x:1"], "choose one"),
        (["shops", "--version", "2", "--bake", "soon"], "duration"),
    ],
)
def test_options_that_do_not_belong_together_are_usage_errors(
    skerry: Skerry, alone: Path, arguments: list[str], said: str
) -> None:
    ended = skerry("deploy", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_what_means_nothing_is_refused_with_what_helps(stack: Machine) -> None:
    stack.skerry("resume", "shops", code=1)
    assert "was never rolled out in waves" in stack.said
    assert "no roll-outs" in stack.skerry("rollouts")
    stack.skerry("deploy", "shops", "--version", "2", "--waves", "10%", code=1)
    assert "should end in 100%" in stack.said and "1%,10%,100%" in stack.said
