"""Kinds that Kubernetes itself does not have, defined in the cluster under test."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from skerry.engines.kubernetes.client.client import Client
from skerry.errors import NotFound

_FOLDER: Final = Path(__file__).parent / "kinds"
_LOOKS: Final = 400
_PAUSE_SECONDS: Final = 0.05


async def define(client: Client) -> None:
    """HTTPRoute and PodIdentityAssociation, by definitions of our own, ready for use. Where
    somebody's cluster has them already, those stay."""
    for file in sorted(_FOLDER.glob("*.yaml")):
        wanted = yaml.safe_load(file.read_text())
        path = (
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{wanted['metadata']['name']}"
        )
        try:
            await client.get(path)
        except NotFound:
            await client.apply(wanted, manager="skerry-tests")
        for _ in range(_LOOKS):
            if _established(await client.get(path)):
                break
            await asyncio.sleep(_PAUSE_SECONDS)


def _established(definition: Mapping[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
