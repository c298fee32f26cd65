"""Every way of saying who one is, in real kubeconfig files, to a real API server."""

import base64
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from skerry.clock import SystemClock
from skerry.engines.kubernetes.client.client import Client, open_client
from skerry.engines.kubernetes.client.credentials import find_access
from skerry.errors import EngineUnavailable, Forbidden, NotFound, Refused, Unauthenticated
from tests.cluster.cluster import TestCluster
from tests.cluster.kubeconfigs import kubeconfig, write
from tests.engines.kubernetes.client.connect_proxy import connect_proxy

pytestmark = pytest.mark.cluster

Given = Mapping[str, Any]
WHO = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


class Desk:
    """Writes kubeconfig files of one user of the cluster, and asks the cluster who that is."""

    def __init__(self, cluster: TestCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.authority = cluster.plane.authority
        self.place: dict[str, Any] = {
            "server": cluster.url,
            "certificate-authority": str(self.authority.file),
        }

    def file(self, user: Given, *, place: Given | None = None, name: str = "test") -> Path:
        return write(self.folder / name, kubeconfig(place or self.place, user, name=name))

    @asynccontextmanager
    async def client(self, user: Given, *, place: Given | None = None) -> AsyncIterator[Client]:
        access = find_access(None, str(self.file(user, place=place)), {})
        client = open_client(access, SystemClock(), cell="test")
        try:
            yield client
        finally:
            await client.close()

    async def who(self, user: Given, *, place: Given | None = None) -> str:
        async with self.client(user, place=place) as client:
            return await whoami(client)

    def program(self, body: str, *, version: str = "v1", **more: Any) -> dict[str, Any]:
        """A user whose credentials come from a Python program."""
        script = self.folder / "login.py"
        script.write_text(f"import json, os, sys\n{body}\n")
        api = f"client.authentication.k8s.io/{version}"
        given = {"apiVersion": api, "command": sys.executable, "args": [str(script)]}
        return {"exec": {**given, "interactiveMode": "Never", **more}}


@pytest.fixture
def desk(cluster: TestCluster, tmp_path: Path, needs: Callable[[object, str], None]) -> Desk:
    needs(cluster.ours, "the cluster is somebody's: its credentials cannot be chosen")
    return Desk(cluster, tmp_path)


async def whoami(client: Client) -> str:
    answer = await client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", WHO)
    return str(answer["status"]["userInfo"]["username"])


def says(token: str, *, version: str = "v1", ends: str = "") -> str:
    """A line of Python that prints an ExecCredential."""
    status = {"token": token, **({"expirationTimestamp": ends} if ends else {})}
    api = f"client.authentication.k8s.io/{version}"
    said = {"apiVersion": api, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(json.dumps(said))})"


def encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


async def test_a_token(desk: Desk) -> None:
    assert await desk.who({"token": desk.cluster.token}) == "admin"


async def test_a_certificate_in_files_beside_the_kubeconfig(desk: Desk) -> None:
    certificate, key = desk.authority.client("ann", ("system:masters",))
    for source, name in ((certificate, "ann.crt"), (key, "ann.key")):
        (desk.folder / name).write_bytes(source.read_bytes())
    assert await desk.who({"client-certificate": "ann.crt", "client-key": "ann.key"}) == "ann"


async def test_a_certificate_in_the_kubeconfig(desk: Desk) -> None:
    certificate, key = desk.authority.client("bob")
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    assert await desk.who(user) == "bob"


async def test_an_authority_in_the_kubeconfig(desk: Desk) -> None:
    place = {
        "server": desk.cluster.url,
        "certificate-authority-data": encoded(desk.authority.file),
    }
    assert await desk.who({"token": desk.cluster.token}, place=place) == "admin"


async def test_a_token_file_is_read_again_when_its_token_is_refused(desk: Desk) -> None:
    (desk.folder / "token").write_text("old\n")
    async with desk.client({"tokenFile": "token"}) as client:
        with pytest.raises(Unauthenticated) as caught:
            await whoami(client)
        assert "does not accept our credentials" in caught.value.cause
        assert caught.value.hint == f"ls -l {desk.folder / 'token'}"
        (desk.folder / "token").write_text(f"{desk.cluster.token}\n")
        assert await whoami(client) == "admin"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_program_is_asked_once(desk: Desk, version: str) -> None:
    runs = desk.folder / "runs"
    count = f"open({str(runs)!r}, 'a').write('x')\n"
    body = count + says(desk.cluster.token, version=version)
    async with desk.client(desk.program(body, version=version)) as client:
        assert [await whoami(client) for _ in range(3)] == ["admin"] * 3
    assert runs.read_text() == "x"


async def test_a_program_whose_token_is_over_is_asked_again(desk: Desk) -> None:
    runs = desk.folder / "runs"
    count = f"open({str(runs)!r}, 'a').write('x')\n"
    body = count + says(desk.cluster.token, ends="2020-01-01T00:00:00Z")
    async with desk.client(desk.program(body)) as client:
        assert [await whoami(client) for _ in range(2)] == ["admin"] * 2
    assert runs.read_text() == "xx"


async def test_a_program_whose_token_is_refused_is_asked_once_more(desk: Desk) -> None:
    flag = desk.folder / "ran"
    body = (
        f"first = not os.path.exists({str(flag)!r}); open({str(flag)!r}, 'w').close()\n"
        f"if first:\n    {says('stale')}\nelse:\n    {says(desk.cluster.token)}"
    )
    async with desk.client(desk.program(body)) as client:
        assert await whoami(client) == "admin"


