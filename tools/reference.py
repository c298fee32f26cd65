"""Writes docs/reference/ from the code, so that it cannot be wrong about it.

    python -m tools.reference           write every page
    python -m tools.reference --check   exit 1 when a page is not what the code says

Pages: commands (from the catalogue and the commands themselves), documents (from the
models), settings (from the settings), api (from the server's OpenAPI document).
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Made from the code by `python -m tools.reference`; do not edit. -->\n"


def commands_page() -> str:
    """Every command: usage, help, arguments, options, examples; then the shapes of `-o json`."""
    from skerry.cli.catalogue import CATALOGUE

    return _page(
        "Commands",
        "`NAME` is a service's name, or `NAMESPACE/NAME`. Data goes to standard output,",
        "progress and errors to standard error, so that `-o json` can be piped anywhere;",
        "a command that fails before it has data leaves standard output empty.",
        "",
        _exit_codes(),
        "",
        "With no server of this machine's own, `SKERRY_SERVER` and `SKERRY_TOKEN` name another",
        "one (see [settings](settings.md)). `skerry --install-completion` teaches bash, zsh and",
        "fish the commands, options and names of services. `NO_COLOR=1` turns colours off.",
        "",
        *(part for entry in CATALOGUE for part in _command(entry.name)),
        *_shapes(),
    )


def documents_page() -> str:
    """Every key of every document, from the models."""
    from skerry.model.cell import Cell
    from skerry.model.repository import Settings
    from skerry.model.service import CellOverride, Service
    from skerry.model.stack import Stack, Tenant

    return _page(
        "Documents",
        "A repository is a folder of YAML files; a file holds one document or several, separated",
        "by `---`. A document has exactly one kind key, whose value is its name. Unknown keys are",
        "errors. `skerry schema` prints the same as a JSON Schema, for editors.",
        "",
        "Amounts have units: durations `500ms`, `30s`, `5m`, `1h30m`; memory `256Mi`, `1Gi`;",
        "CPU `250m` or `0.5` cores; shares `50%`.",
        "",
        "## service: one long-running workload",
        "",
        "    service: hello",
        "    image: ghcr.io/acme/hello:1.4.2",
        "",
        *_fields(Service),
        "",
        "### What one cell may have otherwise",
        "",
        "`cells: {eu-1: {scale: {min: 4}}}`: maps are merged, the rest replaces.",
        "",
        *_fields(CellOverride),
        "",
        "## stack: a service, a copy for each customer",
        "",
        "One document of a stack has its template; others of the same name may add `tenants`, with",
        "`values` and `cells` of their own. See [stacks](../stacks.md).",
        "",
        *_fields(Stack),
        "",
        "### tenants: what each may have otherwise",
        "",
        *_fields(Tenant),
        "",
        "## skerry.yaml: the repository",
        "",
        *_fields(Settings),
        "",
        "## cell: one place to run",
        "",
        "Without any, there is one cell, `local`, with the defaults below.",
        "",
        *_fields(Cell),
    )


def settings_page() -> str:
    """Every environment variable, from the settings."""
    from skerry.settings import describe

    rows = [
        (f"`{each.name}`", each.meaning, each.expected, each.default or "none", each.reason)
        for each in describe()
    ]
    return _page(
        "Settings",
        "What an operator may set, as environment variables; each has a default that serves",
        "one machine. A value that cannot be read is refused at the start, with what is expected.",
        "",
        *_table(("variable", "meaning", "expected", "default", "why"), rows),
    )


def api_page() -> str:
    """Every route, from the OpenAPI document."""
    document = openapi()
    lines = [
        "The server speaks HTTP and JSON; `GET /openapi.json` is the whole of it as OpenAPI 3.1.",
        "Every route but `/healthz` wants `Authorization: Bearer TOKEN`. An answer that is not a",
        'success is `{"error": {"code", "subject", "cause", "hint"}}`. Streams are server-sent',
        "events; `exec` and `run` are WebSockets, described below the table.",
        "",
    ]
    paths = document["paths"]
    rows = [
        (f"`{method.upper()} {path}`", _first_line(operation), _success(operation))
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    lines += [
        *_table(("route", "what it does", "answers"), rows),
        "",
        "What else it may answer:",
        "",
    ]
    refusals = {
        (status, said["description"])
        for methods in paths.values()
        for operation in methods.values()
        for status, said in operation["responses"].items()
        if status >= "400"
    }
    lines += _table(("status", "when"), sorted(refusals))
    return _page("HTTP API", *lines, "", *_sockets())


def openapi() -> dict[str, Any]:
    """The server's own description."""
    from skerry.api.app import create_app

    nothing: Any = None  # no route is called
    return create_app(nothing).openapi()


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "documents.md": documents_page,
    "settings.md": settings_page,
    "api.md": api_page,
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them."""
    stale = []
    for name, make in PAGES.items():
        file, text = FOLDER / name, make()
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            stale.append(name)
    if stale:
        print(f"not current: {', '.join(stale)}; write them: python -m tools.reference")
    return 1 if stale else 0


def _page(title: str, *lines: str) -> str:
    return "\n".join([NOTE, f"# {title}", "", *lines]).rstrip("\n") + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"| {' | '.join('---' for _ in heads)} |",
        *(_row(row) for row in rows),
    ]


def _row(cells: Sequence[str]) -> str:
    safe = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(safe)} |"


def _exit_codes() -> str:
    return "Exit codes: 0 done, 1 failed, 2 usage, 3 plan has changes (`--exit-code`), 130 Ctrl-C."


def _command(name: str) -> Iterator[str]:
    """One command's section, as its own `--help` tells it."""
    from skerry.cli.app import root

    width = {"terminal_width": 80, "resilient_parsing": True}
    context = root().make_context("skerry", name.split(), **width)
    for word in name.split():
        command = context.command.get_command(context, word)
        context = command.make_context(word, [], parent=context, **width)
    text = context.command.get_help(context)
    yield from (f"## skerry {name}", "", "```text", *(line.rstrip() for line in text.split("\n")))
    yield from ("```", "")


