"""Tenants as the documents on disk have them: looked at, and edited in place. Needs no server."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from skerry.compiler.naming import host
from skerry.compiler.tenancy import absence_of, document_of, ends_at, materialise, removed_at
from skerry.errors import NotFound, Refused
from skerry.model.cell import LOCAL, Cell
from skerry.model.repository import DeclaredStack, Repository, Roster
from skerry.model.sources import Sources, SourceText
from skerry.model.stack import VERSION, tenant_key
from skerry.model.stamping import OVER, values_of
from skerry.operations.sources import read_sources
from skerry.report.tenants import PlaceView, TenantView, WholeTenantView
from skerry.spec import editing
from skerry.spec.load import load
from skerry.spec.words import nearest

_HIDDEN: Final = ("stack", "allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A repository on disk, read and understood."""

    root: Path
    sources: Sources
    repository: Repository

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Those it declares; this machine when it declares none."""
        return self.repository.cells or (LOCAL,)

    def stack(self, name: str) -> DeclaredStack:
        """Raises NotFound."""
        found = next((each for each in self.repository.stacks if each.name == name), None)
        if found is None:
            known = [each.name for each in self.repository.stacks]
            near = nearest(name, known)
            raise NotFound(
                f"is not declared here{f'; did you mean {near}?' if near else ''}",
                subject=f"stack/{name}",
                hint=f"declared: {', '.join(known)}" if known else "write a document `stack: NAME`",
            )
        return found

    def roster(self, stack: DeclaredStack, tenant: str) -> Roster:
        """Raises NotFound."""
        found = stack.roster_of(tenant)
        if found is None:
            near = nearest(tenant, stack.tenants)
            raise NotFound(
                f"is not declared{f'; did you mean {near}?' if near else ''}",
                subject=f"tenant/{stack.name}/{tenant}",
                hint=f"skerry tenants list {stack.name}",
            )
        return found


def open_folder(path: Path) -> Folder:
    """Raises NotFound, Refused, and InvalidDocuments with every problem."""
    sources = read_sources(path)
    root = path.resolve() if path.is_dir() else path.resolve().parent
    return Folder(root=root, sources=sources, repository=load(sources))


def list_tenants(folder: Folder, stack: str | None) -> Iterator[TenantView]:
    """Every tenant of one stack, or of all. Raises NotFound."""
    stacks = [folder.stack(stack)] if stack else folder.repository.stacks
    for each in stacks:
        for roster in each.rosters:
            for tenant in roster.tenants:
                yield _view(folder, each, roster, tenant=tenant)


def show_tenant(folder: Folder, stack: str, tenant: str) -> WholeTenantView:
    """One tenant with its template. Raises NotFound."""
    declared = folder.stack(stack)
    roster = folder.roster(declared, tenant)
    here = [
        each for each in folder.cells if _absent(declared, roster, tenant=tenant, cell=each) is None
    ]
    cell = here[0] if here else folder.cells[0]
    document = document_of(declared, roster, tenant=tenant, cell=cell)
    return {
        **_view(folder, declared, roster, tenant=tenant),
        "document": {key: each for key, each in document.items() if key not in _HIDDEN},
        "volumes": sorted(document.get("volumes") or ()),
        "places": [_place(declared, roster, tenant=tenant, cell=each) for each in folder.cells],
    }


def add_tenant(
    folder: Folder, stack: str, tenant: str, *, written: Mapping[str, Any], file: str | None
) -> str:
    """Write a new tenant into a document; returns the file. Nothing is written unless the
    repository is valid with it. Raises NotFound, Refused, InvalidDocuments."""
    declared = folder.stack(stack)
    known = declared.roster_of(tenant)
    if known is not None:
        raise Refused(
            f"is declared already, at {known.file}:{known.where.line(tenant)}",
            subject=f"tenant/{stack}/{tenant}",
            hint=f"skerry tenants show {stack} {tenant}",
        )
    text = _text(folder, declared, file)
    _save(folder, text, lambda old: editing.add(old, stack, tenant, written=written))
    return text.path


def remove_tenant(
    folder: Folder, stack: str, tenant: str, *, at: datetime, entirely: bool = False
) -> str:
    """Write down that a tenant is removed, or drop its entry; returns the file. Raises NotFound,
    Refused when it is removed already."""
    declared = folder.stack(stack)
    roster = folder.roster(declared, tenant)
    removed = removed_at(roster.tenants[tenant])
    if removed is not None and not entirely:
        raise Refused(
            f"was removed at {removed:%Y-%m-%d %H:%M}; its data goes at "
            f"{ends_at(removed, declared):%Y-%m-%d %H:%M}",
            subject=f"tenant/{stack}/{tenant}",
            hint="skerry apply, then `--now` takes it out of the document",
        )
    text = next(each for each in folder.sources.texts if each.path == roster.file)
    when = at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def edit(old: str) -> str:
        if entirely:
            return editing.drop(old, stack, tenant)
        return editing.write(old, stack, tenant, key="removed", value=when)

    _save(folder, text, edit)
    return text.path


def _view(folder: Folder, stack: DeclaredStack, roster: Roster, *, tenant: str) -> TenantView:
    written = roster.tenants[tenant]
    removed = removed_at(written)
    own = [*(written.get("values") or ()), *(key for key in (*OVER, "cell") if written.get(key))]
    return {
        "stack": stack.name,
        "tenant": tenant,
        "namespace": tenant_key(stack.name, tenant).namespace,
        "version": values_of(written, stack.values_for(roster)).get(VERSION),
        "cells": [
            each.cell
            for each in folder.cells
            if _absent(stack, roster, tenant=tenant, cell=each) is None
        ],
        "differs": [*(["version"] if written.get(VERSION) is not None else []), *own],
        "removed": None if removed is None else f"{removed:%Y-%m-%d %H:%M}",
        "ends": None if removed is None else f"{ends_at(removed, stack):%Y-%m-%d %H:%M}",
        "file": roster.file,
        "line": roster.where.line(tenant),
    }


def _absent(stack: DeclaredStack, roster: Roster, *, tenant: str, cell: Cell) -> str | None:
    return absence_of(roster.tenants[tenant], roster, stack, cell=cell)


def _place(stack: DeclaredStack, roster: Roster, *, tenant: str, cell: Cell) -> PlaceView:
    absent = _absent(stack, roster, tenant=tenant, cell=cell)
    if absent is not None:
        return {"cell": cell.cell, "url": None, "absent": absent}
    name = host(materialise(stack, tenant, cell).service, cell)
    port = "" if cell.https == 443 else f":{cell.https}"
    return {"cell": cell.cell, "url": f"https://{name}{port}" if name else None, "absent": None}


def _text(folder: Folder, stack: DeclaredStack, file: str | None) -> SourceText:
    """The document a new tenant goes into: the only one of its stack, or the one named."""
    files = list(dict.fromkeys(roster.file for roster in stack.rosters))
    if file is None and len(files) == 1:
        file = files[0]
    elif file is not None:
        file = os.path.relpath(Path(file).resolve(), folder.root).replace(os.sep, "/")
    if file not in files:
        said = "is split over several files" if file is None else f"has no document in {file}"
        raise Refused(
            said, subject=f"stack/{stack.name}", hint=f"add --file with one of {', '.join(files)}"
        )
    return next(each for each in folder.sources.texts if each.path == file)


def _save(folder: Folder, text: SourceText, edit: editing.Edit) -> None:
    """The text edited, if the repository is valid with it."""
    try:
        made = edit(text.text)
    except editing.CannotEdit as error:
        raise Refused(
            f"cannot be edited safely: {error}", subject=text.path, hint="edit it by hand"
        ) from error
    texts = tuple(
        SourceText(path=each.path, text=made) if each is text else each
        for each in folder.sources.texts
    )
    load(Sources(name=folder.sources.name, texts=texts, contents=folder.sources.contents))
    _replace(folder.root / text.path, text.text, made)


def _replace(path: Path, before: str, after: str) -> None:
    """Put the file's new text in place, at once, unless somebody changed it meanwhile."""
    path = path.resolve()
    if path.read_bytes() != before.encode():
        raise Refused("was changed meanwhile", subject=str(path), hint="run it again")
    fresh = path.with_name(f".{path.name}.skerry")
    fresh.write_bytes(after.encode())
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)
