"""One bridge per namespace, isolated from the others."""

import asyncio
from collections import defaultdict

import orjson

from skerry.engines.local.addressbook import AddressBook
from skerry.engines.local.addresses import gateway_of
from skerry.engines.local.api import ApiError, ContainerApi, part
from skerry.engines.local.containers import INSTANCE, NAMESPACE


class Networks:
    """The networks of one instance. `routed` False: the engine picks the addresses and
    answers names itself."""

    def __init__(
        self, api: ContainerApi, book: AddressBook, *, instance: str, routed: bool
    ) -> None:
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
        podman = await self._api.is_podman()
        if not self._routed:
            body = {"Name": name, "Driver": "bridge", "Labels": labels, "CheckDuplicate": True}
            await self._api.call("POST", "networks/create", body=body)
            return
        network = await self._book.network(namespace)
        gateway = str(gateway_of(network))
        if podman:
            # Podman's form of Docker's call drops the option that keeps bridges apart.
            body = {
                "name": name,
                "driver": "bridge",
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
