"""What a service's document points to: files to mount, a folder to build."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from posixpath import normpath

from skerry.model.service import Service
from skerry.model.sources import Sources, is_outside, path_of
from skerry.spec.messages import Complaint
from skerry.spec.words import show_key, suggest


class Attachments:
    """The files and images a front door sent along; each digested once."""

    def __init__(self, sources: Sources) -> None:
        self._contents = sources.contents
        self._builds: Mapping[str, str] = {
            normpath(folder): image for folder, image in sources.builds.items()
        }
        self._digests: dict[str, str] = {}

    def digests(self, service: Service, folder: str) -> list[str]:
        """The digest of each of its files, in the order of their paths in the container."""
        return [
            self._digest(path_of(folder, service.files[path])) for path in sorted(service.files)
        ]

    def image(self, service: Service, folder: str) -> str | None:
        """What was built from its `build:` folder, if it was."""
        if service.build is None:
            return None
        return self._builds.get(path_of(folder, service.build))

    def complaints(self, service: Service, folder: str) -> Iterator[Complaint]:
        """Files that are not there, and paths that lead out of the repository."""
        for path, written in service.files.items():
            target = path_of(folder, written)
            if is_outside(target):
                said = f"`{show_key(written)}` is outside the repository"
                yield Complaint(("files", path), said, "move the file into the repository")
            elif target not in self._contents:
                end, _ = suggest(target, tuple(self._contents))
                said = f"there is no file `{show_key(target)}`{end}"
                yield Complaint(("files", path), said, "paths start from this document's folder")
        if service.build is not None and is_outside(path_of(folder, service.build)):
            said = f"`{show_key(service.build)}` is outside the repository"
            yield Complaint(("build",), said, "move the folder into the repository")

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            content = self._contents.get(path, b"")
            self._digests[path] = blake2b(content, digest_size=12).hexdigest()
        return self._digests[path]
