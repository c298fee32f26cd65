"""Kubeconfig files: found, merged as kubectl does, and one context of them made an access."""

import binascii
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from skerry.engines.kubernetes.client.access import ClusterAccess
from skerry.engines.kubernetes.client.users import FOLDER, content, identity_of, impersonation
from skerry.errors import NotFound, Refused

_LISTS: Final = {"clusters": "cluster", "contexts": "context", "users": "user"}


class Kubeconfig:
    """The files of one KUBECONFIG, merged: of two entries with one name the first counts."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.subject = ":".join(str(file) for file in files)
        self.current = ""
        self._entries: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _LISTS}
        for file in files:
            self._merge(file)

    @property
    def contexts(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._entries["contexts"])

    def access(self, context: str | None) -> ClusterAccess:
        """The access of a context, or of the current one. Raises NotFound, or Refused for
        an entry that cannot be used."""
        name = context or self.current
        if not name:
            raise NotFound(
                "it names no current context; a cell says which one is meant with `context:`",
                subject=self.subject,
                hint="kubectl config get-contexts",
            )
        chosen = self._entry("contexts", name)
        cluster = self._entry("clusters", str(chosen.get("cluster", "")))
        user = self._entry("users", str(chosen["user"])) if chosen.get("user") else {}
        try:
            access = _cluster_access(cluster, name)
            namespace = str(chosen.get("namespace") or access.namespace)
            identity = identity_of(user, cluster, context=name)
        except (OSError, binascii.Error, KeyError, TypeError, AttributeError) as error:
            raise Refused(
                f"context {name} cannot be used: {_said(error)}",
                subject=self.subject,
                hint=f"kubectl --context {name} config view --minify",
            ) from error
        headers = impersonation(user)
        return replace(access, namespace=namespace, identity=identity, headers=headers)

    def _merge(self, file: Path) -> None:
        read = _read(file)
        self.current = self.current or str(read.get("current-context") or "")
        for listed, inner in _LISTS.items():
            for entry in read.get(listed) or ():
                value = {**(entry.get(inner) or {}), FOLDER: file.parent}
                self._entries[listed].setdefault(str(entry["name"]), value)

    def _entry(self, listed: str, name: str) -> dict[str, Any]:
        if name not in self._entries[listed]:
            there = ", ".join(self._entries[listed]) or "none"
            raise NotFound(
                f"it has no {_LISTS[listed]} {name}; it has {there}",
                subject=self.subject,
                hint="kubectl config get-contexts",
            )
        return self._entries[listed][name]


def _read(file: Path) -> Mapping[str, Any]:
    import yaml  # here: most commands need no kubeconfig

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        read = yaml.load(file.read_text(), loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(
            f"cannot be read: {_said(error)}", subject=str(file), hint="kubectl config view"
        ) from error
    if not isinstance(read, dict | None):
        raise Refused("is not a kubeconfig", subject=str(file), hint="kubectl config view")
    return read or {}


def _cluster_access(cluster: Mapping[str, Any], name: str) -> ClusterAccess:
    url = str(cluster["server"])
    proxy = str(cluster.get("proxy-url") or "") or None
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise Refused(
            f"its proxy {proxy} is neither http nor https",
            subject=name,
            hint=f"kubectl --context {name} config view --minify",
        )
    return ClusterAccess(
        url=url,
        name=name,
        authority=content(cluster, "certificate-authority"),
        verify=not cluster.get("insecure-skip-tls-verify"),
        server_name=cluster.get("tls-server-name") or None,
        proxy=proxy,
    )


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)
