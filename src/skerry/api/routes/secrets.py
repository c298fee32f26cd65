"""The store's own secrets: names out, values in, never back. Each belongs to a namespace."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from skerry.api.bodies import SecretBody
from skerry.api.routes.parts import Changer, Deployer, Segment
from skerry.model.secret import SecretKey, SecretValue, parse_secret_key
from skerry.report.shapes import SecretsView

router = APIRouter(prefix="/v1/secrets", tags=["secrets"])
SecretName = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]


def secret_in_path(namespace: Segment, name: SecretName) -> SecretKey:
    """The secret of `/v1/secrets/{namespace}/{name}`."""
    return SecretKey(namespace, name)


Secret = Annotated[SecretKey, Depends(secret_in_path)]


@router.get("")
async def secrets(asker: Deployer) -> SecretsView:
    """Names of those the token sees, sorted: `name`, or `namespace/name`."""
    names = await asker.fleet.secrets.names()
    seen = asker.identity.sees
    return {"secrets": [name for name in names if seen(parse_secret_key(name).namespace)]}


@router.put("/{namespace}/{name}", status_code=204)
async def put(asker: Changer, secret: Secret, body: SecretBody) -> None:
    """Create or replace. Services that use it get it with their next release or restart."""
    await asker.fleet.secrets.put(str(secret), SecretValue(body.value))


@router.delete("/{namespace}/{name}", status_code=204)
async def drop(asker: Changer, secret: Secret) -> None:
    """Forget."""
    await asker.fleet.secrets.drop(str(secret))
