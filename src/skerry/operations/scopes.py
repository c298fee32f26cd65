"""How far a token's namespaces reach."""

from collections.abc import Iterable, Iterator

from skerry.errors import Forbidden
from skerry.model.access import Identity
from skerry.model.repository import Repository
from skerry.model.stack import tenant_key


def require(by: Identity, namespaces: Iterable[str]) -> None:
    """Raises Forbidden, naming every namespace outside the token's scope."""
    if not by.namespaces:
        return
    outside = sorted({each for each in namespaces if not by.sees(each)})
    if outside:
        plural = "s" if len(outside) > 1 else ""
        raise Forbidden(
            f"does not reach namespace{plural} {', '.join(outside)}",
            subject=f"token/{by.name}",
            hint=f"it reaches {', '.join(sorted(by.namespaces))}; "
            f"an admin makes others: skerry token create NAME --namespace {outside[0]}",
        )


def namespaces_of(repository: Repository) -> Iterator[str]:
    """Every namespace the repository has services or tenants in."""
    yield from (each.service.namespace for each in repository.services)
    for stack in repository.stacks:
        yield from (tenant_key(stack.name, tenant).namespace for tenant in stack.tenants)


def require_stack(by: Identity, stack: str) -> None:
    """Raises Forbidden for a token that reaches no namespace such as the stack's tenants have.
    Whether it reaches all of them is asked once they are known."""
    if by.namespaces and not any(each.startswith(f"{stack}-") for each in by.namespaces):
        raise Forbidden(
            f"does not reach stack {stack}",
            subject=f"token/{by.name}",
            hint=f"it reaches {', '.join(sorted(by.namespaces))}; "
            "an admin makes others: skerry token create NAME",
        )


def require_all(by: Identity) -> None:
    """Raises Forbidden for a token that is limited to some namespaces: this concerns the cell."""
    if by.namespaces:
        raise Forbidden(
            f"reaches only {', '.join(sorted(by.namespaces))}, and this concerns the whole cell",
            subject=f"token/{by.name}",
            hint="use a token for all namespaces: skerry token create NAME",
        )
