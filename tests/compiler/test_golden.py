"""Each case is a document; its golden file is all it compiles to. SKERRY_GOLDEN=write makes
them anew, for a look at the diff."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from skerry.model.cell import Cell
from tests.builders import ServiceBuilder, bundles, service

CASES = Path(__file__).parent / "cases"
NAMES = sorted(file.stem for file in CASES.glob("*.yaml") if not file.stem.endswith(".golden"))
CELL = Cell(
    cell="eu-1",
    domain="eu.acme.dev",
    country="DE",
    zones=("eu-central-1a", "eu-central-1b"),
    https=8443,
)
OTHERS = (
    service("redis").having(port=6379, protocol="tcp"),
    service("ledger").team("sales"),
    service("checkout").team("payments"),
)
CONTENTS = {"app.toml": b"[app]\ncolour = 'blue'\n", "logo.bin": b"\xff\x00\xfe"}
FINGERPRINTS = {"store:payments/db-url": "a1", "vault:kv/checkout#key": "b2"}


class _Plain(yaml.SafeDumper):
    """YAML without anchors: shared parts are written out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize("case", NAMES)
def test_a_document_compiles_to_its_golden_objects(case: str) -> None:
    document = yaml.safe_load((CASES / f"{case}.yaml").read_text())
    builder = ServiceBuilder(document, contents=CONTENTS)
    others = [each for each in OTHERS if each.key != builder.key]
    found = bundles(builder, *others, cell=CELL, fingerprints=FINGERPRINTS)[0]
    objects = [*found.objects, *([found.before] if found.before else [])]
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=100)
    golden = CASES / f"{case}.golden.yaml"
    if os.environ.get("SKERRY_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
