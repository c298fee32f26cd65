"""A service that a cell has otherwise than the rest."""

import pytest

from skerry.compiler.compile import compile_repository
from skerry.errors import InvalidDocuments
from skerry.model.cell import Cell, EngineKind
from skerry.model.objects import Bundle, Manifest
from skerry.model.repository import Repository
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import load

CELLS = """\
cell: eu-1
engine: kubernetes
country: DE
---
cell: us-1
engine: kubernetes
country: US
"""
WEB = """\
service: web
image: web:1
env: {A: all, B: all}
scale: {min: 2, max: 10}
cells:
  eu-1: {scale: {min: 4}, env: {B: eu}, resources: {memory: 1Gi}, drain: 1m}
  us-1:
"""


def read(text: str) -> Repository:
    """A service and the two cells."""
    texts = (SourceText(path="cells.yaml", text=CELLS), SourceText(path="web.yaml", text=text))
    return load(Sources(name="shop", texts=texts))


def bundle(text: str, cell: str) -> Bundle:
    """What it becomes in a cell."""
    repository = read(text)
    here = next(each for each in repository.cells if each.cell == cell)
    (made,) = compile_repository(repository, here, contents={}, fingerprints={})
    return made


def of_kind(made: Bundle, kind: str) -> Manifest:
    """The first object of a kind."""
    return next(each for each in made.objects if each["kind"] == kind)


def test_a_cell_has_what_its_override_says_and_the_rest_as_everywhere() -> None:
    scaler = of_kind(bundle(WEB, "eu-1"), "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (4, 10)
    container = of_kind(bundle(WEB, "eu-1"), "Deployment")["spec"]["template"]["spec"]
    env = {each["name"]: each["value"] for each in container["containers"][0]["env"]}
    assert (env["A"], env["B"]) == ("all", "eu")
    assert container["containers"][0]["resources"]["limits"] == {"cpu": "250m", "memory": "1Gi"}
    other = of_kind(bundle(WEB, "us-1"), "HorizontalPodAutoscaler")["spec"]
    assert other["minReplicas"] == 2


def test_one_cells_override_changes_that_cell_alone() -> None:
    changed = WEB.replace("{min: 4}", "{min: 5}")
    assert bundle(changed, "eu-1").inputs != bundle(WEB, "eu-1").inputs
    assert bundle(changed, "us-1").inputs == bundle(WEB, "us-1").inputs


def test_a_cell_more_changes_nothing_in_the_others() -> None:
    fewer = WEB.replace("  us-1:\n", "")
    assert bundle(fewer, "eu-1").inputs == bundle(WEB, "eu-1").inputs


def test_it_runs_in_the_cells_named_and_nowhere_else() -> None:
    other = Cell(cell="sea-1", engine=EngineKind.KUBERNETES)
    assert not compile_repository(read(WEB), other, contents={}, fingerprints={})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{min: 4}", "{min: 11}", "web.yaml:6: web/cells/eu-1/scale: max should be at least min"),
        ("drain: 1m", "team: x", "web.yaml:6: web/cells/eu-1/team: team is the same in every cell"),
        (
            "drain: 1m",
            "drian: 1m",
            "web/cells/eu-1/drian: unknown key `drian`: did you mean `drain`",
        ),
        ("memory: 1Gi", "memory: 1", "web/cells/eu-1/resources/memory: should be an amount of mem"),
        ("  us-1:", "  us-2:", "web.yaml:7: web/cells/us-2: unknown cell `us-2`: did you mean"),
        (
            "cells:",
            "residency: [DE]\ncells:",
            "web.yaml:8: web/cells/us-1: us-1 is in US, and residency allows DE only",
        ),
    ],
)
def test_an_override_that_cannot_be_is_refused_where_it_is(old: str, new: str, said: str) -> None:
    with pytest.raises(InvalidDocuments) as caught:
        read(WEB.replace(old, new))
    assert said in str(caught.value)
