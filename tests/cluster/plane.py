"""A control plane's processes: etcd, API server, controller manager, scheduler."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.authority import Authority

ASSETS = Path(os.environ.get("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin"))
ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 15.0


def binary(name: str) -> Path | None:
    """A part of Kubernetes on this machine; for etcd, Debian's serves as well."""
    beside = ASSETS / name
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which(name) if name == "etcd" else None
    return Path(found) if found else None


def missing() -> str:
    """Why no control plane can be started here, or nothing."""
    lacking = [name for name in ("etcd", "kube-apiserver") if binary(name) is None]
    return f"no {' and no '.join(lacking)} in {ASSETS} (KUBEBUILDER_ASSETS)" if lacking else ""


def free_ports(count: int) -> list[int]:
    """Ports the kernel chose, all different."""
    with_ports = [socket.socket() for _ in range(count)]
    try:
        for each in with_ports:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in with_ports]
    finally:
        for each in with_ports:
            each.close()


class Process:
    """A child that does not outlive us, its output in a file."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._log = log
        died_with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [*died_with_us, *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def check(self) -> None:
        """Raises RuntimeError, with its last words, when it has ended."""
        if self._child.poll() is not None:
            raise RuntimeError(f"{self._log.name} ended:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-2000:]

    def stop(self, *, kill: bool = False) -> None:
        """End it, by its id: asked first, then not."""
        if self._child.poll() is None:
            (self._child.kill if kill else self._child.terminate)()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class ControlPlane:
    """etcd and an API server in a folder, with the controllers there are binaries for."""

    def __init__(
        self,
        folder: Path,
        *,
        controllers: bool = True,
        scheduler: bool = False,
        etcd_bytes: int = 0,
        flags: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.token = os.urandom(12).hex()
        self.guest_token = os.urandom(12).hex()
        self._ports = free_ports(3)
        self.url = f"https://127.0.0.1:{self._ports[2]}"
        self.controllers = controllers and binary("kube-controller-manager") is not None
        self.scheduler = scheduler and binary("kube-scheduler") is not None
        self._etcd_bytes = etcd_bytes
        self._flags = flags
        self._keys = self.authority.signing_key("service-accounts")
        self._server = self.authority.server("apiserver", also=("cluster.test",))
        self._etcd: Process | None = None
        self._api: Process | None = None
        self._others: list[Process] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of API server and etcd, as far as they run."""
        return tuple(each.pid for each in (self._api, self._etcd) if each)

    def open(self) -> None:
        """Start everything, and wait until the API server is ready."""
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f'{self.token},admin,1,"system:masters"\n{self.guest_token},guest,2,""\n')
        try:
            self.start_etcd()
            self.start()
            admin = self.kubeconfig()
            if self.controllers:
                self._others.append(self._process("kube-controller-manager", *self._manage(admin)))
            if self.scheduler:
                flags = ("--leader-elect=false", "--secure-port=0", f"--kubeconfig={admin}")
                self._others.append(self._process("kube-scheduler", *flags))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything: those who would miss the others first."""
        for process in (*self._others, self._api, self._etcd):
            if process:
                process.stop(kill=True)
        self._others, self._api, self._etcd = [], None, None

    def start(self) -> None:
        """The API server, at the port it had; returns when it is ready."""
        if self._api is None:
            self._api = self._process("kube-apiserver", *self._serve())
        until = time.monotonic() + START_SECONDS
        while not self._ready():
            self._api.check()
            if time.monotonic() > until:
                raise RuntimeError(f"the API server is not ready:\n{self._api.last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill the API server, as a machine would that loses power."""
        if self._api:
            self._api.stop(kill=True)
            self._api = None

    def restart(self) -> None:
        """The API server dies and comes back; etcd and the others stay."""
        self.stop()
        self.start()

    def start_etcd(self) -> None:
        """etcd, on its old data."""
        if self._etcd is None:
            self._etcd = self._process("etcd", *self._store())

    def stop_etcd(self) -> None:
        """Kill etcd."""
        if self._etcd:
            self._etcd.stop(kill=True)
            self._etcd = None

    def kubeconfig(
        self, name: str = "admin", *, url: str | None = None, token: str | None = None
    ) -> Path:
        """A kubeconfig file, made now: the admin's, or with another token, or to another URL (a
        proxy's: it is trusted without its certificate being known)."""
        from tests.cluster.kubeconfigs import kubeconfig, write

        file = self.folder / f"{name}.kubeconfig"
        cluster: dict[str, object] = {"server": url or self.url}
        if (url or self.url).startswith("https:"):
            cluster["certificate-authority"] = str(self.authority.file)
        return write(file, kubeconfig(cluster, {"token": token or self.token}, name=name))

    def _ready(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _process(self, name: str, *flags: str) -> Process:
        program = binary(name)
        assert program, f"no {name} in {ASSETS}"
        return Process([program, *flags], self.folder / f"{name}.log")

    def _store(self) -> tuple[str, ...]:
        client, peer, _ = (f"http://127.0.0.1:{port}" for port in self._ports)
        quota = (f"--quota-backend-bytes={self._etcd_bytes}",) if self._etcd_bytes else ()
        return (
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
            *quota,
        )

    def _serve(self) -> tuple[str, ...]:
        certificate, key = self._server
        tokens = () if self.controllers else ("--disable-admission-plugins=ServiceAccount",)
        return (
            f"--etcd-servers=http://127.0.0.1:{self._ports[0]}",
            f"--secure-port={self._ports[2]}",
            "--bind-address=127.0.0.1",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority.file}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-key-file={self._keys}",
            f"--service-account-signing-key-file={self._keys}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--shutdown-delay-duration=0s",
            *tokens,
            *self._flags,
        )

    def _manage(self, kubeconfig: Path) -> tuple[str, ...]:
        # Nodes here are made up and have nobody who says that they live.
        unwanted = "node-lifecycle-controller,-taint-eviction-controller,-node-ipam-controller"
        return (
            f"--kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={self._keys}",
            f"--root-ca-file={self.authority.file}",
            "--leader-elect=false",
            "--secure-port=0",
            f"--controllers=*,-{unwanted}",
            "--kube-api-qps=2000",
            "--kube-api-burst=4000",
            "--concurrent-namespace-syncs=20",
            "--concurrent-deployment-syncs=20",
            "--concurrent-replicaset-syncs=20",
        )


def python() -> str:
    """The interpreter that runs the tests, for doubles of their own process."""
    return sys.executable
