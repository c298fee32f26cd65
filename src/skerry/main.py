"""argv -> a front door."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skerry.report.shapes import CheckView


def main() -> int:
    """The program `skerry`: returns its exit code."""
    from skerry.cli.app import Doors, main

    return main(sys.argv[1:], Doors(serve=_serve, schema=_schema, checks=_checks))


def _serve() -> None:
    from skerry.api.serve import serve

    serve()


def _schema() -> Mapping[str, Any]:
    from skerry.spec.schema import json_schema

    return json_schema()


def _checks() -> "Sequence[CheckView]":
    from skerry.wiring.machine import check_machine

    return check_machine()
