"""Whether the machine a server runs on is a cell of it, and opening it at the start."""

import logging
import os
from typing import TYPE_CHECKING

from skerry.errors import SkerryError
from skerry.settings import Local, Settings
from skerry.wiring.remembered import is_remembered

if TYPE_CHECKING:
    from skerry.ports import ObjectStore
    from skerry.wiring.cell import LocalCell
    from skerry.wiring.site import CellSite

log = logging.getLogger(__name__)


async def open_machine(
    machine: "LocalCell", site: "CellSite", *, settings: Settings, store: "ObjectStore"
) -> None:
    """With `SKERRY_LOCAL=on`, open it: raises EngineUnavailable. With `auto`, open it where
    services ran before, or nothing else is known; where that fails, carry on without: it is
    tried again whenever it is meant. A pod is no machine of its own."""
    if settings.local is Local.ON:
        site.machine_meant = True
        return await machine.open()
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    site.machine_meant = is_remembered(settings)
    if (site.clusters or in_pod) and not site.machine_meant:
        site.machine_meant = bool(await store.objects())
        if not site.machine_meant:
            return None
    try:
        await machine.open()
    except SkerryError as error:
        log.error("this machine is no cell for now: %s (%s)", error, error.hint)
    else:
        site.machine_meant = site.machine_meant or bool(await machine.engine.index())
    return None
