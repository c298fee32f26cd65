"""Where a cluster's credentials are looked for."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from skerry.engines.kubernetes.client.access import ClusterAccess
from skerry.engines.kubernetes.client.identity import TokenFile
from skerry.engines.kubernetes.client.kubeconfig import Kubeconfig
from skerry.engines.kubernetes.client.proxies import proxy_for
from skerry.errors import NotFound

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def find_access(
    context: str | None,
    kubeconfig: str | None,
    environ: Mapping[str, str],
    *,
    service_account: Path = SERVICE_ACCOUNT,
) -> ClusterAccess:
    """As kubectl does: the kubeconfig named, else KUBECONFIG's files, else ~/.kube/config, else
    the service account of the pod we run in. Raises NotFound, or Refused for what cannot be
    used."""
    files = _files(kubeconfig, environ)
    if not files and not context and _in_cluster(environ, service_account):
        return _pod_access(environ, service_account)
    if not files:
        raise NotFound(
            "there is no kubeconfig, and this is not a pod of a cluster",
            subject=kubeconfig or environ.get("KUBECONFIG") or "~/.kube/config",
            hint="kubectl config view",
        )
    access = Kubeconfig(files).access(context)
    return access if access.proxy else replace(access, proxy=proxy_for(access.url, environ))


def _files(kubeconfig: str | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    home = Path(environ.get("HOME") or Path.home())
    listed = kubeconfig or environ.get("KUBECONFIG") or str(home / ".kube" / "config")
    paths = [_expanded(written, home) for written in listed.split(":") if written]
    return tuple(path for path in paths if path.is_file())


def _expanded(written: str, home: Path) -> Path:
    return home / written[2:] if written.startswith("~/") else Path(written)


def _in_cluster(environ: Mapping[str, str], folder: Path) -> bool:
    return "KUBERNETES_SERVICE_HOST" in environ and (folder / "token").is_file()


def _pod_access(environ: Mapping[str, str], folder: Path) -> ClusterAccess:
    host = environ["KUBERNETES_SERVICE_HOST"]
    host = f"[{host}]" if ":" in host else host
    namespace = folder / "namespace"
    return ClusterAccess(
        url=f"https://{host}:{environ.get('KUBERNETES_SERVICE_PORT', '443')}",
        name="in-cluster",
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        authority=(folder / "ca.crt").read_bytes(),
        identity=TokenFile(folder / "token"),
    )
