"""What the shell offers on TAB. Quiet and quick: an error offers nothing."""

from skerry.errors import SkerryError


def complete_services(incomplete: str) -> list[str]:
    """Names of services, as every command takes them."""
    from skerry.cli.connection import connect
    from skerry.report.lines import name_of

    try:
        services = connect().get("/v1/status")["services"]
    except (SkerryError, KeyError, TypeError):
        return []
    return sorted(name for name in map(name_of, services) if name.startswith(incomplete))


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
    from skerry.cli.connection import connect

    try:
        found = connect().get(path)[key]
    except (SkerryError, KeyError, TypeError):
        return []
    names = [
        each if isinstance(each, str) else each.get("name") or each.get("id") for each in found
    ]
    return sorted(name for name in names if name and name.startswith(incomplete))
