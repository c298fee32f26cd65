"""The doorbell: a push to the repository wakes the look at it."""

from fastapi import APIRouter, Request

from skerry.controllers.standing import Standing
from skerry.controllers.webhook import proof
from skerry.errors import NotFound
from skerry.report.reconciling import WokenView

router = APIRouter(tags=["continuous mode"])


@router.post("/v1/webhook", status_code=202)
async def webhook(request: Request) -> WokenView:
    """Look at the repository now. Needs no token but a signature; what is sent is not read.

    GitHub, Gitea, Forgejo and Bitbucket sign as they do; GitLab sends its token; anything else
    sends `X-Skerry-Timestamp` and `X-Skerry-Signature`.
    """
    standing: Standing = request.app.state.standing
    if standing.continuous is None or standing.secret is None:
        raise NotFound(
            "there is no webhook here",
            subject="webhook",
            hint="set SKERRY_REPOSITORY and SKERRY_WEBHOOK_SECRET, and start the server",
        )
    body = await request.body()
    secret = await standing.secret()
    now = request.app.state.fleet.clock.now()
    standing.seen.accept(proof(dict(request.headers), body, secret=secret, now=now))
    standing.continuous.wake()
    return {"woken": True}
