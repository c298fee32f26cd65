"""The JSON Schema editors use says what the loader says."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from ryaml import loads

from skerry.errors import InvalidDocuments
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import load
from skerry.spec.schema import json_schema

VALIDATOR = jsonschema_rs.Draft202012Validator(json_schema())
CASES = Path(__file__).parent / "cases"
VALID = [
    "service: web\nimage: web:1",
    "service: web\nbuild: ./web\nport: none\nroute: none",
    "service: web\nimage: w\nenv: {PORT: 80, NAME: x}\ntags: {cost: 4711}\ncommand: [sleep, 5]",
    "service: web\nimage: w\nresources: {cpu: 0.5, memory: 1Gi}\nscale: {min: 2, max: 4, cpu: 6%}",
    "service: web\nimage: web:1\nresources: {cpu: 250m}\nhealth: {path: /ok, interval: 1m30s}",
    "service: web\nimage: web:1\nslo: {availability: 99.9%, latency: {p99: 300ms}}\ndrain: 0s",
    "service: web\nimage: w\nsecrets: {A: 'vault:kv/x#url'}\nvolumes: {data: /data}\nprotocol: tcp",
    "service: web\nimage: web:1\nresidency: [DE]\naccess: {role: web}\nbefore: [a]\ndeadline: 5m",
    "stack: eu\ntemplate: {image: 'a:{version}'}\nvalues: {version: 5}\ntenants: {acme: null}",
    "stack: eu\ntemplate: {image: a}\nallow: [10.1.0.0/16:5432]\ngrace: 30d\n"
    "tenants: {acme: {scale: {min: 2}, env: {A: 1}, removed: '2026-11-21T10:00:00Z'}}",
    "cell: e\nengine: kubernetes\nroutes: ingress\ningress: {class: nginx}\nleave: 20s",
    "cell: e\nengine: kubernetes\nidentity: irsa\nrole_arn: 'arn:aws:iam::1:role/{role}'",
    "service: w\nimage: w\npatch: {Service/w: {spec: {type: NodePort}}}",
    "service: w\nimage: w\nextra: [{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}]",
    "cell: eu\nengine: local\ndomain: eu.acme.dev\ncountry: DE\nzones: [a]\nhttp: 8080",
]
SETTINGS = [
    "version: 1",
    "version: 1\nname: shop\nteams: [a]\nrequired_tags: [x]\ndefaults: {drain: 5s, env: {A: x}}",
]
# What one document alone, in shape alone, can be found guilty of.
SHAPE = {"ports", "names", "choices and shapes", "route and paths", "no kind", "two kinds"} | {
    "an unknown key with a near one",
    "an unknown key with nothing near",
    "a key of its parent, forgotten to indent",
    "environment that YAML may have changed",
    "a secret where its reference belongs",
    "a kind with a typo",
    "cells",
    "a list",
    "a scalar",
    "a version of the future",
    "faulty defaults are told once",
}


def _loads(text: str, *, file: str = "shop.yaml") -> bool:
    try:
        load(Sources(name="shop", texts=(SourceText(path=file, text=text),)))
    except InvalidDocuments:
        return False
    return True


@pytest.mark.parametrize("text", VALID)
def test_what_the_loader_takes_the_schema_takes(text: str) -> None:
    assert _loads(text)
    assert VALIDATOR.is_valid(loads(text))


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_the_loader_takes_the_schema_takes(text: str) -> None:
    assert _loads(text, file="skerry.yaml")
    assert VALIDATOR.is_valid(loads(text))


def _faulty_shapes() -> list[Any]:
    cases = [
        pair for file in CASES.glob("*.yaml") for pair in yaml.safe_load(file.read_text()).items()
    ]
    return [pytest.param(case, id=name) for name, case in cases if name in SHAPE]


@pytest.mark.parametrize("case", _faulty_shapes())
def test_what_has_the_wrong_shape_the_schema_refuses(case: dict[str, Any]) -> None:
    documents = [loads(each) for text in case["files"].values() for each in text.split("---\n")]
    assert not all(VALIDATOR.is_valid(each) for each in documents)


def test_every_shape_that_is_tested_exists() -> None:
    assert len(_faulty_shapes()) == len(SHAPE)


def _defaults(node: Any, place: str = "") -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = []
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "default" and not place.endswith("/properties"):
            found.append((place, node, value))
        found += _defaults(value, f"{place}/{key}")
    return found


def test_every_default_is_shown_as_it_would_be_written() -> None:
    schema = json_schema()
    defaults = _defaults(schema)
    assert len(defaults) > 20
    for place, node, value in defaults:
        validator = jsonschema_rs.Draft202012Validator({**node, "$defs": schema["$defs"]})
        assert validator.is_valid(value), place


def test_every_field_says_what_it_is_for() -> None:
    definitions = json_schema()["$defs"]
    silent = [
        f"{name}/{field}"
        for name, definition in definitions.items()
        for field, node in definition.get("properties", {}).items()
        if not node.get("description")
    ]
    assert silent == []
