"""The store's own secrets: names out, values in, never back."""

from typing import Annotated

from fastapi import APIRouter, Path

from skerry.api.bodies import SecretBody
from skerry.api.routes.parts import CellChanger, CellDeployer
from skerry.model.secret import SecretValue
from skerry.report.shapes import SecretsView

router = APIRouter(prefix="/v1/secrets", tags=["secrets"])
SecretName = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]


@router.get("")
async def secrets(asker: CellDeployer) -> SecretsView:
    """Names, sorted."""
    return {"secrets": list(await asker.platform.secrets.names())}


@router.put("/{name}", status_code=204)
async def put(asker: CellChanger, name: SecretName, body: SecretBody) -> None:
    """Create or replace. Services that use it get it with their next release or restart."""
    await asker.platform.secrets.put(name, SecretValue(body.value))


@router.delete("/{name}", status_code=204)
async def drop(asker: CellChanger, name: SecretName) -> None:
    """Forget."""
    await asker.platform.secrets.drop(name)
