"""Documents loaded, and remembered between plans."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skerry.model.repository import Repository
    from skerry.model.sources import Sources
    from skerry.spec.load import Loader


def make_loader() -> "Callable[[Sources], Repository]":
    """Remembers documents between plans. Imported at the first: a server that only looks
    after services reads no YAML."""
    known: list[Loader] = []
    one_at_a_time = threading.Lock()

    def load(sources: "Sources") -> "Repository":
        from skerry.spec.load import Loader

        with one_at_a_time:
            if not known:
                known.append(Loader())
            return known[0].load(sources)

    return load
