"""A pod template, as the body of the container engine's create call. Pure."""

import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Final

import orjson

from skerry.engines.local.workload import Workload, care_to_json
from skerry.model.keys import ServiceKey
from skerry.model.units import parse_bytes, parse_millicores

INSTANCE: Final = "skerry.dev/instance"
NAMESPACE: Final = "skerry.dev/namespace"
NAME: Final = "skerry.dev/name"
POD: Final = "skerry.dev/pod"
HASH: Final = "skerry.dev/template"
ADDRESS: Final = "skerry.dev/address"
CARE: Final = "skerry.dev/care"
ROLE: Final = "skerry.dev/role"
REPLICA: Final = "replica"
JOB: Final = "job"

_CPU_PERIOD_MICROSECONDS: Final = 100_000
_EXPANSION = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a container goes. Without an address the engine picks one and the port is
    published on loopback (`published`)."""

    network: str
    address: IPv4Address | None = None
    resolver: IPv4Address | None = None
    aliases: tuple[str, ...] = ()
    published: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the machine asks of every container. `ulimits`: name -> most."""

    instance: str
    ulimits: Mapping[str, int] = field(default_factory=dict)
    log_bytes: int = 10 * 2**20
    json_logs: bool = False


def container_name(settings: Settings, namespace: str, pod: str) -> str:
    """The container's name: unique on the machine, telling to a person."""
    return f"skerry-{settings.instance}-{namespace}-{pod}"


def volume_name(settings: Settings, namespace: str, claim: str) -> str:
    """The volume behind a PersistentVolumeClaim."""
    return f"skerry-{settings.instance}-{namespace}-{claim}"


def labels_of(
    settings: Settings, service: ServiceKey, *, role: str, pod: str = ""
) -> dict[str, str]:
    """What every container, volume and network of ours says of itself."""
    labels = {INSTANCE: settings.instance, NAMESPACE: service.namespace, NAME: service.name}
    return {**labels, ROLE: role, POD: pod} if pod else {**labels, ROLE: role}


def create_body(
    template: Mapping[str, Any],
    *,
    settings: Settings,
    environment: Sequence[tuple[str, str]],
    placement: Placement,
    namespace: str,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """The body of `containers/create` for a pod template's first container."""
    pod = template["spec"]
    container = pod["containers"][0]
    known = dict(environment)
    body: dict[str, Any] = {
        "Image": container["image"],
        "Hostname": labels.get(POD, "")[:63],
        "Env": [f"{name}={value}" for name, value in environment],
        "Labels": dict(labels),
        "StopTimeout": int(pod.get("terminationGracePeriodSeconds", 10)),
        "HostConfig": _host_config(
            template, settings=settings, placement=placement, namespace=namespace
        ),
        "NetworkingConfig": {"EndpointsConfig": {placement.network: _endpoint(placement)}},
    }
    if "command" in container:
        body["Entrypoint"] = [expand(word, known) for word in container["command"]]
    if "args" in container:
        body["Cmd"] = [expand(word, known) for word in container["args"]]
    if "workingDir" in container:
        body["WorkingDir"] = container["workingDir"]
    ports = [int(port["containerPort"]) for port in container.get("ports") or ()]
    if placement.published and ports:
        body["ExposedPorts"] = {f"{port}/tcp": {} for port in ports}
        body["HostConfig"]["PortBindings"] = {
            f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}] for port in ports
        }
    return body


def replica_labels(
    settings: Settings, workload: Workload, *, pod: str, address: IPv4Address | None
) -> dict[str, str]:
    """The labels a replica is adopted by."""
    return {
        **labels_of(settings, workload.service, role=REPLICA, pod=pod),
        HASH: workload.hash,
        ADDRESS: "" if address is None else str(address),
        CARE: orjson.dumps(care_to_json(workload.care)).decode(),
    }


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value when there is one, `$$` a dollar: as Kubernetes
    does it."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        return known.get(match[1], match[0])

    return _EXPANSION.sub(value, text)


