"""This machine: its container engine, found, and everything on it looked at."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from skerry.clock import SystemClock
from skerry.errors import SkerryError
from skerry.model.cell import Cell
from skerry.model.process import Check
from skerry.ports import Clock, Doctor
from skerry.wiring.remembered import overruled, remembered

if TYPE_CHECKING:
    from skerry.engines.local.host import Host, Reach
    from skerry.report.shapes import CheckView
    from skerry.settings import Settings


def check_machine() -> Sequence["CheckView"]:
    """Look at this machine without a server: for `skerry doctor` when none answers."""
    from skerry.report.views import check_view
    from skerry.settings import Settings

    try:
        settings = Settings.from_environment(os.environ)
        cell = remembered(settings)
        doctor = make_doctor(settings, lambda: cell, visit=partial(visit, settings))
        checks = asyncio.run(doctor.checks())
    except SkerryError as error:
        checks = (Check(name=error.subject, ok=False, message=error.cause, hint=error.hint),)
    return [check_view(check) for check in checks]


async def find_host(settings: "Settings", folder: Path, clock: Clock) -> "Host":
    """The container engine: see `find_engine`. Raises EngineUnavailable."""
    from skerry.engines.local.host import find_engine

    named = {"DOCKER_HOST": settings.engine_url} if settings.engine_url else {}
    return await find_engine(folder, clock, environ={**os.environ, **named})


def reach_of(settings: "Settings", host: "Host") -> "Reach":
    """How containers are reached: as asked, else as the engine allows."""
    from skerry.engines.local.host import Reach
    from skerry.settings import Reach as Asked

    return host.reach if settings.reach is Asked.AUTO else Reach(settings.reach.value)


def make_doctor(
    settings: "Settings",
    cell: Callable[[], Cell],
    *,
    visit: "Callable[[], AbstractAsyncContextManager[Host]]",
) -> Doctor:
    """Looks at what a server stands on. `cell` is the one of that moment; `visit` gives the
    container engine for as long as it is looked at."""
    from skerry.engines.local.checkup import look_at_engine
    from skerry.integrations.doctor.doctor import MachineDoctor, in_thread
    from skerry.integrations.doctor.folder import look_at_folder
    from skerry.integrations.doctor.gateway import look_at_envoy, look_at_ports
    from skerry.integrations.doctor.limits import look_at_limits
    from skerry.integrations.doctor.names import look_at_names, look_at_trust

    async def engine() -> Iterable[Check]:
        async with visit() as host:
            return await look_at_engine(host, reach_of(settings, host))

    def ports() -> Iterable[Check]:
        yield from look_at_ports(gateway, cell())
        for said in overruled(settings, cell()):
            yield Check(
                name="ports",
                ok=False,
                stops=False,
                message=said,
                hint="skerry down, then change the document",
            )

    gateway = settings.state / "gateway"
    return MachineDoctor(
        {
            "container engine": engine,
            "envoy": look_at_envoy,
            "ports": in_thread(ports),
            "state folder": in_thread(look_at_folder, settings.state),
            "limits": in_thread(look_at_limits),
            "names": in_thread(lambda: look_at_names(cell())),
            "certificates": in_thread(look_at_trust, gateway / "authority"),
        }
    )


@asynccontextmanager
async def visit(settings: "Settings") -> AsyncIterator["Host"]:
    """The container engine, for a look: what has to be started for it is ended again, and
    leaves nothing."""
    from skerry.engines.local.podman import service_pid

    with TemporaryDirectory(prefix="skerry-doctor-") as spare:
        theirs = service_pid(settings.state) is not None
        host = await find_host(settings, settings.state if theirs else Path(spare), SystemClock())
        try:
            yield host
        finally:
            await host.api.close()
            if not theirs:
                await host.stop()
