"""The mark of a restart on a Deployment's template: a new one rolls every replica. Pure."""

from skerry.model.objects import RESTARTED_AT, Manifest


def restart_mark(manifest: Manifest) -> str | None:
    """When it was last restarted by hand, or None."""
    template = (manifest.get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    mark: str | None = annotations.get(RESTARTED_AT)
    return mark


def restarted(deployment: Manifest, at: str) -> Manifest:
    """The Deployment with the mark."""
    template = deployment["spec"]["template"]
    metadata = template.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), RESTARTED_AT: at}
    template = {**template, "metadata": {**metadata, "annotations": annotations}}
    return {**deployment, "spec": {**deployment["spec"], "template": template}}
