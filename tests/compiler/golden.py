"""The golden cases: what they are compiled beside, and the compiling."""

from pathlib import Path

import yaml

from skerry.model.cell import Cell
from skerry.model.objects import Bundle
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


def compile_case(case: str) -> Bundle:
    """What the case's service compiles to, in the case's cell."""
    *cells, document = yaml.safe_load_all((CASES / f"{case}.yaml").read_text())
    cell = Cell.model_validate(cells[0]) if cells else CELL
    builder = ServiceBuilder(document, contents=CONTENTS)
    others = [each for each in OTHERS if each.key != builder.key]
    return bundles(builder, *others, cell=cell, fingerprints=FINGERPRINTS)[0]
