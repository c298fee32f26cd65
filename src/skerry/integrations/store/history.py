"""How much of the past is kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Limits on what grows. What is in use is kept whatever they say: operations that run,
    the newest two deployed releases of a service, the newest thousand audit entries."""

    releases: int = 50  # per service: weeks of several deploys a day
    operations: int = 1_000  # with all they said
    audit_entries: int = 100_000  # about 20 MB
    audit_days: int = 365


AUDIT_FLOOR = 1_000  # kept at any age: a clock that jumps must not empty the audit
DEPLOYED_FLOOR = 2  # the release in use, and the one to go back to
