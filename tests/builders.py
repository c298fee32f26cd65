"""Desired state and worlds, said fluently: `service("web").image("x:1").replicas(2)`.

Builders are values: each step gives a new one, so that a test may keep a variant.
`declared()` is what spec would have made of the document, `bundles(...)` what the
compiler makes of several.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from skerry.compiler.compile import compile_repository
from skerry.model.cell import LOCAL, Cell
from skerry.model.keys import ServiceKey
from skerry.model.objects import Bundle, digest_of
from skerry.model.repository import DeclaredService, Repository
from skerry.model.service import Service

REPOSITORY = "shop"


@dataclass(frozen=True)
class ServiceBuilder:
    """A service document in the making."""

    document: Mapping[str, Any]
    file: str = "services.yaml"
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def having(self, **fields: Any) -> Self:
        """Any fields, as they would be written in YAML."""
        return replace(self, document={**self.document, **fields})

    def image(self, image: str) -> Self:
        """The image it runs."""
        return self.having(image=image)

    def team(self, team: str) -> Self:
        """Who owns it, and so its namespace."""
        return self.having(team=team)

    def replicas(self, count: int, most: int | None = None) -> Self:
        """How many; with `most`, up to that under load."""
        return self.having(scale={"min": count} | ({} if most is None else {"max": most}))

    def env(self, **variables: str) -> Self:
        """Its environment."""
        return self.having(env=variables)

    def secret(self, variable: str, reference: str) -> Self:
        """One more secret."""
        return self.having(secrets={**self.document.get("secrets", {}), variable: reference})

    def file_at(self, path: str, content: bytes | str) -> Self:
        """A file in the container, with this content."""
        source = f"{self.document['service']}-{path.strip('/').replace('/', '-')}"
        data = content.encode() if isinstance(content, str) else content
        files = {**self.document.get("files", {}), path: f"./{source}"}
        return replace(self.having(files=files), contents={**self.contents, source: data})

    def volume(self, name: str, path: str) -> Self:
        """A volume at this path."""
        return self.having(volumes={**self.document.get("volumes", {}), name: path})

    def depends(self, *targets: str) -> Self:
        """What is started before it."""
        return self.having(depends=targets)

    def worker(self) -> Self:
        """Listens nowhere."""
        return self.having(port="none")

    @property
    def key(self) -> ServiceKey:
        """Its identity."""
        return ServiceKey(self.document.get("team", "default"), self.document["service"])

    def build(self) -> Service:
        """The model, validated."""
        return Service.model_validate(dict(self.document))

    def declared(self) -> DeclaredService:
        """The model as spec hands it on."""
        contents = sorted((path, data.hex()) for path, data in self.contents.items())
        digest = digest_of([dict(self.document), contents])
        return DeclaredService(service=self.build(), file=self.file, folder="", digest=digest)


def service(name: str) -> ServiceBuilder:
    """The two-line service: a name and an image."""
    return ServiceBuilder({"service": name, "image": f"registry.test/{name}:1.0.0"})


def repository(*services: ServiceBuilder, name: str = REPOSITORY) -> Repository:
    """The desired state made of these."""
    return Repository(name=name, services=tuple(each.declared() for each in services))


def bundles(
    *services: ServiceBuilder,
    cell: Cell = LOCAL,
    fingerprints: Mapping[str, str] | None = None,
    skip: Mapping[ServiceKey, str] | None = None,
    name: str = REPOSITORY,
) -> tuple[Bundle, ...]:
    """What the compiler makes of these services."""
    contents = {path: data for each in services for path, data in each.contents.items()}
    return compile_repository(
        repository(*services, name=name),
        cell,
        contents=contents,
        fingerprints=fingerprints or {},
        skip=skip or {},
    )


def bundle(builder: ServiceBuilder, *others: ServiceBuilder, **around: Any) -> Bundle:
    """The bundle of the first of these services."""
    return bundles(builder, *others, **around)[0]
