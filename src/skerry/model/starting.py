"""Why a container that was made ready to start may not, in words a builder knows."""

import re
from typing import Final

_ROOT: Final = re.compile(
    r"(?:container has )?runAsNonRoot and image (?:will run as root|"
    r"has non-numeric user \((?P<user>[^)]*)\))"
)
_MISSING: Final = re.compile(
    r'exec: \\?"(?P<command>[^"\\]+)\\?": '
    r"(?P<why>executable file not found in \$PATH|(?:stat \S+: )?no such file or directory"
    r"|permission denied|is a directory)"
)
_WHY: Final = {
    "permission denied": "may not be executed",
    "is a directory": "is a folder",
}


def start_words(message: str) -> str:
    """What a node says: of a command that is not there its name, and of images it takes for
    root what to do."""
    if missing := _MISSING.search(message):
        return f"{missing['command']} {_WHY.get(missing['why'], 'is not in its image')}"
    match = _ROOT.search(message)
    if match is None:
        return message
    if match["user"]:
        said = f"its image runs as {match['user']}, which may be root: nobody can tell by a name"
    else:
        said = "its image runs as root, which this cell does not allow"
    return f"{said}; write `USER 10001` in its Containerfile (other ways: docs/kubernetes.md)"
