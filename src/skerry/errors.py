"""Every error Skerry raises on purpose, and nothing else.

    SkerryError              has a subject, a cause and a hint (a command that helps)
    ├── InvalidDocuments     the desired state is wrong; carries every problem at once
    ├── Refused              the request makes sense, but is not allowed or not possible here
    │   ├── Unauthenticated  no token, or one that is not known
    │   ├── Forbidden        the token's role or scope does not reach
    │   ├── NotFound         the subject does not exist
    │   └── Conflict         somebody else is at it, or the plan is stale
    ├── DeployFailed         a release did not come up; the one before it is back
    └── Unavailable          something Skerry needs does not answer
        ├── EngineUnavailable
        ├── GatewayUnavailable
        └── ServerUnavailable

Library errors are chained (`raise ... from error`), never leaked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


class SkerryError(Exception):
    """What went wrong, said once: to whom, why, and which command helps.

    `str(error)` is one line, `subject: cause`; front doors print the hint under it.
    """

    code = "error"

    def __init__(self, cause: str, *, subject: str = "", hint: str = "") -> None:
        super().__init__(f"{subject}: {cause}" if subject else cause)
        self.subject = subject
        self.cause = cause
        self.hint = hint


OWN_FAULT: Final = "Skerry itself is at fault; the server's log says more"


def own_fault(subject: str) -> SkerryError:
    """What is said of an exception that is no SkerryError, once it is in the log."""
    return SkerryError(OWN_FAULT, subject=subject, hint="skerry doctor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault in a document: where, what was expected, what to write instead."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        said = f"{self.file}:{self.line}: {self.path}: {self.message}"
        return f"{said} ({self.hint})" if self.hint else said


class InvalidDocuments(SkerryError):
    """The documents hold at least one problem; nothing was changed."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            hint=f"{count} problem{'s' if count != 1 else ''}; nothing was changed",
        )


class Refused(SkerryError):
    """Possible elsewhere or otherwise, but not as asked."""

    code = "refused"


class Unauthenticated(Refused):
    """No token was given, or it is not known."""

    code = "unauthenticated"


class Forbidden(Refused):
    """The token is known, but its role or scope does not reach that far."""

    code = "forbidden"


class NotFound(Refused):
    """The subject does not exist."""

    code = "not_found"


class Conflict(Refused):
    """Another writer is at work on the subject, or the world moved under the plan."""

    code = "conflict"


class DeployFailed(SkerryError):
    """A release did not come up. `last_lines` is the last the container said."""

    code = "deploy_failed"

    def __init__(
        self, cause: str, *, subject: str = "", hint: str = "", last_lines: Sequence[str] = ()
    ) -> None:
        super().__init__(cause, subject=subject, hint=hint)
        self.last_lines = tuple(last_lines)


class Unavailable(SkerryError):
    """Something Skerry needs does not answer."""

    code = "unavailable"


class EngineUnavailable(Unavailable):
    """No container engine, or no cluster, answers."""

    code = "engine_unavailable"


class GatewayUnavailable(Unavailable):
    """The gateway does not start or does not take its configuration."""

    code = "gateway_unavailable"


class ServerUnavailable(Unavailable):
    """The Skerry server does not answer."""

    code = "server_unavailable"
