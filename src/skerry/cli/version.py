"""Which version this is, and whether the server's is the same."""


def here() -> str:
    """This installation's version."""
    from importlib.metadata import version

    return version("skerry")


def mismatch(server: str | None) -> str:
    """A sentence when the server's version is another than ours, else nothing."""
    ours = here()
    if not server or server == ours:
        return ""
    return (
        f"this is skerry {ours}, the server runs {server}: "
        "`skerry server stop` and `skerry up` start it anew; services go on meanwhile"
    )
