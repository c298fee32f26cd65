"""Reaching into a service: its logs, a command in a replica, a command in a container of
its own, a connection to one of its ports."""

import secrets
from collections.abc import AsyncIterator, Sequence

from skerry.compiler.job import one_off
from skerry.errors import Refused
from skerry.model.keys import ObjectKey, ServiceKey
from skerry.model.process import LogLine, LogQuery
from skerry.operations.platform import Platform
from skerry.operations.single import look_at
from skerry.ports import Session, Tunnel


async def logs(platform: Platform, service: ServiceKey, query: LogQuery) -> AsyncIterator[LogLine]:
    """Lines of all its replicas, merged by time. Raises NotFound."""
    await look_at(platform, service)
    return platform.engine.logs(service, query)


async def exec_in(
    platform: Platform,
    service: ServiceKey,
    command: Sequence[str],
    *,
    tty: bool,
    replica: str | None = None,
) -> Session:
    """A command inside a running replica. Raises NotFound, Conflict, Refused."""
    _check(command, service)
    return await platform.engine.exec(service, command, tty=tty, replica=replica)


async def run_beside(
    platform: Platform, service: ServiceKey, command: Sequence[str], *, tty: bool
) -> Session:
    """A command in a new container with the service's image, environment and secrets.
    Raises NotFound, Refused."""
    _check(command, service)
    snapshot = await look_at(platform, service)
    deployment = snapshot.objects[ObjectKey("Deployment", service.namespace, service.name)]
    name = f"{service.name}.run-{secrets.token_hex(3)}"
    job = one_off(deployment, tuple(command), name=name, deadline_seconds=None)
    return await platform.engine.run(job, tty=tty)


async def forward(
    platform: Platform, service: ServiceKey, port: int | None, *, replica: str | None = None
) -> Tunnel:
    """A connection to a port of a running replica, the service's own when None. Raises
    NotFound, Conflict."""
    return await platform.engine.forward(service, port, replica=replica)


def _check(command: Sequence[str], service: ServiceKey) -> None:
    if not command or not command[0]:
        raise Refused(
            "no command was given", subject=str(service), hint=f"skerry exec {service} -- ls /"
        )
