"""Every command explains itself, with examples that parse."""

import shlex

import pytest

from skerry.cli.app import root
from skerry.cli.catalogue import CATALOGUE, Entry, entries_below
from tests.cli.conftest import Skerry


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_command_has_help_with_its_examples(entry: Entry, skerry: Skerry) -> None:
    ended = skerry(*entry.name.split(), "--help")
    assert ended.code == 0
    assert entry.examples
    for example in entry.examples:
        assert example in ended.out


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_example_parses(entry: Entry) -> None:
    for example in entry.examples:
        called = example.split("skerry ", 1)[1].split(" > ")[0].rstrip(")")
        words = shlex.split(called)
        context = root().make_context("skerry", list(words))
        while context.args or context._protected_args:
            rest = [*context._protected_args, *context.args]
            name, command, rest = context.command.resolve_command(context, rest)
            context = command.make_context(name, rest, parent=context)
            if not hasattr(context.command, "resolve_command"):
                break
        assert context.command_path.replace("skerry ", "").startswith(entry.name)


def test_help_lists_every_command_under_its_section(skerry: Skerry) -> None:
    said = skerry("--help").out
    for entry in entries_below(""):
        assert f"  {entry.name} " in said
        assert f"{entry.section}:" in said


def test_without_arguments_the_help_is_shown(skerry: Skerry) -> None:
    ended = skerry()
    assert ended.code == 2
    assert "Get going" in ended.out + ended.err


def test_a_wrong_command_names_the_nearest(skerry: Skerry) -> None:
    ended = skerry("stauts")
    assert ended.code == 2
    assert "No such command 'stauts'. Did you mean 'status'?" in ended.err


def test_a_wrong_option_is_a_usage_error(skerry: Skerry) -> None:
    ended = skerry("status", "--colour")
    assert ended.code == 2
    assert "skerry status --help" in ended.err


def test_the_version_is_printed(skerry: Skerry) -> None:
    assert skerry("--version").out.startswith("skerry ")


def test_server_is_a_command_and_a_group(skerry: Skerry) -> None:
    assert skerry("server").out == "serving\n"


def test_the_schema_needs_no_server(skerry: Skerry, alone: object) -> None:
    assert '"title": "documents"' in skerry("schema").out
