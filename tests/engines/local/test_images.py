"""Building, fetching, and what is said of it."""

import io
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web as http

from skerry.engines.local.api import ContainerApi
from skerry.engines.local.images import Images
from skerry.errors import DeployFailed
from tests.engines.local.harness import Bench


async def context(containerfile: str) -> AsyncIterator[bytes]:
    """A build context with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("Containerfile")
        entry.size = len(containerfile)
        tar.addfile(entry, io.BytesIO(containerfile.encode()))
    yield packed.getvalue()


@pytest.mark.engine
class TestBuilding:
    async def test_a_build_speaks_and_names_its_image(self, bench: Bench) -> None:
        image = f"localhost/skerry/built:{bench.instance}"
        said = [
            line.text
            async for line in bench.engine.images.build(
                context(f"FROM {bench.image}\nRUN echo now building\n"),
                image=image,
                containerfile="Containerfile",
            )
        ]
        assert any("now building" in line for line in said)
        assert await bench.engine.images.has(image)
        await bench.host.api.call("DELETE", f"images/{image.replace('/', '%2F')}")
        assert not await bench.engine.images.has(image)

    async def test_a_build_that_fails_gives_its_last_lines(self, bench: Bench) -> None:
        with pytest.raises(DeployFailed) as failed:
            async for _ in bench.engine.images.build(
                context(f"FROM {bench.image}\nRUN echo no compiler; exit 3\n"),
                image=f"localhost/skerry/built:{bench.instance}",
                containerfile="Containerfile",
            ):
                pass
        assert any("no compiler" in line for line in failed.value.last_lines)


class Registry:
    """A container engine that fetches from a registry, as far as anybody can see."""

    def __init__(self, *messages: str) -> None:
        self.messages = messages
        self.asked: list[dict[str, str]] = []

    async def pull(self, request: http.Request) -> http.StreamResponse:
        self.asked.append({**request.query, **request.headers})
        answer = http.StreamResponse()
        await answer.prepare(request)
        for message in self.messages:
            await answer.write(message.encode())
        return answer


Serve = Callable[[Registry], Awaitable[Images]]


@pytest.fixture
async def serving() -> AsyncIterator[Serve]:
    """Serves a Registry and gives the API client for it."""
    opened: list[tuple[http.AppRunner, ContainerApi]] = []

    async def serve(registry: Registry) -> Images:
        app = http.Application()
        app.router.add_post("/v1.41/images/create", registry.pull)
        runner = http.AppRunner(app)
        await runner.setup()
        site = http.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        api = ContainerApi(f"tcp://127.0.0.1:{port}")
        opened.append((runner, api))
        return Images(api)

    yield serve
    for runner, api in opened:
        await api.close()
        await runner.cleanup()


class TestFetching:
    async def test_how_far_it_is_is_said(self, serving: Serve) -> None:
        registry = Registry(
            '{"status":"Pulling from acme/web"}\r\n',
            '{"status":"Downloading","id":"a","progressDetail":{"current":1048576,'
            '"total":4194304}}{"status":"Downloading","id":"b","progressDetail":'
            '{"current":2097152,"total":2097152}}\r\n',
        )
        images = await serving(registry)
        said: list[str] = []
        await images.pull(
            "ghcr.io/acme/web:1", said=lambda: said.append(images.progress("ghcr.io/acme/web:1"))
        )
        assert said[-1] == "fetching ghcr.io/acme/web:1: 3 of 6 MiB"
        assert registry.asked[0]["fromImage"] == "ghcr.io/acme/web"
        assert registry.asked[0]["tag"] == "1"

    async def test_a_refusal_is_a_sentence(self, serving: Serve) -> None:
        registry = Registry('{"error":"denied: requested access is denied"}\r\n')
        images = await serving(registry)
        with pytest.raises(DeployFailed, match="cannot be fetched: denied"):
            await images.pull("ghcr.io/acme/web:1", said=lambda: None)

    async def test_an_image_of_this_machine_is_not_looked_for_elsewhere(
        self, serving: Serve
    ) -> None:
        registry = Registry()
        images = await serving(registry)
        with pytest.raises(DeployFailed, match="build it first"):
            await images.pull("localhost/skerry/web:1", said=lambda: None)
        assert not registry.asked
