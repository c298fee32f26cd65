"""argv -> a command: the lazy tree of commands, and errors made into exit codes."""

import importlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from skerry.cli.catalogue import CATALOGUE, Entry, entries_below
from skerry.cli.codes import DONE, FAILED, INTERRUPTED
from skerry.errors import SkerryError

if TYPE_CHECKING:
    from skerry.report.shapes import CheckView

ABOUT: Final = """Run services: a name and an image in, a running, named, observed service out.

NAME is a service's name, or NAMESPACE/NAME. Data goes to standard output, progress to
standard error. Exit codes: 0 done, 1 failed, 2 usage, 3 plan has changes, 130 interrupted.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the command line starts but may not import: handed in by `skerry.main`."""

    serve: Callable[[], None]
    schema: Callable[[], Mapping[str, Any]]
    checks: Callable[[], Sequence["CheckView"]]


class LazyGroup(TyperGroup):
    """Commands from the catalogue; a command's module is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the catalogue's order."""
        return [entry.name.rpartition(" ")[2] for entry in entries_below(_path(ctx))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself, made from its function now; None when there is none."""
        wanted = f"{_path(ctx)} {cmd_name}".strip()
        entry = next((entry for entry in CATALOGUE if entry.name == wanted), None)
        return None if entry is None else build(entry)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command meant, or a usage error that names the nearest."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            from skerry.cli.names import nearest

            near = nearest(args[0], known)
            asked = f" Did you mean '{near}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{asked}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One line per command, by section."""
        entries = entries_below(_path(ctx))
        for section in dict.fromkeys(entry.section for entry in entries):
            rows = [
                (entry.name.rpartition(" ")[2], entry.summary)
                for entry in entries
                if entry.section == section
            ]
            with formatter.section(section if not _path(ctx) else "Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names of commands with their summaries, and of options."""
        from typer._click.shell_completion import CompletionItem

        below = _path(ctx)
        found = [
            CompletionItem(entry.name.rpartition(" ")[2], help=entry.summary)
            for entry in entries_below(below)
            if entry.name.rpartition(" ")[2].startswith(incomplete)
        ]
        return (
            found
            if found or not incomplete.startswith("-")
            else super().shell_complete(ctx, incomplete)
        )


def build(entry: Entry) -> Any:
    """A catalogue's entry as the command library's object. Imports the entry's module."""
    module, _, function = entry.target.partition(":")
    does = (
        getattr(importlib.import_module(f"skerry.cli.commands.{module}"), function)
        if entry.target
        else _nothing
    )
    about = (does.__doc__ if entry.target else entry.summary) or entry.summary
    examples = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in entry.examples)
    if entries_below(entry.name):
        return _group(does, about=about, epilog=examples, alone=bool(entry.target))
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    settings = {"allow_extra_args": entry.extra_arguments}
    name = entry.name.rpartition(" ")[2]
    app.command(name, help=about, epilog=examples, context_settings=settings)(does)
    return get_command(app)


def root() -> Any:
    """The whole command line."""
    return _group(_start, about=ABOUT, completion=True)


def main(arguments: Sequence[str], doors: Doors) -> int:
    """Do what the arguments say; returns the exit code. Never raises on purpose."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show it shows ?
    try:
        root().main(args=list(arguments), prog_name="skerry", obj=doors)
    except SkerryError as error:
        from skerry.cli.console import Console

        Console().error(error)
        return FAILED
    except BrokenPipeError:
        return _silenced()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _refused(error)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    return DONE


def _group(
    does: Callable[..., None],
    *,
    about: str,
    epilog: str = "",
    alone: bool = False,
    completion: bool = False,
) -> Any:
    app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, add_completion=completion)
    app.callback(
        help=about, epilog=epilog, invoke_without_command=alone, no_args_is_help=not alone
    )(does)
    return get_command(app)


def _version(asked: bool) -> None:
    if asked:
        from skerry.cli.version import here

        print(f"skerry {here()}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Nothing by itself: the commands do."""


def _nothing() -> None:
    """A group that only holds commands."""


def _path(ctx: Any) -> str:
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join(names)


def _refused(error: OSError) -> int:
    """The machine said no: a file that may not be read, a full disk."""
    from skerry.cli.console import Console

    cause = error.strerror or str(error)
    Console().error(SkerryError(cause.lower(), subject=str(error.filename or "this machine")))
    return FAILED


def _silenced() -> int:
    """The reader of our output left (`skerry logs | head`): nobody is there to be told."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
