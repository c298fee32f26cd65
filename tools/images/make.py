"""Make base images, once: `python -m tools.images [NAME...]`."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tools.images.archive import write_archive
from tools.images.engine import Engine
from tools.images.layer import write_layer
from tools.images.packages import Packages
from tools.images.recipes import APPLETS, PRETENDED, REPOSITORY, Recipe


def cache_folder() -> Path:
    """Where downloads are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "skerry" / "images"


def image_name(recipe: Recipe) -> str:
    """The name Containerfiles start from: `FROM localhost/skerry/base`."""
    return f"{REPOSITORY}/{recipe.name}:latest"


def recipe_name(recipe: Recipe) -> str:
    """The name of exactly this recipe, made by exactly this code."""
    digest = hashlib.sha256(repr((asdict(recipe), APPLETS, PRETENDED)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return f"{REPOSITORY}/{recipe.name}:{digest.hexdigest()[:12]}"


def make_images(
    recipes: Sequence[Recipe],
    engine: Engine,
    *,
    say: Callable[[str], None],
    again: bool = False,
) -> None:
    """Have these images in the engine. One made earlier from the same recipe stays, unless
    `again`, which takes newer packages where there are some. Raises CannotMake."""
    packages = Packages(cache_folder())
    for recipe in recipes:
        here = engine.has(recipe_name(recipe)) and engine.has(image_name(recipe))
        if here and not again:
            continue
        say(f"image {image_name(recipe)}: {', '.join(recipe.packages)} and what they need")
        debs = packages.closure(recipe.packages)
        with tempfile.TemporaryDirectory(prefix="skerry-image-") as folder:
            layer, archive = Path(folder) / "layer.tar", Path(folder) / "image.tar"
            with layer.open("wb") as target:
                write_layer(recipe, debs, target)
            tags = (recipe_name(recipe), image_name(recipe))
            write_archive(recipe, layer, tags=tags, target=archive)
            engine.load(archive)
            say(f"image {image_name(recipe)}: {layer.stat().st_size // 2**20} MB")
