"""Which Kubernetes this is, and whether it is one Skerry works with."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from skerry.errors import Refused

# The last four minors as of 1.36. Older ones are out of their maintainers' support, and what
# is compiled for them is no longer tested against a real API server.
OLDEST: Final = (1, 33)


class Version(NamedTuple):
    """`text` is what the server calls itself; builds without a tag say little there, which is
    why major and minor are read from their own fields."""

    major: int
    minor: int
    text: str


def version_of(said: Mapping[str, Any], *, subject: str) -> Version:
    """The answer of `/version`. Raises Refused for a Kubernetes older than `OLDEST`."""
    version = Version(_number(said.get("major")), _number(said.get("minor")), _text(said))
    if version[:2] < OLDEST:
        oldest = ".".join(str(part) for part in OLDEST)
        raise Refused(
            f"Kubernetes {version.text} is too old: Skerry works with {oldest} and newer",
            subject=subject,
            hint="skerry cells",
        )
    return version


def _text(said: Mapping[str, Any]) -> str:
    written = str(said.get("gitVersion") or "")
    if not written or written.startswith("v0.0.0"):
        return f"{said.get('major', '?')}.{said.get('minor', '?')}"
    return written.removeprefix("v")


def _number(written: object) -> int:
    """Providers write `33+`."""
    digits = "".join(letter for letter in str(written or "") if letter.isdigit())
    return int(digits or 0)