async def test_a_program_may_give_a_certificate(desk: Desk) -> None:
    certificate, key = desk.authority.client("carol")
    body = (
        "status = {'clientCertificateData': open(sys.argv[1]).read(),"
        " 'clientKeyData': open(sys.argv[2]).read()}\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1',"
        " 'kind': 'ExecCredential', 'status': status}))"
    )
    user = desk.program(body)
    user["exec"]["args"] += [str(certificate), str(key)]
    assert await desk.who(user) == "carol"


async def test_a_program_is_told_the_cluster_and_its_environment(desk: Desk) -> None:
    told = desk.folder / "told"
    body = (
        f"open({str(told)!r}, 'w').write(os.environ['KUBERNETES_EXEC_INFO'] + os.environ['WHO'])\n"
        + says(desk.cluster.token)
    )
    user = desk.program(body, provideClusterInfo=True, env=[{"name": "WHO", "value": "me"}])
    assert await desk.who(user) == "admin"
    info = json.loads(told.read_text().removesuffix("me"))
    assert info["spec"]["cluster"]["server"] == desk.cluster.url
    assert "certificate-authority-data" in info["spec"]["cluster"]


async def test_a_program_that_fails_is_quoted(desk: Desk) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await desk.who(desk.program("sys.exit('log in first: sso login')"))
    assert caught.value.cause == "it ended with code 1: log in first: sso login"
    assert caught.value.subject == f"the credential program {sys.executable}"
    assert caught.value.hint.endswith("login.py")


async def test_a_program_that_is_not_installed_says_how_to(desk: Desk) -> None:
    user = desk.program("", command="no-such-login", installHint="get it from your admin")
    with pytest.raises(Unauthenticated, match=r"or directory\. get it from your admin"):
        await desk.who(user)


async def test_an_unknown_token_names_the_command_that_helps(desk: Desk) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await desk.who({"token": "nobody's"})
    assert caught.value.subject == "cell/test"
    assert caught.value.hint == "kubectl --context test auth whoami"


async def test_a_certificate_that_is_over_is_not_accepted(desk: Desk) -> None:
    certificate, key = desk.authority.client("late", days=-1)
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    with pytest.raises(Unauthenticated):
        await desk.who(user)


async def test_acting_as_another(desk: Desk) -> None:
    user = {"token": desk.cluster.token, "as": "dora", "as-groups": ["a", "b"]}
    async with desk.client(user) as client:
        assert await whoami(client) == "dora"
        with pytest.raises(Forbidden) as caught:
            await client.get("/api/v1/namespaces/default/pods/x")
    assert caught.value.hint == "kubectl auth can-i get pods --namespace default"


async def test_a_server_certificate_of_another_name(desk: Desk) -> None:
    place = {**desk.place, "tls-server-name": "cluster.test"}
    assert await desk.who({"token": desk.cluster.token}, place=place) == "admin"
    place["tls-server-name"] = "elsewhere.test"
    with pytest.raises(EngineUnavailable, match="not trusted"):
        await desk.who({"token": desk.cluster.token}, place=place)


async def test_an_unknown_authority_is_not_trusted_unless_told_so(desk: Desk) -> None:
    place: dict[str, Any] = {"server": desk.cluster.url}
    with pytest.raises(EngineUnavailable, match="not trusted"):
        await desk.who({"token": desk.cluster.token}, place=place)
    place["insecure-skip-tls-verify"] = True
    assert await desk.who({"token": desk.cluster.token}, place=place) == "admin"


async def test_a_proxy(desk: Desk) -> None:
    async with connect_proxy() as (url, asked_for):
        place = {**desk.place, "proxy-url": url}
        assert await desk.who({"token": desk.cluster.token}, place=place) == "admin"
    assert asked_for == [desk.cluster.url.removeprefix("https://")]


async def test_a_pod_uses_its_service_account(desk: Desk) -> None:
    account = desk.folder / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(desk.authority.file.read_bytes())
    (account / "token").write_text("old")
    (account / "namespace").write_text("skerry")
    host, port = desk.cluster.url.removeprefix("https://").split(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "HOME": "/none"}
    access = find_access(None, None, environ, service_account=account)
    assert (access.name, access.namespace) == ("in-cluster", "skerry")
    (account / "token").write_text(desk.cluster.token)
    client = open_client(access, SystemClock())
    assert await whoami(client) == "admin"
    await client.close()


async def test_the_first_of_several_kubeconfigs_counts(desk: Desk) -> None:
    here = desk.file({"token": "first"}, name="first")
    there = desk.file({"token": desk.cluster.token}, name="second")
    environ = {"KUBECONFIG": f"{here}:{desk.folder / 'absent'}:{there}"}
    assert find_access(None, None, environ).name == "first"
    client = open_client(find_access("second", None, environ), SystemClock())
    assert await whoami(client) == "admin"
    await client.close()


def test_what_a_kubeconfig_lacks_is_said(desk: Desk) -> None:
    file = str(desk.file({"token": "x"}))
    with pytest.raises(NotFound, match="it has no context prod; it has test"):
        find_access("prod", file, {})
    with pytest.raises(NotFound, match="there is no kubeconfig"):
        find_access(None, str(desk.folder / "absent"), {})
    broken = desk.file({"client-certificate": "gone.crt", "client-key": "gone.key"})
    with pytest.raises(Refused, match=r"gone\.crt: No such file"):
        find_access(None, str(broken), {})
    old = desk.file({"auth-provider": {"name": "gcp"}})
    with pytest.raises(Refused) as caught:
        find_access(None, str(old), {})
    assert caught.value.hint == "gke-gcloud-auth-plugin --version"


def test_no_credential_is_in_a_repr(desk: Desk) -> None:
    access = find_access(None, str(desk.file({"token": "hunter2"})), {})
    assert "hunter2" not in repr(access)
