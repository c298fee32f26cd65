"""One bridge per namespace, isolated from the others."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any, Final

import orjson

from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.addresses import gateway_of
from skerry.engines.local.api import ApiError, ContainerApi, part
from skerry.engines.local.containers import INSTANCE, NAMESPACE
from skerry.engines.local.machine import Machine
from skerry.model.objects import digest_of

# The first two bytes of a hardware address that no maker gives out; the rest is the gateway's.
_LOCALLY_GIVEN: Final = "02:53"
_TAKEN: Final = ("already used", "overlaps")


class Networks:
    """The networks of one instance. `routed` False: the engine picks the addresses and
    answers names itself."""

    def __init__(
        self,
        api: ContainerApi,
        book: AddressBook,
        *,
        machine: Machine,
        instance: str,
        routed: bool,
    ) -> None:
        self._machine = machine
        self._api = api
        self._book = book
        self._instance = instance
        self._routed = routed
        self._ready: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def name(self, namespace: str) -> str:
        """What the namespace's network is called on the machine."""
        return f"skerry-{self._instance}-{namespace}"

    async def ensure(self, namespace: str) -> str:
        """Make the namespace's network, unless it is there. Returns its name."""
        name = self.name(namespace)
        if namespace in self._ready:
            return name
        async with self._locks[namespace]:
            if namespace not in self._ready:
                if not await self._exists(name):
                    await self._create(name, namespace)
                self._ready.add(namespace)
        return name

    async def joined(self, namespace: str) -> None:
        """A container was started in the namespace's network, and perhaps made its bridge:
        see to it that the bridge keeps its address when containers go."""
        if self._routed and await self._api.is_podman():
            gateway = gateway_of(self._book.book.networks[namespace])
            digits = "".join(f":{byte:02x}" for byte in gateway.packed)
            await self._machine.pin(self.bridge(namespace), _LOCALLY_GIVEN + digits)

    async def remove(self, namespace: str) -> None:
        """Remove the namespace's network; nothing when it is gone already."""
        async with self._locks[namespace]:
            self._ready.discard(namespace)
            try:
                await self._api.call("DELETE", f"networks/{part(self.name(namespace))}")
            except ApiError as error:
                if error.status != 404:
                    raise
            await self._book.forget_namespace(namespace)

    async def existing(self) -> tuple[str, ...]:
        """The namespaces that have a network on this machine, by label."""
        query = {"filters": orjson.dumps({"label": [f"{INSTANCE}={self._instance}"]}).decode()}
        said = await self._api.call("GET", "networks", query=query)
        found = ((one.get("Labels") or {}).get(NAMESPACE) for one in said)
        return tuple(namespace for namespace in found if namespace)

    def bridge(self, namespace: str) -> str:
        """What the machine calls the namespace's bridge (Podman)."""
        return f"sk{digest_of([self._instance, namespace])[:10]}"

    def forget_ready(self) -> None:
        """Look again before relying on a network: the container engine was away."""
        self._ready.clear()

    async def _exists(self, name: str) -> bool:
        try:
            await self._api.call("GET", f"networks/{part(name)}")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _create(self, name: str, namespace: str) -> None:
        labels = {INSTANCE: self._instance, NAMESPACE: namespace}
        if not self._routed:
            body = {"Name": name, "Driver": "bridge", "Labels": labels, "CheckDuplicate": True}
            await self._api.call("POST", "networks/create", body=body)
            return None
        taken = await self._subnets()
        while True:
            network = await self._book.network(namespace, taken)
            try:
                return await self._create_routed(name, labels, network)
            except ApiError as error:
                # Another server on this machine took it between our look and our call.
                if not any(word in error.message for word in _TAKEN):
                    raise
            taken.append(network)
            await self._book.drop_network(namespace)

    async def _create_routed(
        self, name: str, labels: Mapping[str, str], network: IPv4Network
    ) -> None:
        namespace = labels[NAMESPACE]
        gateway = str(gateway_of(network))
        body: dict[str, Any]
        if await self._api.is_podman():
            # Podman's form of Docker's call drops the option that keeps bridges apart.
            body = {
                "name": name,
                "driver": "bridge",
                "network_interface": self.bridge(namespace),
                "options": {"isolate": "true"},
                "subnets": [{"subnet": str(network), "gateway": gateway}],
                "dns_enabled": False,
                "labels": labels,
            }
            await self._api.call("POST", "libpod/networks/create", body=body)
            return
        body = {
            "Name": name,
            "Driver": "bridge",
            "Labels": labels,
            "CheckDuplicate": True,
            "IPAM": {"Config": [{"Subnet": str(network), "Gateway": gateway}]},
        }
        await self._api.call("POST", "networks/create", body=body)

    async def _subnets(self) -> list[IPv4Network]:
        """What the engine's networks use: one without a running container has no route."""
        found = []
        for one in await self._api.call("GET", "networks"):
            for config in (one.get("IPAM") or {}).get("Config") or ():
                subnet = config.get("Subnet", "")
                if "." in subnet:
                    found.append(IPv4Network(subnet, strict=False))
        return found
