"""Tokens and the audit: for admins."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from skerry.api.bodies import TokenBody
from skerry.api.routes.parts import Admin, AdminChanger
from skerry.operations.tokens import issue
from skerry.report.shapes import AuditsView, TokensView, TokenView
from skerry.report.views import audit_view, token_view

router = APIRouter(prefix="/v1", tags=["access"])


@router.get("/tokens")
async def tokens(asker: Admin) -> TokensView:
    """All, without the tokens themselves."""
    return {"tokens": [token_view(each) for each in await asker.fleet.ledger.tokens()]}


@router.post("/tokens", status_code=201)
async def make(asker: AdminChanger, body: TokenBody) -> TokenView:
    """A new token, given this once."""
    clock, expires = asker.fleet.clock, None
    if body.expires_seconds is not None:
        expires = clock.now() + timedelta(seconds=body.expires_seconds)
    secret, token = await issue(
        asker.fleet.ledger,
        clock,
        name=body.name,
        role=body.role,
        namespaces=frozenset(body.namespaces),
        expires=expires,
    )
    return token_view(token, secret=secret)


@router.delete("/tokens/{id}", status_code=204)
async def revoke(asker: AdminChanger, id: Annotated[str, Path(max_length=64)]) -> None:
    """Useless from now on."""
    await asker.fleet.ledger.drop_token(id)


@router.get("/audit")
async def audit(
    asker: Admin,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> AuditsView:
    """Who asked for which change, newest first; `before` a number for older ones."""
    entries = await asker.fleet.ledger.audited(limit=limit, before=before)
    return {"entries": [audit_view(each) for each in entries]}
