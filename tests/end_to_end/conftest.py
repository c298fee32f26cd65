"""A whole Skerry per test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.platform import Platform, platform


@pytest.fixture
def skerry(tmp_path: Path, docker_url: str, needs: object) -> Iterator[Platform]:
    """A Skerry of this test's own; everything it made is gone afterwards."""
    needs.root()
    with platform(tmp_path, docker_url) as made:
        yield made
