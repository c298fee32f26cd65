"""`python -m tools.images [--again] [NAME...]`: make base images; all of them without a name."""

import argparse
import sys

from tools.images.engine import find_engine
from tools.images.make import make_images
from tools.images.packages import CannotMake
from tools.images.recipes import RECIPES


def main() -> int:
    """Exit 0 when every image is there."""
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of: {', '.join(RECIPES)}")
    parser.add_argument("--again", action="store_true", help="make them from the newest packages")
    asked = parser.parse_args()
    if unknown := set(asked.name) - set(RECIPES):
        parser.error(f"no such image: {', '.join(sorted(unknown))}")
    chosen = [RECIPES[name] for name in asked.name or RECIPES]
    try:
        make_images(chosen, find_engine(), say=print, again=asked.again)
    except CannotMake as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
