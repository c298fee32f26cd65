"""The engines the suite runs against. To register one: a factory and a param below."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.world import MemoryWorld, World

Factory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[World]]


@asynccontextmanager
async def memory(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Always there."""
    yield MemoryWorld()


def local(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[World]:
    """`local_world(request)` of the local engine's harness: an async context manager that
    gives a World and leaves nothing behind. It asks for `needs` itself."""
    return import_module("tests.engines.local.harness").local_world(request)


def kubernetes(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[World]:
    """`kubernetes_world(request)` of the Kubernetes engine's harness: a cell on the session's
    cluster, emptied before and after each test."""
    return import_module("tests.engines.kubernetes.harness").kubernetes_world(request)


FACTORIES = [pytest.param(memory, id="memory")]
if (Path(__file__).parents[1] / "engines" / "local" / "harness.py").exists():
    FACTORIES.append(pytest.param(local, id="local", marks=pytest.mark.engine))
FACTORIES.append(pytest.param(kubernetes, id="kubernetes", marks=pytest.mark.cluster))


@pytest.fixture(params=FACTORIES)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An empty cell on each engine in turn."""
    factory: Factory = request.param
    async with factory(request) as made:
        yield made
