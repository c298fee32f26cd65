"""Why a container that was made ready to start may not, in words a builder knows."""

import re
from typing import Final

_ROOT: Final = re.compile(
    r"(?:container has )?runAsNonRoot and image (?:will run as root|"
    r"has non-numeric user \((?P<user>[^)]*)\))"
)


def start_words(message: str) -> str:
    """What a node says, and of images it takes for root what to do."""
    match = _ROOT.search(message)
    if match is None:
        return message
    if match["user"]:
        said = f"its image runs as {match['user']}, which may be root: nobody can tell by a name"
    else:
        said = "its image runs as root, which this cell does not allow"
    return f"{said}; write `USER 10001` in its Containerfile (other ways: docs/kubernetes.md)"