def _shapes() -> Iterator[str]:
    """Each shape of `-o json` as a table of its fields."""
    from skerry.report import shapes, tenants

    yield from (
        "## Shapes of `-o json` and `-o yaml`",
        "",
        "The API answers in the same shapes. Times are ISO 8601 in UTC. Commands that wait print",
        "a ResultView at their end; `plan -o yaml` prints the compiled objects instead.",
        "",
    )
    for name, shape in {**vars(shapes), **vars(tenants)}.items():
        if name.endswith("View") or name == "ErrorBody":
            yield from (f"### {name}", "", " ".join((shape.__doc__ or "").split()), "")
            hints = get_type_hints(shape)
            optional = shape.__optional_keys__
            rows = [
                (f"`{field}`", _type(kind) + (" (may be absent)" if field in optional else ""))
                for field, kind in hints.items()
            ]
            yield from (*_table(("field", "type"), rows), "")


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    if not prefix:
        yield from _table(("key", "type", "default", "meaning"), [])
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        default = "" if inner else _default(info)
        meaning = info.description or (inner.__doc__ or "" if inner else "")
        kind = "amount" if _parser(info) else _type(info.annotation)
        cells = (f"`{prefix}{info.alias or name}`", kind, default, " ".join(meaning.split()))
        yield _row(cells)
        if inner:
            yield from _fields(inner, f"{prefix}{name}.")


def _model_in(kind: Any) -> type[BaseModel] | None:
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value is None or value is PydanticUndefined or value in ((), {}):
        return "none"
    return f"`{_written(value, info)}`"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def _written(value: Any, info: FieldInfo) -> str:
    from skerry.model.units import show_bytes, show_seconds

    show: Mapping[str, Callable[[Any], str]] = {
        "parse_seconds": show_seconds,
        "parse_time_limit": show_seconds,
        "parse_bytes": show_bytes,
        "parse_millicores": lambda millicores: f"{millicores}m",
        "parse_fraction": lambda share: f"{round(share * 100, 4):g}%",
        "": _plain,
    }
    return show[_parser(info)](value)


def _parser(info: FieldInfo) -> str:
    """The name of the function that reads the field's unit; nothing when it has none."""
    named = [getattr(getattr(each, "func", None), "__name__", "") for each in info.metadata]
    return next((name for name in named if name.startswith("parse_")), "")


def _type(kind: Any) -> str:
    """A type as a reader of YAML or JSON would say it."""
    plain = {str: "text", int: "number", float: "amount", bool: "true or false", type(None): "null"}
    if kind in plain:
        return plain[kind]
    origin, inner = get_origin(kind), get_args(kind)
    name = getattr(origin, "__name__", "")
    if name in ("Annotated", "NotRequired", "Required"):
        return _type(inner[0])
    if name == "Literal":
        return " or ".join(f"`{each}`" for each in inner)
    if origin in (list, tuple):
        return f"list of {_type(inner[0])}" if inner else "list"
    if origin is dict:
        return f"map of {_type(inner[0])} to {_type(inner[1])}"
    if inner:
        return " or ".join(_type(each) for each in inner)
    if values := getattr(kind, "__members__", None):
        return ", ".join(f"`{each.value}`" for each in values.values())
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "map"
    return "anything" if kind is Any else getattr(kind, "__name__", str(kind))


def _first_line(operation: Mapping[str, Any]) -> str:
    said = operation.get("description") or operation.get("summary") or ""
    return " ".join(str(said).split("\n\n")[0].split())


def _success(operation: Mapping[str, Any]) -> str:
    return ", ".join(status for status in operation["responses"] if status < "400")


def _sockets() -> Sequence[str]:
    return (
        "## Attached processes",
        "",
        "`/v1/services/{namespace}/{name}/exec` and `.../run` are WebSockets: `command=` once for",
        "each word, `tty=true` for a terminal, `replica=` for `exec`. Binary frames to the server",
        'are standard input; text frames are `{"resize": [rows, columns]}` or `{"eof": true}`.',
        "Binary frames from the server begin with one byte, 1 for standard output and 2 for",
        'standard error. The last frame is text: `{"exit": code}` or `{"error": {...}}`.',
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
