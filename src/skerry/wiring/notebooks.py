"""Where cells are remembered: in a server's store, or in the state folder without one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from skerry.ports import ObjectStore

FACT: Final = "cell"
FILE: Final = "cells.json"
Facts = Mapping[str, Any]


class StoreNotebook:
    """Among the store's facts, so that every server on a database knows the same cells; and in
    the state folder, where the command line finds them while no server runs. Those it came to
    know on its own are taken over."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._file = FileNotebook(folder)

    async def read(self) -> Mapping[str, Facts]:
        """Each cell's document, by name."""
        known = dict(await self._store.facts(FACT))
        for name, document in (await self._file.read()).items():
            if name not in known:
                known[name] = document
                await self._store.put_fact(FACT, name, document)
        return known

    async def write(self, cell: str, document: Facts | None) -> None:
        """Remember one, or forget it (None)."""
        await self._store.put_fact(FACT, cell, document)
        await self._file.write(cell, document)


class FileNotebook:
    """One file in the state folder, of one user's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    async def read(self) -> Mapping[str, Facts]:
        """Each cell's document, by name; none of a file that is not there, or is broken."""
        try:
            found = orjson.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    async def write(self, cell: str, document: Facts | None) -> None:
        """Remember one, or forget it (None)."""
        from skerry.integrations.store.once import replace_whole

        known = {**await self.read(), cell: document}
        if document is None:
            del known[cell]
        if not known and not self._path.exists():
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_whole(self._path, orjson.dumps(known, option=orjson.OPT_INDENT_2))
