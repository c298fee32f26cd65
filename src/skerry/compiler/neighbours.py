"""The services of a repository that one cell runs, as those that depend on them see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from skerry.compiler.subject import Dependency
from skerry.errors import InvalidDocuments, Problem
from skerry.model.dependencies import Directory, resolve
from skerry.model.keys import ServiceKey
from skerry.model.repository import DeclaredService
from skerry.model.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """`directory` knows every service of the repository, for a name means the same in every
    cell; `services` are those the cell runs. `aliases` says which service brings the plain
    name of a foreign target into a namespace, where several need it: exactly one object, so
    exactly one owner."""

    directory: Directory
    services: Mapping[ServiceKey, Service]
    aliases: Mapping[tuple[str, ServiceKey], ServiceKey]

    @classmethod
    def of(cls, services: Iterable[Service], *, directory: Directory) -> Self:
        """`services` are those the cell runs."""
        by_key = {service.key: service for service in services}
        aliases: dict[tuple[str, ServiceKey], ServiceKey] = {}
        for service in by_key.values():
            for target in resolve(service, directory=directory) if service.depends else ():
                if target.namespace != service.namespace:
                    spot = (service.namespace, target)
                    aliases[spot] = min(service.key, aliases.get(spot, service.key))
        return cls(directory=directory, services=by_key, aliases=aliases)

    def resolve(self, declared: DeclaredService) -> tuple[Dependency, ...]:
        """What the service depends on. Raises InvalidDocuments."""
        if not declared.service.depends:
            return ()
        found: dict[ServiceKey, Dependency] = {}
        problems: list[Problem] = []
        for written in declared.service.depends:
            answer = self._find(declared, written)
            if isinstance(answer, Problem):
                problems.append(answer)
            else:
                found[answer.key] = answer
        if problems:
            raise InvalidDocuments(problems)
        return tuple(found[key] for key in sorted(found))

    def _alias_owner(self, client: Service, target: ServiceKey) -> ServiceKey:
        """Alone in its namespace, as a tenant is, a service brings every name itself."""
        return self.aliases.get((client.namespace, target), client.key)

    def _find(self, declared: DeclaredService, written: str) -> Dependency | Problem:
        client = declared.service
        candidates = self.directory.candidates(written, namespace=client.namespace)
        target = candidates[0] if len(candidates) == 1 else None
        if target is None or target not in self.services:
            return _problem(declared, f"{written} does not run in this cell")
        if target == client.key:
            return _problem(declared, "a service cannot depend on itself")
        foreign = target.namespace != client.namespace
        namesake = ServiceKey(client.namespace, target.name)
        if foreign and (namesake == client.key or namesake in self.services):
            said = f"{written} would hide {client.namespace}'s own {target.name}"
            return _problem(declared, said, "rename one of the two")
        return Dependency(
            key=target,
            port=self.services[target].listens,
            foreign=foreign,
            alias=foreign and self._alias_owner(client, target) == client.key,
        )


def _problem(declared: DeclaredService, message: str, hint: str = "") -> Problem:
    path = f"{declared.service.service}/depends"
    return Problem(file=declared.file, line=declared.line, path=path, message=message, hint=hint)
