"""A real server, a git repository, two clusters: a commit reaches both, and one that is down
keeps nothing from the other."""

import hashlib
import hmac
import json
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.cluster.cluster import TestCluster
from tests.cluster.proxy import fault_proxy
from tests.conftest import Needs
from tests.end_to_end.kubernetes.checkout import Checkout
from tests.end_to_end.kubernetes.looks import Look, until
from tests.end_to_end.servers import ServerProcess

pytestmark = pytest.mark.cluster
SECRET = "correct horse"
COUNT = 2


def commit(folder: Path) -> None:
    """All of the folder."""
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-qm", "more")):
        subprocess.run(["git", *command], cwd=folder, check=True)


def ring(server: ServerProcess) -> int:
    """The webhook, signed."""
    url = json.loads((server.state / "server.json").read_text())["url"]
    signed = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    asked = Request(f"{url}/v1/webhook", data=b"{}", method="POST")
    asked.add_header("X-Hub-Signature-256", f"sha256={signed}")
    with urlopen(asked, timeout=20) as answer:
        return int(answer.status)


def test_a_commit_reaches_every_cluster_that_is_there(
    checkout: Checkout, ours: TestCluster, elsewhere: TestCluster, tmp_path: Path, needs: Needs
) -> None:
    needs.program("git")
    eu, us = Look(ours), Look(elsewhere)
    with fault_proxy(elsewhere) as lost:
        checkout.cell("eu-1", ours.kubeconfig)
        checkout.cell("us-1", lost.kubeconfig)
        checkout.services(COUNT)
        commit(checkout.folder)
        server = ServerProcess(
            tmp_path,
            "server",
            f"sqlite:///{tmp_path / 'server' / 'skerry.db'}",
            SKERRY_REPOSITORY=str(checkout.folder),
            SKERRY_POLL_SECONDS="3600",
            SKERRY_WEBHOOK_SECRET=SECRET,
        )
        try:
            first = {f"s{number}": "web:1" for number in range(COUNT)}
            until(lambda: eu.images(checkout.team) == us.images(checkout.team) == first, seconds=60)
            lost.stop()
            checkout.services(COUNT, image="web:2")
            commit(checkout.folder)
            assert ring(server) == 202
            second = dict.fromkeys(first, "web:2")
            until(lambda: eu.images(checkout.team) == second, seconds=60)
            assert us.images(checkout.team) == first
            lost.start()
            until(lambda: us.images(checkout.team) == second, seconds=90)
        finally:
            server.end()
            eu.drop(f"/api/v1/namespaces/{checkout.team}")
