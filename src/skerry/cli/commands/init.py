"""`skerry init`: two files, from flags or from two questions."""

import re
from pathlib import Path
from typing import Annotated

import typer

from skerry.cli.console import Console
from skerry.cli.images import CONTAINERFILES
from skerry.errors import Refused


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="the folder to write to")] = Path(),
    *,
    name: Annotated[str, typer.Option(help="the service's name; the folder's without one")] = "",
    image: Annotated[str, typer.Option(help="the container image to run")] = "",
    build: Annotated[str, typer.Option(help="instead of an image: a folder to build")] = "",
) -> None:
    """Write a service document of two lines, and a skerry.yaml beside it.

    Asks on a terminal for what the flags leave open; nothing is overwritten. A folder with
    a Containerfile is taken as what to build.
    """
    console = Console()
    name = name or _ask(console, "service name", _label(path.resolve().name))
    if _label(name) != name:
        raise Refused(
            "is not a name: lower-case letters, digits and dashes, at most 48",
            subject=name,
            hint=f"skerry init --name {_label(name)}",
        )
    if image and build:
        raise typer.BadParameter("--image and --build exclude each other: keep one")
    if not image and not build and any((path / each).is_file() for each in CONTAINERFILES):
        build = "."
    image = image or ("" if build else _ask(console, "image", ""))
    if not image and not build:
        raise Refused("needs an image", subject=name, hint="skerry init --image IMAGE")
    source = f"build: {build}" if build else f"image: {image}"
    files = {
        path / "skerry.yaml": f"version: 1\nname: {_label(path.resolve().name)}\n",
        path / f"{name}.yaml": f"service: {name}\n{source}\n",
    }
    _write(path, files)
    for file in files:
        console.say(f"written: {file}")
    console.say(f"next: skerry up{'' if path == Path() else f' {path}'}")


def _write(folder: Path, files: dict[Path, str]) -> None:
    for file in files:
        if file.exists():
            raise Refused(
                "exists already, and is not overwritten",
                subject=str(file),
                hint="skerry init --name OTHER in another folder, or edit the file",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        with file.open("x") as written:
            written.write(text)


def _ask(console: Console, what: str, usual: str) -> str:
    if not console.interactive:
        return usual
    shown = f" [{usual}]" if usual else ""
    answer: str = typer.prompt(f"{what}{shown}", default=usual, show_default=False, err=True)
    return answer.strip()


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-") or "service"
