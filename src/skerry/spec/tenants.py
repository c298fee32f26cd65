"""The tenants of one document: their shape, their digests, and where each is written."""

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from skerry.errors import Problem
from skerry.model.document import Name
from skerry.model.stack import Tenant, TenantService
from skerry.spec.blocks import StackPositions
from skerry.spec.messages import translate
from skerry.spec.words import show_path

_NAMES: Final = TypeAdapter(dict[Name, Any])
_SHAPE: Final = TypeAdapter(dict[Name, Tenant])
_NOTHING: Final[tuple[Any, ...]] = (None, {})
_BRACED: Final = re.compile(rb"\{[A-Za-z0-9_-]")  # maps have a quote there
_SHAPING: Final = ("scale", "resources")
_EMPTY: Final[Mapping[str, Any]] = {}


class Tenants(NamedTuple):
    """As written, sound in shape. `shaped` has the first tenant of each way to scale and to use
    resources, `braced` those whose own texts hold placeholders, `placed` those with a `cell`
    or a `residency`."""

    written: Mapping[str, Mapping[str, Any]]
    digests: Mapping[str, str]
    shaped: tuple[str, ...]
    braced: tuple[str, ...]
    placed: tuple[str, ...]


NOBODY: Final = Tenants({}, {}, (), (), ())


def read_tenants(written: Any) -> Tenants:
    """All tenants, checked in one go; their models are let go at once. Raises ValidationError."""
    _NAMES.validate_python(written)
    _SHAPE.validate_python({name: each for name, each in written.items() if each not in _NOTHING})
    tenants: dict[str, Mapping[str, Any]] = {name: each or _EMPTY for name, each in written.items()}
    shapes: dict[bytes, str] = {}
    braced, placed, digests = [], [], {}
    empty = _digest(b"{}")
    for name, each in tenants.items():
        if not each:
            digests[name] = empty
            continue
        dumped = orjson.dumps(each, option=orjson.OPT_SORT_KEYS)
        digests[name] = _digest(dumped)
        if _BRACED.search(dumped):
            braced.append(name)
        if "cell" in each or "residency" in each:
            placed.append(name)
        if "scale" in each or "resources" in each:
            shape = orjson.dumps([each.get(part) for part in _SHAPING])
            shapes.setdefault(shape, name)
    return Tenants(tenants, digests, tuple(shapes.values()), tuple(braced), tuple(placed))


class TenantPlaces:
    """Where the tenants of one document are written."""

    def __init__(self, stack: str, file: str, text: str, *, first_line: int) -> None:
        self._stack = stack
        self._file = file
        self._text: Final = text
        self._first = first_line
        self._found: StackPositions | None = None

    def line(self, tenant: str) -> int:
        """The line of the file a tenant's entry starts at."""
        return self._positions.line(("tenants", tenant))

    def explain(
        self, tenant: str, document: Mapping[str, Any], error: ValidationError
    ) -> tuple[Problem, ...]:
        """What is wrong with the document made for a tenant, at its line."""
        return tuple(self._told(tenant, document, error))

    @property
    def _positions(self) -> StackPositions:
        if self._found is None:
            self._found = StackPositions(self._text, first_line=self._first)
        return self._found

    def _told(
        self, tenant: str, document: Mapping[str, Any], error: ValidationError
    ) -> Iterator[Problem]:
        for complaint in translate(error, document, TenantService):
            yield Problem(
                file=self._file,
                line=self._positions.line(("tenants", tenant, *complaint.path)),
                path=show_path(self._stack, (tenant, *complaint.path)),
                message=complaint.message,
                hint=complaint.hint,
            )


def _digest(dumped: bytes) -> str:
    return blake2b(dumped, digest_size=12).hexdigest()
