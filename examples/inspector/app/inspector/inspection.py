"""What an image says of itself: quick, for it reads two small files of the archive."""

from collections.abc import Mapping
from typing import Any

from inspector.archive import Archive, Image, platform_of

MAX_HISTORY = 1000
_LONGEST = 2000


def inspect(archive: Archive) -> dict[str, Any]:
    """Configuration, labels, history, platform. Raises BadArchive.

    Of the environment only the names: people bake passwords into images.
    """
    image = archive.image()
    settings = _mapping(image.config.get("config"))
    return {
        "digest": image.digest,
        "format": image.format,
        "names": [_short(name) for name in image.names[:20]],
        "platform": platform_of(image.config),
        "platforms": list(image.platforms),
        "created": _text(image.config.get("created")),
        "author": _text(image.config.get("author")),
        "user": _text(settings.get("User")) or "root",
        "entrypoint": _texts(settings.get("Entrypoint")),
        "command": _texts(settings.get("Cmd")),
        "folder": _text(settings.get("WorkingDir")) or "/",
        "ports": sorted(_mapping(settings.get("ExposedPorts"))),
        "volumes": sorted(_mapping(settings.get("Volumes"))),
        "environment": sorted(name.partition("=")[0] for name in _texts(settings.get("Env"))),
        "stop_signal": _text(settings.get("StopSignal")) or "SIGTERM",
        "labels": _labels(settings),
        "layers": len(image.layers),
        "history": history(image),
    }


def history(image: Image) -> list[dict[str, Any]]:
    """How the image was made, step by step, oldest first."""
    steps = image.config.get("history")
    entries = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return [
        {
            "command": command(_text(step.get("created_by"))),
            "created": _text(step.get("created")),
            "empty": step.get("empty_layer") is True,
        }
        for step in entries[:MAX_HISTORY]
    ]


def commands(image: Image) -> list[str]:
    """The command behind each layer; empty where the history does not tell."""
    made = [step["command"] for step in history(image) if not step["empty"]]
    if len(made) != len(image.layers):
        return [""] * len(image.layers)
    return made


def command(created_by: str) -> str:
    """A step as its Containerfile had it: builders wrap them in a shell and a comment."""
    said = " ".join(created_by.split()).removesuffix("# buildkit").strip()
    said = said.removeprefix("/bin/sh -c ").strip()
    if said.startswith("#(nop)"):
        return said.removeprefix("#(nop)").strip()
    known = ("RUN ", "COPY ", "ADD ", "CMD ", "ENV ", "WORKDIR ", "EXPOSE ", "USER ", "LABEL ")
    if created_by.startswith("/bin/sh -c ") and not said.startswith(known):
        return f"RUN {said}"
    return said


def _labels(settings: Mapping[str, Any]) -> dict[str, str]:
    labels = _mapping(settings.get("Labels"))
    return {_short(str(key)): _text(labels[key]) for key in sorted(labels)[:500]}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [_short(str(entry)) for entry in value[:500]] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return _short(str(value)) if isinstance(value, str | int | float) else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
