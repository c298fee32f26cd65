"""The user of a kubeconfig's context, made an identity."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from skerry.engines.kubernetes.client.exec_plugin import SPOKEN, ExecPlugin, Plugin, command_of
from skerry.engines.kubernetes.client.identity import (
    Certificate,
    Credentials,
    Fixed,
    Identity,
    TokenFile,
    basic,
    bearer,
)
from skerry.engines.kubernetes.client.openid import OpenId, Provider
from skerry.errors import Refused

FOLDER: Final = "_folder"  # where an entry was read: its files are relative to that
# Kubernetes took these out of kubectl in 1.26.
_GONE: Final = {
    "gcp": "gke-gcloud-auth-plugin --version",
    "azure": "kubelogin convert-kubeconfig",
}
_CLUSTER_TOLD: Final = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
_EXTENSION: Final = "client.authentication.k8s.io/exec"


def identity_of(user: Mapping[str, Any], cluster: Mapping[str, Any], *, context: str) -> Identity:
    """Of several ways the strongest: a program, a provider, a token file, a token, a password.
    Each may come with a certificate. Raises Refused for a way that is gone."""
    certificate = _certificate(user)
    if user.get("exec"):
        plugin = _plugin(user, cluster, context)
        return ExecPlugin(plugin, certificate=certificate)
    if user.get("auth-provider"):
        return _provider(user["auth-provider"], user[FOLDER], context)
    if user.get("tokenFile"):
        return TokenFile(_path(user, "tokenFile"), certificate=certificate)
    authorization = None
    if user.get("token"):
        authorization = bearer(str(user["token"]))
    elif user.get("username"):
        authorization = basic(str(user["username"]), str(user.get("password", "")))
    given = Credentials(authorization=authorization, certificate=certificate)
    return Fixed(given=given, hint=f"kubectl --context {context} auth whoami")


def impersonation(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers of a user who acts as another."""
    headers = [("Impersonate-User", str(user["as"]))] if user.get("as") else []
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", str(user["as-uid"])))
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    for name, values in (user.get("as-user-extra") or {}).items():
        headers += [(f"Impersonate-Extra-{name}", str(value)) for value in values]
    return tuple(headers)


def content(entry: Mapping[str, Any], name: str) -> bytes | None:
    """`NAME-data`, else what is in the file that NAME says."""
    if entry.get(f"{name}-data"):
        return base64.b64decode(entry[f"{name}-data"])
    return _path(entry, name).read_bytes() if entry.get(name) else None


def _path(entry: Mapping[str, Any], name: str) -> Path:
    return Path(entry[FOLDER], str(entry[name]))


def _certificate(user: Mapping[str, Any]) -> Certificate | None:
    chain = content(user, "client-certificate")
    key = content(user, "client-key")
    return Certificate(chain=chain, key=key) if chain and key else None


def _plugin(user: Mapping[str, Any], cluster: Mapping[str, Any], context: str) -> Plugin:
    said = user["exec"]
    version = str(said.get("apiVersion"))
    if version not in SPOKEN:
        raise _refused(f"its program speaks {version}; {' and '.join(SPOKEN)} are known", context)
    if said.get("interactiveMode") == "Always":
        raise _refused("its program wants a terminal (interactiveMode: Always)", context)
    return Plugin(
        command=(command_of(str(said["command"]), user[FOLDER]), *map(str, said.get("args") or ())),
        api_version=version,
        environment={str(one["name"]): str(one["value"]) for one in said.get("env") or ()},
        cluster=_told(cluster) if said.get("provideClusterInfo") else None,
        install_hint=str(said.get("installHint") or ""),
    )


def _told(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {name: cluster[name] for name in _CLUSTER_TOLD if cluster.get(name)}
    authority = content(cluster, "certificate-authority")
    if authority:
        told["certificate-authority-data"] = base64.b64encode(authority).decode()
    for extension in cluster.get("extensions") or ():
        if extension.get("name") == _EXTENSION:
            told["config"] = extension.get("extension")
    return told


def _provider(said: Mapping[str, Any], folder: Path, context: str) -> Identity:
    name = str(said.get("name"))
    if name != "oidc":
        hint = _GONE.get(name, f"kubectl --context {context} config view --minify")
        raise Refused(
            f"its auth-provider {name} is gone from Kubernetes since 1.26: it is a program now",
            subject=f"context {context}",
            hint=hint,
        )
    config = {**(said.get("config") or {}), FOLDER: folder}
    config["authority-data"] = config.pop("idp-certificate-authority-data", None)
    config["authority"] = config.pop("idp-certificate-authority", None)
    provider = Provider(
        issuer=str(config["idp-issuer-url"]),
        client=str(config["client-id"]),
        secret=str(config.get("client-secret") or ""),
        refresh_token=str(config.get("refresh-token") or ""),
        authority=content(config, "authority"),
    )
    hint = f"kubectl --context {context} auth whoami"
    return OpenId(provider, id_token=str(config.get("id-token") or ""), hint=hint)


def _refused(cause: str, context: str) -> Refused:
    return Refused(
        cause,
        subject=f"context {context}",
        hint=f"kubectl --context {context} config view --minify",
    )
