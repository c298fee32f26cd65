"""What many routes take: who asks, and which service."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import StringConstraints

from skerry.api.access import Asker, Needs, Reach
from skerry.model.access import Role
from skerry.model.keys import ServiceKey

# Only what can be a name reaches an operation; what is not there is not found by it.
Segment = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)
]

Viewer = Annotated[Asker, Depends(Needs(Role.VIEWER))]
CellViewer = Annotated[Asker, Depends(Needs(Role.VIEWER, reach=Reach.CELL))]
Changer = Annotated[Asker, Depends(Needs(Role.DEPLOYER, mutates=True))]
Deployer = Annotated[Asker, Depends(Needs(Role.DEPLOYER))]
Applier = Annotated[Asker, Depends(Needs(Role.DEPLOYER, reach=Reach.BODY, mutates=True))]
CellDeployer = Annotated[Asker, Depends(Needs(Role.DEPLOYER, reach=Reach.CELL))]
CellChanger = Annotated[Asker, Depends(Needs(Role.DEPLOYER, reach=Reach.CELL, mutates=True))]
Admin = Annotated[Asker, Depends(Needs(Role.ADMIN, reach=Reach.CELL))]
AdminChanger = Annotated[Asker, Depends(Needs(Role.ADMIN, reach=Reach.CELL, mutates=True))]


def service_in_path(namespace: Segment, name: Segment) -> ServiceKey:
    """The service of `/v1/services/{namespace}/{name}`."""
    return ServiceKey(namespace, name)


def cells_in_query(cell: Annotated[list[Segment], Query(max_length=1000)] = []) -> tuple[str, ...]:  # noqa: B006  # read only
    """The cells of `?cell=eu-1&cell=us-1`; none: all."""
    return tuple(cell)


Service = Annotated[ServiceKey, Depends(service_in_path)]
Cells = Annotated[tuple[str, ...], Depends(cells_in_query)]
