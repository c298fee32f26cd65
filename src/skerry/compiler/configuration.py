"""Environment, files and secrets, and the hashed names that make a changed file a release."""

import re
from base64 import b64encode
from posixpath import basename
from typing import Any, Final

from skerry.compiler.naming import hashed
from skerry.compiler.subject import Subject, content_path
from skerry.errors import InvalidDocuments, Problem
from skerry.model.objects import SECRET_REF, Manifest, digest_of

FILES_VOLUME: Final = "files"
LARGEST: Final = 2**20 - 2**14
"""A ConfigMap may hold 1 MiB in all, its own fields included."""
_KEY_ODD: Final = re.compile(r"[^-._a-zA-Z0-9]+")


def environment(subject: Subject) -> list[dict[str, Any]]:
    """The container's environment, by name: who it is, PORT, what the document says, and
    where each secret comes from."""
    service = subject.service
    plain = {
        "SKERRY_CELL": subject.cell.cell,
        "SKERRY_NAMESPACE": service.namespace,
        "SKERRY_SERVICE": service.service,
    }
    if service.listens is not None:
        plain["PORT"] = str(service.listens)
    plain.update(service.env)
    secret = secret_name(subject) if service.secrets else ""
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}
        if name in service.secrets
        else {"name": name, "value": plain[name]}
        for name in sorted({*plain, *service.secrets})
    ]


def secret_name(subject: Subject) -> str:
    """Changes when a reference or a value behind one does. Fingerprints are keyed HMACs: the
    name gives nothing to guess a value from. A reference without one is not set yet."""
    sources = {
        variable: [reference, subject.setting.fingerprints.get(reference, "")]
        for variable, reference in subject.references.items()
    }
    return hashed(subject.service, "secrets", sources)


def secret(subject: Subject) -> Manifest | None:
    """References as annotations; the values are the engine's to find, and nobody else's."""
    references = subject.references
    if not references:
        return None
    annotations = {SECRET_REF + variable: references[variable] for variable in sorted(references)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": subject.metadata(secret_name(subject), annotations),
        "type": "Opaque",
    }


def config_map(subject: Subject) -> Manifest | None:
    """The files' contents, under a name that changes with them. Raises InvalidDocuments."""
    if not subject.service.files:
        return None
    texts, binaries = _split(_read(subject))
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "immutable": True,
    }
    if texts:
        manifest["data"] = texts
    if binaries:
        manifest["binaryData"] = binaries
    name = hashed(subject.service, "files", [texts, binaries])
    return {**manifest, "metadata": subject.metadata(name)}


def file_mounts(subject: Subject) -> list[dict[str, Any]]:
    """Each file mounted alone, so that what else is in its folder stays."""
    return [
        {"name": FILES_VOLUME, "mountPath": path, "subPath": file_key(path), "readOnly": True}
        for path in sorted(subject.service.files)
    ]


def file_key(path: str) -> str:
    """The ConfigMap key of a path in the container: `3f2a9c01-app.toml`."""
    return f"{digest_of(path)[:8]}-{_KEY_ODD.sub('-', basename(path))}"


def _read(subject: Subject) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path, written in sorted(subject.service.files.items()):
        content = subject.setting.contents.get(content_path(subject.declared, written))
        if content is None:
            problems.append(subject.problem(f"files/{path}", f"{written} was not read"))
        else:
            found[file_key(path)] = content
    size = sum(map(len, found.values()))
    if size > LARGEST:
        hint = "put large data into the image or on a volume"
        said = f"the files have {size} bytes together, more than {LARGEST}"
        problems.append(subject.problem("files", said, hint))
    if problems:
        raise InvalidDocuments(problems)
    return found


def _split(files: dict[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    texts: dict[str, str] = {}
    binaries: dict[str, str] = {}
    for key, content in files.items():
        try:
            texts[key] = content.decode()
        except UnicodeDecodeError:
            binaries[key] = b64encode(content).decode()
    return texts, binaries
