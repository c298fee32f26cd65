"""The identity replicas run under."""

from typing import Final

from skerry.compiler.subject import Subject
from skerry.model.objects import Manifest

ROLE: Final = "skerry.dev/role"


def service_account(subject: Subject) -> Manifest:
    """One account per service, with no token of the cell's own API inside the containers."""
    service = subject.service
    role = service.access.role or service.service
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": subject.metadata(service.service, {ROLE: role}),
        "automountServiceAccountToken": False,
    }
