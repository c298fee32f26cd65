"""Namespaces that are there before anything is put into them."""

from skerry.engines.kubernetes.client.client import Client
from skerry.engines.kubernetes.client.failures import ApiError
from skerry.errors import Conflict
from skerry.model.objects import FIELD_MANAGER, MANAGED_BY

_EXISTS = "AlreadyExists"


async def ensure_namespace(client: Client, name: str) -> bool:
    """Make a team's namespace, or Skerry's own; whether there was none. One that exists stays
    as it is, whoever made it, and none is ever removed: others may live in it."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {MANAGED_BY: FIELD_MANAGER}},
    }
    try:
        await client.create(manifest)
    except Conflict as error:
        if not exists(error):
            raise
        return False
    return True


def exists(error: Conflict) -> bool:
    """Whether something could not be made because it is there."""
    return isinstance(error.__cause__, ApiError) and error.__cause__.reason == _EXISTS