def files_of(
    template: Mapping[str, Any], configs: Mapping[str, Mapping[str, bytes]]
) -> dict[str, bytes]:
    """Path in the container -> content, from the ConfigMaps a template mounts."""
    pod = template["spec"]
    volumes = {
        volume["name"]: volume["configMap"]
        for volume in pod.get("volumes") or ()
        if "configMap" in volume
    }
    found: dict[str, bytes] = {}
    for mount in pod["containers"][0].get("volumeMounts") or ():
        source = volumes.get(mount["name"])
        if source is None:
            continue
        data = configs.get(source["name"], {})
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            sub_path = mount.get("subPath")
            if sub_path is None:
                found[f"{mount['mountPath'].rstrip('/')}/{item['path']}"] = data[item["key"]]
            elif sub_path == item["path"]:
                found[mount["mountPath"]] = data[item["key"]]
    return found


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar of files to unpack at `/`: readable by everyone in the container, whoever its
    user is; parents are made where they lack."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o444
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def claims_of(template: Mapping[str, Any]) -> dict[str, str]:
    """Path in the container -> PersistentVolumeClaim."""
    pod = template["spec"]
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod.get("volumes") or ()
        if "persistentVolumeClaim" in volume
    }
    mounts = pod["containers"][0].get("volumeMounts") or ()
    return {
        mount["mountPath"]: claims[mount["name"]] for mount in mounts if mount["name"] in claims
    }


def _host_config(
    template: Mapping[str, Any], *, settings: Settings, placement: Placement, namespace: str
) -> dict[str, Any]:
    container = template["spec"]["containers"][0]
    limits = (container.get("resources") or {}).get("limits") or {}
    config: dict[str, Any] = {
        "Init": True,
        "NetworkMode": placement.network,
        "LogConfig": _log_config(settings),
        "Ulimits": [
            {"Name": name, "Soft": most, "Hard": most} for name, most in settings.ulimits.items()
        ],
        "Mounts": [
            {
                "Type": "volume",
                "Source": volume_name(settings, namespace, claim),
                "Target": path,
            }
            for path, claim in claims_of(template).items()
        ],
        "RestartPolicy": {"Name": "no"},
    }
    if placement.resolver is not None:
        config |= {"Dns": [str(placement.resolver)], "DnsSearch": ["."]}
    if "memory" in limits:
        most = parse_bytes_loosely(limits["memory"])
        config |= {"Memory": most, "MemorySwap": most}
    if "cpu" in limits:
        config["CpuPeriod"] = _CPU_PERIOD_MICROSECONDS
        config["CpuQuota"] = parse_millicores(limits["cpu"]) * _CPU_PERIOD_MICROSECONDS // 1000
    requests = (container.get("resources") or {}).get("requests") or {}
    if "cpu" in requests:
        config["CpuShares"] = max(2, parse_millicores(requests["cpu"]) * 1024 // 1000)
    return config


def parse_bytes_loosely(written: Any) -> int:
    """Kubernetes also writes plain numbers of bytes."""
    text = str(written)
    return int(text) if text.isdigit() else parse_bytes(text)


def _log_config(settings: Settings) -> dict[str, Any]:
    size = f"{settings.log_bytes // 2**20}m"
    if settings.json_logs:
        return {"Type": "json-file", "Config": {"max-size": size, "max-file": "2"}}
    return {"Type": "k8s-file", "Config": {"max-size": size}}


def _endpoint(placement: Placement) -> dict[str, Any]:
    endpoint: dict[str, Any] = {}
    if placement.address is not None:
        endpoint["IPAMConfig"] = {"IPv4Address": str(placement.address)}
        # Whoever knew the address before (the machine does, for seconds after its container
        # has gone) still knows where to send: one address, one hardware address, for ever.
        endpoint["MacAddress"] = _hardware_address(placement.address)
    if placement.aliases:
        endpoint["Aliases"] = list(placement.aliases)
    return endpoint


def _hardware_address(address: IPv4Address) -> str:
    """Locally administered, and the four bytes of the address."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x42, *address.packed))
