"""Credentials from a program: `aws eks get-token`, `gke-gcloud-auth-plugin`, `kubelogin`."""

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from skerry.engines.kubernetes.client.identity import Certificate, Credentials, bearer
from skerry.errors import Unauthenticated
from skerry.ports import Clock

API: Final = "client.authentication.k8s.io/"
SPOKEN: Final = tuple(API + version for version in ("v1", "v1beta1"))
# Cloud tokens end to the second: a request must not arrive with one that ended on the way.
EARLY: Final = timedelta(seconds=30)
# A program that waits for a browser login may take its time; one that hangs may not.
PATIENCE_SECONDS: Final = 120.0
SAID_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The `exec` of a kubeconfig's user. `cluster` is told to a program that asks for it."""

    command: Sequence[str]
    api_version: str
    environment: Mapping[str, str]
    cluster: Mapping[str, Any] | None = None
    install_hint: str = ""


class ExecPlugin:
    """Runs the program when there is nothing yet, when what it gave is about to end, and when
    the cluster refused it; one run serves all who wait."""

    renewable = True

    def __init__(self, plugin: Plugin, *, certificate: Certificate | None = None) -> None:
        self.hint = shlex.join(plugin.command)
        self._plugin = plugin
        self._certificate = certificate
        self._given: Credentials | None = None
        self._ends: datetime | None = None
        self._runs = 0
        self._running = asyncio.Lock()

    async def credentials(self, clock: Clock, *, anew: bool = False) -> Credentials:
        """What the program gave. Raises Unauthenticated with what it said."""
        if self._given and not anew and not self._over(clock):
            return self._given
        runs = self._runs
        async with self._running:
            if self._given is None or runs == self._runs:  # nobody ran it while we waited
                await self._run()
                self._runs += 1
            assert self._given
            return self._given

    def _over(self, clock: Clock) -> bool:
        return self._ends is not None and clock.now() >= self._ends - EARLY

    async def _run(self) -> None:
        said = _status(await self._output(), self._plugin)
        token = said.get("token")
        chain, key = said.get("clientCertificateData"), said.get("clientKeyData")
        certificate = self._certificate
        if chain and key:
            certificate = Certificate(chain=str(chain).encode(), key=str(key).encode())
        if not token and not (chain and key):
            raise _failure("it gave neither a token nor a certificate", self._plugin)
        authorization = bearer(str(token)) if token else None
        self._given = Credentials(authorization=authorization, certificate=certificate)
        self._ends = _time(said.get("expirationTimestamp"))

    async def _output(self) -> bytes:
        spec: dict[str, Any] = {"interactive": False}
        if self._plugin.cluster is not None:
            spec["cluster"] = self._plugin.cluster
        asked = {"apiVersion": self._plugin.api_version, "kind": "ExecCredential", "spec": spec}
        told = {"KUBERNETES_EXEC_INFO": orjson.dumps(asked).decode()}
        try:
            child = await asyncio.create_subprocess_exec(
                *self._plugin.command,
                env={**os.environ, **self._plugin.environment, **told},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            cause = f"it cannot be started: {error.strerror}. {self._plugin.install_hint}"
            raise _failure(cause.strip(". "), self._plugin) from error
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                output, said = await child.communicate()
        except TimeoutError as error:
            raise _failure(f"it gave nothing for {PATIENCE_SECONDS:.0f} s", self._plugin) from error
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            words = said.decode(errors="replace").strip()[-SAID_MOST:]
            raise _failure(f"it ended with code {child.returncode}: {words}", self._plugin)
        return output


def _status(output: bytes, plugin: Plugin) -> Mapping[str, Any]:
    try:
        said = orjson.loads(output)
        status = said["status"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _failure("what it says is no ExecCredential", plugin) from error
    if said.get("apiVersion") != plugin.api_version or not isinstance(status, dict):
        raise _failure(
            f"it speaks {said.get('apiVersion')}, the kubeconfig wants {plugin.api_version}", plugin
        )
    return status


def _time(written: object) -> datetime | None:
    """A time that cannot be read is none: the cluster will say when the token is over."""
    try:
        time = datetime.fromisoformat(str(written or ""))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _failure(cause: str, plugin: Plugin) -> Unauthenticated:
    return Unauthenticated(
        cause,
        subject=f"the credential program {plugin.command[0]}",
        hint=shlex.join(plugin.command),
    )


def command_of(written: str, folder: Path) -> str:
    """A name is looked for in PATH; a relative path is relative to the kubeconfig's folder."""
    return str(folder / written) if "/" in written and not written.startswith("/") else written
