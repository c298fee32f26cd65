"""The cluster tests run against: one for the session, and others of one's own for faults.

The session's is the fixture `cluster`; `private_cluster()` gives one to stop and restart.
Beside this: `plane` (the processes), `pods` and `behaviour` (the double that makes pods run, or
fail as their image says), `proxy` (slow, throttling, failing, cut, gone).
"""

import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import Client, open_client
from skerry.engines.kubernetes.client.credentials import find_access
from skerry.model.keys import ObjectKey
from tests.cluster.kubeconfigs import kubeconfig as new_kubeconfig
from tests.cluster.kubeconfigs import write
from tests.cluster.plane import ControlPlane, Process, missing, python
from tests.cluster.pods import READY_LINE

NAMED = "SKERRY_TEST_KUBECONFIG"
DOUBLE_SECONDS = 30.0


class TestCluster:
    """A cluster for tests: `url`, `token` (an admin's, where the cluster is ours), `kubeconfig`,
    clients, namespaces. `plane` is there where the control plane is ours."""

    __test__ = False

    def __init__(self, kubeconfig: Path, plane: ControlPlane | None) -> None:
        access = find_access(None, str(kubeconfig), {})
        self.kubeconfig = kubeconfig
        self.context = access.name
        self.url = access.url
        self.token = plane.token if plane else ""
        self.guest_token = plane.guest_token if plane else ""
        self._plane = plane

    @property
    def plane(self) -> ControlPlane:
        """Its processes; only of a cluster that is ours."""
        assert self._plane, f"{NAMED} is somebody's cluster: not for faults"
        return self._plane

    @property
    def ours(self) -> bool:
        """Whether it was started here and pods are those of the double."""
        return self._plane is not None

    @property
    def controllers(self) -> bool:
        """Whether Kubernetes' own controllers run: quotas count, endpoints are made, autoscalers
        scale. Without them a double makes pods of Deployments and Jobs, and ends namespaces."""
        return self._plane is None or self._plane.controllers

    def client(self, *, cell: str = "test", token: str | None = None) -> Client:
        """A client of the admin, or of whose token it is; the caller closes it."""
        file = self.kubeconfig_of(token) if token else self.kubeconfig
        return open_client(find_access(None, str(file), {}), SystemClock(), cell=cell)

    def kubeconfig_of(self, token: str, *, name: str = "other") -> Path:
        """A kubeconfig file with another token."""
        return self.plane.kubeconfig(name, token=token)

    def kubeconfig_to(self, url: str, *, name: str = "proxied") -> Path:
        """A kubeconfig file of the admin that leads elsewhere: to a fault proxy."""
        cluster = {"server": url}
        file = self.plane.folder / f"{name}.kubeconfig"
        return write(file, new_kubeconfig(cluster, {"token": self.token}, name=name))

    @asynccontextmanager
    async def namespace(self, prefix: str = "test") -> AsyncIterator[str]:
        """A namespace of one's own, taken away at the end without waiting for it."""
        client = self.client()
        name = f"{prefix}-{os.urandom(4).hex()}"
        try:
            manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await client.create(manifest)
            yield name
            await client.delete(ObjectKey("Namespace", "", name))
        finally:
            await client.close()

    def start(self) -> None:
        """The API server again, ready at the same URL."""
        self.plane.start()

    def stop(self) -> None:
        """Kill the API server. On clusters of one's own."""
        self.plane.stop()

    def restart(self) -> None:
        """Kill the API server and start it. On clusters of one's own."""
        self.plane.restart()


def reason_for_none() -> str:
    """Why there can be no cluster here, or nothing."""
    return "" if os.environ.get(NAMED) else missing()


@contextmanager
def open_cluster() -> Iterator[TestCluster]:
    """The session's: the one `SKERRY_TEST_KUBECONFIG` names, or a control plane of our own."""
    named = os.environ.get(NAMED)
    if named:
        yield TestCluster(Path(named), None)
        return
    with private_cluster() as cluster:
        yield cluster


@contextmanager
def private_cluster(
    *,
    pods: bool = True,
    controllers: bool = True,
    scheduler: bool = False,
    etcd_bytes: int = 0,
    flags: Sequence[str] = (),
) -> Iterator[TestCluster]:
    """A cluster of one's own, to stop, starve and fill up. Two seconds to start, 300 MB; without
    `controllers` and `pods` (who have nothing to do where only objects are written) less.
    `etcd_bytes` is what its database holds; `flags` are the API server's."""
    with tempfile.TemporaryDirectory(prefix="skerry-cluster-") as folder:
        plane = ControlPlane(
            Path(folder),
            controllers=controllers,
            scheduler=scheduler,
            etcd_bytes=etcd_bytes,
            flags=flags,
        )
        plane.open()
        double = None
        try:
            kubeconfig = plane.kubeconfig()
            if pods:
                double = _start_double(plane, kubeconfig)
            yield TestCluster(kubeconfig, plane)
        finally:
            if double:
                double.stop(kill=True)
            plane.close()


def _start_double(plane: ControlPlane, kubeconfig: Path) -> Process:
    log = plane.folder / "pods.log"
    flags = ["--scheduled-elsewhere"] * plane.scheduler + ["--controllers"] * (
        not plane.controllers
    )
    double = Process([python(), "-m", "tests.cluster.pods", kubeconfig, *flags], log)
    until = time.monotonic() + DOUBLE_SECONDS
    try:
        while READY_LINE not in log.read_text():
            double.check()
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("tests.cluster.pods", DOUBLE_SECONDS)
            time.sleep(0.05)
    except BaseException:
        double.stop(kill=True)
        raise
    return double
