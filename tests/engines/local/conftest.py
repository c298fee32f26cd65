"""A bench on the machine's container engine."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Needs
from tests.engines.local.harness import Bench, open_bench


@pytest.fixture
async def bench(
    docker_url: str, instance: str, test_image: str, needs: Needs
) -> AsyncIterator[Bench]:
    """A started local engine, empty; nothing of it is left in the end."""
    needs.root()
    async with open_bench(docker_url, instance) as made:
        made.image = test_image
        yield made
