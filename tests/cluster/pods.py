"""The pod double: a scheduler and a kubelet that run nothing, as a process of its own.

    python -m tests.cluster.pods KUBECONFIG [--scheduled-elsewhere] [--controllers]

Makes nodes `node-1` to `node-3` in zones a, b and c, gives pods to them and marks them
running and ready, with an address, within tens of milliseconds. A pod behaves otherwise when
its first container's image is `fault/NAME` (with any registry before and tag behind), or it
has the annotation `test.skerry.dev/fault: NAME`; `behaviour.py` lists the names. Each says
a line when it starts; one that exits says why. The pod of a Job that has its input open runs
its command for real (`containers.py`), and `kubelet.py` leads to it. `--controllers` makes the
pods too, where no controller manager does (`controllers.py`).
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import Client, open_client
from skerry.engines.kubernetes.client.credentials import find_access
from skerry.errors import SkerryError
from skerry.loops import Tasks
from skerry.model.keys import ObjectKey
from tests.cluster.behaviour import NEVER, Step, behaviour_of, fits, statuses
from tests.cluster.containers import CRASHED
from tests.cluster.controllers import ControllerDouble
from tests.cluster.kubelet import FEATURE, Kubelet

NODES = {f"node-{number}": zone for number, zone in ((1, "a"), (2, "b"), (3, "c"))}
READY_LINE = "the pods are looked after"
STOP_SECONDS = 0.03
_TAINTS = {"spec": {"taints": None}}


class PodDouble:
    """Follows all pods of a cluster; one task for each that has something to become."""

    def __init__(self, client: Client, *, scheduled_elsewhere: bool) -> None:
        self._client = client
        self._tasks = Tasks()
        self._known: dict[str, str] = {}  # uid -> what its task is at
        self._addresses = count(1)
        self._turns = count()
        self._elsewhere = scheduled_elsewhere
        self._kubelet = Kubelet()

    async def run(self) -> None:
        """For ever."""
        await self._kubelet.open()
        await asyncio.gather(*(self._make_node(name, zone) for name, zone in NODES.items()))
        async for event in self._client.watch("Pod"):
            if event.type == "SYNC":
                print(READY_LINE, flush=True)
            for pod in event.items or (event.object,):
                if pod and event.type != "DELETED":
                    self._look(pod)
            if event.type == "DELETED":
                self._known.pop(event.object["metadata"]["uid"], None)
                self._kubelet.forget(event.object)

    async def close(self) -> None:
        """End all tasks."""
        await self._tasks.close()
        await self._kubelet.close()

    def _look(self, pod: dict[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        at = self._known.get(uid)
        if "deletionTimestamp" in pod["metadata"]:
            if at != "ending":
                self._begin(pod, "ending", self._end(pod))
        elif at is None and not pod["spec"].get("nodeName"):
            if not self._elsewhere:
                self._begin(pod, "placing", self._place(pod))
        elif at in (None, "placing") and pod["spec"].get("nodeName") in NODES:
            self._begin(pod, "living", self._live(pod))

    def _begin(self, pod: dict[str, Any], at: str, work: Any) -> None:
        self._known[pod["metadata"]["uid"]] = at
        self._tasks.spawn(_quietly(work), name=f"{at} {pod['metadata']['name']}")

    async def _place(self, pod: dict[str, Any]) -> None:
        reason = fits(pod)
        if reason:
            await self._say(pod, "FailedScheduling", reason)
            unplaced = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": reason,
                "lastTransitionTime": _now(),
            }
            await self._status(pod, {"phase": "Pending", "conditions": [unplaced]})
            return
        node = list(NODES)[next(self._turns) % len(NODES)]
        metadata = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        await self._client.post(
            f"{_path(pod)}/binding",
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
                "target": target,
            },
        )

    async def _live(self, pod: dict[str, Any]) -> None:
        number = next(self._addresses)
        address = f"10.244.{number // 250 % 250}.{number % 250 + 1}"
        if pod["status"].get("podIP") or pod["status"].get("startTime"):
            return  # looked after by the one before us
        if pod["spec"]["containers"][0].get("stdin"):
            await self._run(pod, address)
            return
        for step in behaviour_of(pod):
            self._speak(pod, step)
            await self._take(pod, step, address)

    async def _run(self, pod: dict[str, Any], address: str) -> None:
        """The command of a one-off, for real."""

        async def started() -> None:
            await self._take(pod, Step(state={"running": {}}, ready=True), address)

        code = await self._kubelet.run(pod, started)
        reason, phase = ("Error", "Failed") if code else ("Completed", "Succeeded")
        ended = {"terminated": {"exitCode": code, "reason": reason}}
        await self._take(pod, Step(state=ended, phase=phase), address)

    def _speak(self, pod: dict[str, Any], step: Step) -> None:
        container = self._kubelet.container(pod)
        if "running" in step.state and not container.lines:
            container.say(f"{pod['metadata']['name']} listens\n".encode())
        if "terminated" in step.state:
            if container.over:
                container.restart()
            if step.state["terminated"].get("exitCode"):
                container.say("".join(f"{line}\n" for line in CRASHED).encode())
            container.end()

    async def _take(self, pod: dict[str, Any], step: Step, address: str) -> None:
        if step.after:
            await asyncio.sleep(step.after)
        if self._known.get(pod["metadata"]["uid"]) != "living":
            raise asyncio.CancelledError
        for reason, message in step.events:
            await self._say(pod, reason, message, kind=step.kind)
        status = statuses(pod, step, address=address, now=_now())
        _leave_last_lines(pod, status, self._kubelet.container(pod).last_lines)
        await self._status(pod, status)

    async def _end(self, pod: dict[str, Any]) -> None:
        seconds = behaviour_of(pod).stop_seconds
        if seconds is NEVER:
            return
        grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
        await asyncio.sleep(min(STOP_SECONDS if seconds is None else seconds, grace))
        metadata = pod["metadata"]
        key = ObjectKey("Pod", metadata["namespace"], metadata["name"])
        await self._client.delete(key, uid=metadata["uid"], grace=0)

    async def _status(self, pod: dict[str, Any], status: Mapping[str, Any]) -> None:
        await self._client.patch(f"{_path(pod)}/status", {"status": status})

    async def _say(
        self, pod: dict[str, Any], reason: str, message: str, *, kind: str = "Warning"
    ) -> None:
        metadata = pod["metadata"]
        about = {"apiVersion": "v1", "kind": "Pod", "fieldPath": "spec.containers{main}"}
        about |= {name: metadata[name] for name in ("name", "namespace", "uid")}
        await self._client.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {
                    "generateName": f"{metadata['name']}.",
                    "namespace": metadata["namespace"],
                },
                "involvedObject": about,
                "reason": reason,
                "message": message,
                "type": kind,
                "count": 1,
                "firstTimestamp": _now(),
                "lastTimestamp": _now(),
                "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")},
            }
        )

    async def _make_node(self, name: str, zone: str) -> None:
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/region": "test-1",
            "topology.kubernetes.io/zone": f"test-1{zone}",
        }
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        await self._client.apply(node, manager="pod-double", force=True)
        path = f"/api/v1/nodes/{name}"
        await self._client.patch(path, _TAINTS)  # a new node is given one: not ready
        room = {"cpu": "4k", "memory": "16Ti", "pods": "100k", "ephemeral-storage": "16Ti"}
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": _now(),
            "lastTransitionTime": _now(),
        }
        status = {
            "capacity": room,
            "allocatable": room,
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._kubelet.port}},
            "declaredFeatures": [FEATURE],
        }
        await self._client.patch(f"{path}/status", {"status": status})


def _leave_last_lines(pod: Mapping[str, Any], status: dict[str, Any], said: str) -> None:
    """As a kubelet does where a container asks for it and ended badly."""
    policy = pod["spec"]["containers"][0].get("terminationMessagePolicy")
    for place in ("state", "lastState"):
        ended = status["containerStatuses"][0].get(place, {}).get("terminated")
        if ended and ended["exitCode"] and policy == "FallbackToLogsOnError":
            ended["message"] = said


def _path(pod: Mapping[str, Any]) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _quietly(work: Any) -> None:
    """Pods go away under our hands; that is their right."""
    with suppress(SkerryError):
        await work


async def _main(kubeconfig: str, *, scheduled_elsewhere: bool, controllers: bool) -> None:
    while True:
        client = open_client(find_access(None, kubeconfig, {}), SystemClock(), cell="double")
        double = PodDouble(client, scheduled_elsewhere=scheduled_elsewhere)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(double.run())
                if controllers:
                    group.create_task(ControllerDouble(client).run())
        except* SkerryError:
            await asyncio.sleep(0.2)  # the API server is away: tests do that
        finally:
            await double.close()
            await client.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(
            _main(
                sys.argv[1],
                scheduled_elsewhere="--scheduled-elsewhere" in sys.argv,
                controllers="--controllers" in sys.argv,
            )
        )
