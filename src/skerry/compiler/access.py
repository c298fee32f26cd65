"""The identity replicas run under, inside the cell and in the cloud."""

from typing import Final

from skerry.compiler.subject import Subject
from skerry.model.cell import ROLE, CloudIdentity
from skerry.model.objects import CLOUD_ROLE, Manifest

_IRSA: Final = "eks.amazonaws.com/role-arn"


def service_account(subject: Subject) -> Manifest:
    """One account per service, with no token of the cell's own API inside the containers."""
    service = subject.service
    role = service.access.role_of(service.service)
    annotations = {} if role is None else {CLOUD_ROLE: role}
    if role is not None and subject.cell.identity is CloudIdentity.IRSA:
        annotations[_IRSA] = _arn(subject, role)
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": subject.metadata(service.service, annotations),
        "automountServiceAccountToken": False,
    }


def association(subject: Subject) -> Manifest | None:
    """What ties the account to its role where the cell does it by Pod Identity: a thing of the
    cloud's own API, made there by AWS Controllers for Kubernetes. None elsewhere."""
    service = subject.service
    role = service.access.role_of(service.service)
    if role is None or subject.cell.identity is not CloudIdentity.POD_IDENTITY:
        return None
    return {
        "apiVersion": "eks.services.k8s.aws/v1alpha1",
        "kind": "PodIdentityAssociation",
        "metadata": subject.metadata(service.service),
        "spec": {
            "clusterName": subject.cell.cluster,
            "namespace": service.namespace,
            "serviceAccount": service.service,
            "roleARN": _arn(subject, role),
        },
    }


def _arn(subject: Subject, role: str) -> str:
    return (subject.cell.role_arn or "").replace(ROLE, role)
