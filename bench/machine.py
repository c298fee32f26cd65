"""The machine a figure was taken on, a Skerry to take it from, and the engine beneath it."""

import os
import platform as host
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.platform import Platform, platform
from tests.engine import open_engine
from tools.images.engine import ApiEngine
from tools.images.make import image_name, make_images
from tools.images.recipes import BASE

WEB = Path(__file__).parents[1] / "tests" / "images" / "web"


def describe() -> str:
    """One line: cores, memory, kernel, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {host.release()}, "
        f"Python {host.python_version()}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A Skerry of its own, the engine's API, and two images that differ in a variable."""

    skerry: Platform
    engine: ApiEngine
    images: tuple[str, str]


@contextmanager
def bench() -> Iterator[Bench]:
    """All of it for the time of the block; leaves nothing."""
    with open_engine() as (url, reason), tempfile.TemporaryDirectory() as folder:
        if not url:
            sys.exit(f"not run: {reason}")
        engine = ApiEngine(url)
        make_images([BASE], engine, say=lambda line: None)
        engine.build(WEB, f"{image_name(BASE)}-bench")
        images = []
        for text in ("one", "two"):
            made = Path(folder) / text
            made.mkdir()
            (made / "Containerfile").write_text(f"FROM {image_name(BASE)}-bench\nENV TEXT={text}\n")
            images.append(f"{image_name(BASE)}-bench-{text}")
            engine.build(made, images[-1])
        with platform(Path(folder) / "skerry", url) as skerry:
            yield Bench(skerry=skerry, engine=engine, images=(images[0], images[1]))
