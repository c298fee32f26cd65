"""What a server is: to other servers on its database, and to a repository."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from skerry.controllers.continuous import Continuous
from skerry.controllers.webhook import Seen
from skerry.ports import Leadership


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`whole` is false for a server that can answer nothing while it does not lead, because its
    machine is a cell of it. `secret` gives the webhook's; None where there is no webhook."""

    leadership: Leadership
    continuous: Continuous | None = None
    whole: bool = True
    secret: Callable[[], Awaitable[str]] | None = None
    seen: Seen = field(default_factory=Seen)
