"""The ledger of a command: what operations need, as long as the process lasts."""

from dataclasses import replace

import pytest

from skerry.errors import Conflict, NotFound, Refused
from skerry.integrations.ledger.passing import PassingLedger
from skerry.model.access import Identity, Role, Token
from skerry.model.keys import ServiceKey
from skerry.model.progress import Operation, OperationState, Progress, Stage
from tests.fakes.clock import FakeClock

WEB = ServiceKey("default", "web")
NOW = FakeClock().now()
APPLY = Operation(id="a", kind="apply", by="ana", at=NOW, subject="x", request={"steps": []})


async def test_operations_are_listed_newest_first_and_without_their_requests() -> None:
    ledger = PassingLedger()
    await ledger.open_operation(APPLY)
    await ledger.open_operation(replace(APPLY, id="b"))
    with pytest.raises(Conflict, match="already known"):
        await ledger.open_operation(APPLY)
    await ledger.end_operation(replace(APPLY, state=OperationState.DONE))
    assert [each.id for each in await ledger.operations()] == ["b", "a"]
    assert [each.id for each in await ledger.operations(running=True)] == ["b"]
    assert (await ledger.operation("a", whole=False)).request == {}
    assert (await ledger.operation("a")).request == {"steps": []}
    with pytest.raises(NotFound):
        await ledger.operation("c")


async def test_what_is_said_is_numbered() -> None:
    ledger = PassingLedger()
    await ledger.open_operation(APPLY)
    for message in ("one", "two"):
        await ledger.say("a", Progress(at=NOW, stage=Stage.WAITING, message=message))
    assert [(each.number, each.message) for each in await ledger.said("a", after=1)] == [(2, "two")]


async def test_a_service_has_one_writer_in_each_cell() -> None:
    ledger = PassingLedger()
    async with ledger.writing(WEB, cell="eu-1", operation="a"):
        with pytest.raises(Conflict, match="operation a"):
            async with ledger.writing(WEB, cell="eu-1"):
                pass
        async with ledger.writing(WEB, cell="us-1"):
            pass
    async with ledger.writing(WEB, cell="eu-1"):
        pass


async def test_nobody_has_a_token() -> None:
    ledger = PassingLedger()
    who = Identity(name="ci", role=Role.ADMIN)
    with pytest.raises(Refused, match="a server's"):
        await ledger.put_token(Token(id="t", digest="d", identity=who, created=NOW))
    assert await ledger.tokens() == ()
    assert await ledger.token("d") is None
