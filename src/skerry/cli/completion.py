"""What the shell offers on TAB. Quiet and quick: an error offers nothing."""

from skerry.errors import SkerryError


def complete_services(incomplete: str) -> list[str]:
    """Names of services, as every command takes them."""
    from skerry.cli.session import door_for_looks
    from skerry.report.lines import name_of

    try:
        services = door_for_looks().get("/v1/status")["services"]
    except (SkerryError, KeyError, TypeError):
        return []
    return sorted({name for name in map(name_of, services) if name.startswith(incomplete)})


def complete_cells(incomplete: str) -> list[str]:
    """Names of cells, also of those that do not answer."""
    return _named("/v1/info", "cells", incomplete)


def complete_secrets(incomplete: str) -> list[str]:
    """Names of stored secrets."""
    return _named("/v1/secrets", "secrets", incomplete)


def complete_tokens(incomplete: str) -> list[str]:
    """Names of tokens."""
    return _named("/v1/tokens", "tokens", incomplete)


def complete_operations(incomplete: str) -> list[str]:
    """Ids of the latest operations."""
    return _named("/v1/operations", "operations", incomplete)


def _named(path: str, key: str, incomplete: str) -> list[str]:
    from skerry.cli.session import door_for_looks

    try:
        found = door_for_looks().get(path)[key]
    except (SkerryError, KeyError, TypeError):
        return []
    names = [
        each if isinstance(each, str) else each.get("name") or each.get("id") for each in found
    ]
    return sorted(name for name in names if name and name.startswith(incomplete))
