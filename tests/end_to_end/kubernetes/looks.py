"""Looks at a cluster past Skerry, and others' doings in it, for tests that do not await."""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.cluster.cluster import TestCluster

Object = Mapping[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


class Look:
    """The admin of one cluster, past Skerry."""

    def __init__(self, cluster: TestCluster) -> None:
        self._url, self._token = cluster.url, cluster.token
        self._context = ssl.create_default_context(cafile=str(cluster.plane.authority.file))

    def ask(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        data = None if body is None else json.dumps(body).encode()
        asked = Request(self._url + path, data=data, method=method)
        asked.add_header("Authorization", f"Bearer {self._token}")
        asked.add_header("Content-Type", kind)
        try:
            with urlopen(asked, timeout=20, context=self._context) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def get(self, path: str) -> dict[str, Any]:
        """What is there."""
        status, answer = self.ask("GET", path)
        assert status == 200, (path, answer)
        return answer

    def items(self, path: str) -> list[dict[str, Any]]:
        """All of a list."""
        return list(self.get(path)["items"])

    def make(self, path: str, manifest: Object) -> dict[str, Any]:
        """Somebody else's object; into a folder of the API."""
        status, answer = self.ask("POST", path, manifest)
        assert status in (200, 201), answer
        return answer

    def change(self, path: str, body: Object, *, manager: str = "") -> tuple[int, dict[str, Any]]:
        """Somebody's change of an object; `manager` applies it and insists."""
        if manager:
            return self.ask("PATCH", f"{path}?fieldManager={manager}&force=true", body, APPLY)
        return self.ask("PATCH", path, body, MERGE)

    def drop(self, path: str) -> None:
        """Delete it, where it is there."""
        status, answer = self.ask("DELETE", path)
        assert status in (200, 202, 404), answer

    def images(self, namespace: str) -> dict[str, str]:
        """What each Deployment runs."""
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"]
            for each in self.items(DEPLOYMENTS.format(namespace))
        }

    def namespace(self, name: str) -> None:
        """Somebody made it."""
        self.make("/api/v1/namespaces", {"metadata": {"name": name}})

    @contextmanager
    def policy(self, name: str, namespace: str, rule: Object, resources: Object) -> Iterator[None]:
        """A policy that may deny, in force; gone afterwards."""
        group = "/apis/admissionregistration.k8s.io/v1"
        policies = f"{group}/validatingadmissionpolicies"
        bindings = f"{group}/validatingadmissionpolicybindings"
        place = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        spec = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [resources], "namespaceSelector": place},
            "validations": [rule],
        }
        metadata = {"metadata": {"name": name}}
        self.make(policies, {**metadata, "spec": spec})
        bound = {"policyName": name, "validationActions": ["Deny"]}
        self.make(bindings, {**metadata, "spec": bound})
        try:
            yield
        finally:
            self.drop(f"{bindings}/{name}")
            self.drop(f"{policies}/{name}")


def until(holds: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until it holds."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"does not come to hold within {seconds} s"
        time.sleep(0.02)
