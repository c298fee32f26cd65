"""A cluster that is too old is told so before anything is written."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.access import ClusterAccess
from skerry.engines.kubernetes.client.client import open_client
from skerry.engines.kubernetes.engine import KubernetesEngine
from skerry.engines.kubernetes.parts import Parts
from skerry.errors import Refused
from tests.engines.kubernetes.bench import Vault
from tests.engines.kubernetes.harness import CELL


async def _answer(request: web.Request) -> web.Response:
    if request.path == "/version":
        return web.json_response({"major": "1", "minor": "29", "gitVersion": "v1.29.3"})
    return web.json_response({"kind": "ConfigMapList", "metadata": {}, "items": []})


async def test_an_old_cluster_is_refused_by_the_first_look_of_a_plan() -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", _answer)
    async with TestServer(app) as server:
        access = ClusterAccess(url=str(server.make_url("")).rstrip("/"))
        client = open_client(access, SystemClock(), cell=CELL.cell)
        engine = KubernetesEngine(
            Parts(cell=CELL, client=client, clock=SystemClock(), secrets=Vault())
        )
        with pytest.raises(Refused, match=r"1\.29\.3 is too old"):
            await engine.index()
        await engine.close()
