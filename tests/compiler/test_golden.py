"""Each case is a service, behind a cell of its own where it says one; its golden file is all
it compiles to. SKERRY_GOLDEN=write makes them anew, for a look at the diff."""

import os
from typing import Any

import pytest
import yaml

from tests.compiler.golden import CASES, NAMES, compile_case


class _Plain(yaml.SafeDumper):
    """YAML without anchors: shared parts are written out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize("case", NAMES)
def test_a_document_compiles_to_its_golden_objects(case: str) -> None:
    found = compile_case(case)
    objects = [*found.objects, *([found.before] if found.before else [])]
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=100)
    golden = CASES / f"{case}.golden.yaml"
    if os.environ.get("SKERRY_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
