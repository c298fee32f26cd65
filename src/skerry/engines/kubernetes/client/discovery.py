"""Kinds the table does not have: asked of the server once, and remembered."""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Final, Protocol

from skerry.engines.kubernetes.client.resources import RESOURCES, Resource, discovered, known
from skerry.errors import NotFound

_SUBJECTS: Final = {row.plural: row.kind for row in RESOURCES.values()}


class Get(Protocol):
    """How discovery asks."""

    def __call__(self, path: str) -> Awaitable[dict[str, Any]]:
        """The JSON at a path."""


class Discovery:
    """Where each kind lives in one cluster. What was not there is asked for again next time: a
    definition may have come meanwhile."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._seen: dict[tuple[str, str | None], Resource] = {}
        self._subjects = dict(_SUBJECTS)

    async def resource_of(self, kind: str, api_version: str | None = None) -> Resource:
        """Raises NotFound for a kind, or a version of it, that this cluster does not know."""
        resource = known(kind, api_version) or self._seen.get((kind, api_version))
        if resource:
            return resource
        self._remember(await self._ask(api_version))
        resource = self._seen.get((kind, api_version))
        if resource is None:
            raise NotFound(
                "this cluster does not know such objects",
                subject=f"{kind} {api_version or ''}".strip(),
                hint="kubectl api-resources",
            )
        return resource

    def seen(self, kind: str) -> Resource:
        """The table's or one asked for before. Raises NotFound."""
        resource = known(kind) or self._seen.get((kind, None))
        if resource is None:
            raise NotFound("was never asked for with resource_of", subject=kind)
        return resource

    def subject_of(self, path: str) -> str:
        """`Kind/namespace/name` of an object's path; the path itself where it is no object's."""
        parts = path.split("/")
        core = path.startswith("/api/")
        rest = parts[3:] if core else parts[4:]
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        kind = self._subjects.get(rest[0]) if rest else None
        if kind is None:
            return path
        return "/".join((kind, namespace, rest[1] if len(rest) > 1 else "")).rstrip("/")

    async def _ask(self, api_version: str | None) -> Iterable[Resource]:
        if api_version is None:
            return [
                resource
                for root in ("/api", "/apis")
                for group in (await self._get(root)).get("groups") or ()
                for version in _versions(root, group)
                for resource in discovered(await self._get(version))
            ]
        try:
            root = "apis" if "/" in api_version else "api"
            return discovered(await self._get(f"/{root}/{api_version}"))
        except NotFound:
            return ()

    def _remember(self, resources: Iterable[Resource]) -> None:
        for resource in resources:
            self._seen.setdefault((resource.kind, None), resource)
            self._seen[resource.kind, resource.api_version] = resource
            self._subjects.setdefault(resource.plural, resource.kind)


def _versions(root: str, group: Mapping[str, Any]) -> list[str]:
    """A group's paths, the version the server prefers first."""
    preferred = group.get("preferredVersion", {}).get("groupVersion")
    names = [version["groupVersion"] for version in group.get("versions") or ()]
    return [f"{root}/{name}" for name in sorted(names, key=lambda name: name != preferred)]
