"""Several servers on one PostgreSQL: what each is, and what they must have in common."""

import hmac
import socket
from typing import TYPE_CHECKING, Any, Final

from skerry.errors import SkerryError
from skerry.ports import Clock, Leadership

if TYPE_CHECKING:
    from skerry.integrations.secrets.store import EncryptedSecrets
    from skerry.integrations.store.store import Store
    from skerry.settings import Settings

_FACT: Final = "key"
_EVERYWHERE: Final = ("0.0.0.0", "::")


def shares_database(settings: "Settings") -> bool:
    """Whether other servers may be on the same database."""
    return not settings.database_url.startswith("sqlite")


async def open_leadership(settings: "Settings", clock: Clock, *, listening: str = "") -> Leadership:
    """Stand for election, where there are others to elect from. `listening` is the address of
    this server's own API. Raises Unavailable."""
    name = settings.name or socket.gethostname()
    url = settings.url or ("" if settings.listen in _EVERYWHERE else listening)
    if not shares_database(settings):
        from skerry.controllers.leading import Alone

        return Alone(clock, name=name, url=url)
    from skerry.integrations.store.connect import connect
    from skerry.integrations.store.database import Database
    from skerry.integrations.store.leader import ElectedLeader

    leader = ElectedLeader(Database(connect(settings.database_url)), clock, name=name, url=url)
    await leader.open()
    return leader


def fence(store: "Store", leadership: Leadership) -> None:
    """From now on the store takes what the leader writes, and nothing else."""
    check: Any = getattr(leadership, "fence", None)
    if check is not None:
        store.fence(check)


async def check_key(store: "Store", secrets: "EncryptedSecrets") -> None:
    """Every server on a database needs the same key file: with another one it would make other
    fingerprints, and restart every service with a secret. Raises SkerryError."""
    mine = (await secrets.derive("check")).hex()
    theirs = (await store.facts(_FACT)).get("check", {}).get("digest", "")
    if hmac.compare_digest(mine, theirs):
        return
    if theirs and await secrets.names():
        raise SkerryError(
            "is another key than the servers on this database have",
            subject="key",
            hint="put their key file in this server's state folder, as `key`: docs/continuous.md",
        )
    await store.put_fact(_FACT, "check", {"digest": mine})
