"""Paths of the API about roll-outs of stacks -> operations, in this process."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from skerry.model.sources import Sources, SourceText

if TYPE_CHECKING:
    from skerry.cli.direct_routes import Asked

Route = Callable[["Asked"], Awaitable[Any]]


def sources_of(body: Mapping[str, Any]) -> Sources:
    """The documents of a request."""
    sources = body["sources"]
    return Sources(
        name=sources["name"],
        texts=tuple(SourceText(**each) for each in sources["texts"]),
        contents={path: base64.b64decode(data) for path, data in sources["contents"].items()},
        builds=sources["builds"],
    )


async def _rollouts(asked: "Asked") -> Any:
    from skerry.operations import stack_answers, stacks

    found = await stacks.stands(
        asked.fleet, stack=asked.one("stack"), by=asked.by, cells=asked.cells
    )
    return stack_answers.rollouts_view(found)


async def _roll_out(asked: "Asked") -> Any:
    from skerry.operations import answers, stacks
    from skerry.operations.versions import RolloutRequest

    body = asked.body
    request = RolloutRequest(
        sources=sources_of(body),
        by=asked.by,
        stack=body["stack"],
        version=body["version"],
        steps=body["waves"],
        first=tuple(body["first"]),
        bake_seconds=body["bake_seconds"],
        max_failures=body["max_failures"],
    )
    return answers.started_view(await stacks.roll_out(asked.fleet, request, cells=body["cells"]))


async def _resume(asked: "Asked") -> Any:
    from skerry.operations import answers, stacks

    begun = await stacks.go_on(
        asked.fleet,
        asked.parts[0],
        sources=sources_of(asked.body),
        by=asked.by,
        cells=asked.body["cells"],
    )
    return answers.started_view(begun)


async def _abort(asked: "Asked") -> Any:
    from skerry.operations import answers, stacks

    undo = asked.body["undo"]
    begun = await stacks.abort(
        asked.fleet, asked.parts[0], undo=undo, by=asked.by, cells=asked.cells
    )
    return answers.started_view(begun)


async def _roll_back(asked: "Asked") -> Any:
    from skerry.operations import answers, stacks

    steps = asked.body["waves"]
    begun = await stacks.roll_back(
        asked.fleet, asked.parts[0], steps=steps, by=asked.by, cells=asked.cells
    )
    return answers.started_view(begun)


STACK_ROUTES: Final[tuple[tuple[str, str, Route], ...]] = (
    ("GET", r"/v1/rollouts", _rollouts),
    ("POST", r"/v1/rollouts", _roll_out),
    ("POST", r"/v1/rollouts/([^/]+)/resume", _resume),
    ("POST", r"/v1/rollouts/([^/]+)/abort", _abort),
    ("POST", r"/v1/rollouts/([^/]+)/rollback", _roll_back),
)
