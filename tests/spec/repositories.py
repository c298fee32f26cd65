"""Repositories in a line, for the tests of spec."""

from skerry.errors import InvalidDocuments
from skerry.model.repository import DeclaredService, Repository
from skerry.model.sources import Sources, SourceText
from skerry.spec.load import Loader, load


def sources(
    *documents: str,
    settings: str = "",
    contents: dict[str, bytes] | None = None,
    builds: dict[str, str] | None = None,
    file: str = "shop.yaml",
) -> Sources:
    """A repository of one file with these documents, and settings."""
    texts = [SourceText(path=file, text="\n---\n".join(documents))]
    if settings:
        texts.append(SourceText(path="skerry.yaml", text=f"version: 1\n{settings}"))
    return Sources(name="shop", texts=tuple(texts), contents=contents or {}, builds=builds or {})


def only(given: Sources, *, loader: Loader | None = None) -> DeclaredService:
    """The one service of a repository."""
    (declared,) = (loader.load(given) if loader else load(given)).services
    return declared


def outcome(given: Sources, *, loader: Loader | None = None) -> Repository | tuple[str, ...]:
    """The repository, or what is wrong with it. Lets every other error through."""
    try:
        return loader.load(given) if loader else load(given)
    except InvalidDocuments as error:
        return tuple(str(problem) for problem in error.problems)


def told(given: Sources) -> tuple[str, ...]:
    """What is wrong with a repository, which must be something."""
    answer = outcome(given)
    assert isinstance(answer, tuple)
    return answer
