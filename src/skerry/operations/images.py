"""Images built where the cell can run them."""

from collections.abc import AsyncIterator

from skerry.errors import Refused
from skerry.model.process import BuildLine
from skerry.operations.platform import Platform
from skerry.ports import ImageBuilder

_OWN = "localhost/skerry/"


async def has_image(platform: Platform, image: str) -> bool:
    """Whether the image is already here. Raises Refused where nothing can be built."""
    return await _builder(platform).has(image)


def build_image(
    platform: Platform, context: AsyncIterator[bytes], *, image: str, containerfile: str
) -> AsyncIterator[BuildLine]:
    """Build from a tar stream. Raises Refused for a name that is not of Skerry's own images:
    a build must never take the place of an image that others run."""
    if not image.startswith(_OWN):
        raise Refused(f"should start with {_OWN}", subject=f"image/{image[:200]}", hint="skerry up")
    builder = _builder(platform)
    return builder.build(context, image=image, containerfile=containerfile)


def _builder(platform: Platform) -> ImageBuilder:
    if platform.cells.builder is None:
        raise Refused(
            "builds no images", subject=f"cell/{platform.engine.cell.cell}", hint="use image:"
        )
    return platform.cells.builder
