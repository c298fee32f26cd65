"""Requests made up from the OpenAPI document: no answer is a fault, or not as documented."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from skerry.model.access import Role
from skerry.operations.tokens import issue
from tests.api.test_access import _app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-tar")
def tar(ctx: object, value: object) -> bytes:
    """Whatever was made up, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


schema = schemathesis.openapi.from_dict(_app().openapi())
schema.app = _app()


@pytest.fixture(scope="module")
def token() -> str:
    fleet = _app().state.fleet
    secret, _ = asyncio.run(issue(fleet.ledger, fleet.clock, name="schemathesis", role=Role.ADMIN))
    return secret


@schema.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_any_request_gets_a_documented_answer(case: schemathesis.Case, token: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
