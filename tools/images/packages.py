"""The packages of a recipe, downloaded by apt from the machine's own sources."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.images.recipes import PRETENDED


class CannotMake(Exception):
    """An image cannot be made on this machine; the message says why and what to do."""


class Packages:
    """Downloads package closures into `folder`, where they are kept for next time.

    Apt's own lists are used where they know the packages; where they do not (a fresh
    container image ships none), they are fetched into `folder` instead, which needs no root.
    """

    def __init__(self, folder: Path, *, may_fetch: bool = True) -> None:
        self._folder = folder
        self._may_fetch = may_fetch
        self._fetched_lists = False

    def closure(self, packages: Sequence[str]) -> tuple[Path, ...]:
        """The .deb files of these packages and of all they need, by name. Raises CannotMake."""
        for program in ("apt-get", "dpkg", "dpkg-deb"):
            if shutil.which(program) is None:
                raise CannotMake(f"{program} is missing: base images are made of Debian packages")
        if self._may_fetch and not self._fetched_lists and not self._solves(packages):
            self._fetch_lists()
        names = self._planned(packages)
        self._run("--download-only", "install", *packages)
        found = sorted(
            path
            for path in self._archives.glob("*.deb")
            if tuple(path.name.split("_", 2)[:2]) in names
        )
        if len(found) < len(names):
            raise CannotMake(f"apt downloaded {len(found)} of {len(names)} packages")
        return tuple(found)

    @property
    def _archives(self) -> Path:
        return self._folder / "archives"

    def _solves(self, packages: Sequence[str]) -> bool:
        return self._apt("--simulate", "install", *packages).returncode == 0

    def _fetch_lists(self) -> None:
        (self._folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        self._fetched_lists = True
        self._run("update")

    def _planned(self, packages: Sequence[str]) -> frozenset[tuple[str, ...]]:
        """Name and version of each package to install, the version as file names have it."""
        said = self._run("--simulate", "install", *packages)
        words = [line.split() for line in said.splitlines() if line.startswith("Inst ")]
        return frozenset((line[1], line[2].lstrip("(").replace(":", "%3a")) for line in words)

    def _run(self, *arguments: str) -> str:
        done = self._apt(*arguments)
        if done.returncode != 0:
            last = " ".join(done.stderr.split())[-500:]
            raise CannotMake(f"apt-get {' '.join(arguments)} failed: {last}")
        return done.stdout

    def _apt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self._archives / "partial").mkdir(parents=True, exist_ok=True)
        status = self._folder / "status"
        status.write_text(_pretended())
        options = {
            "Dir::State::status": status,
            "Dir::Cache::archives": self._archives,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "0",
            "APT::Keep-Downloaded-Packages": "1",
            "APT::Update::Post-Invoke-Success::": "",
            "Acquire::Retries": "3",
        }
        if self._fetched_lists:
            options["Dir::State::lists"] = self._folder / "lists"
        told = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return subprocess.run(
            ["apt-get", *told, "-y", "-q", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )


def _pretended() -> str:
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nMaintainer: nobody\n"
        f"Architecture: {architecture}\nMulti-Arch: foreign\nVersion: 999:999\n"
        f"Description: not in the image\n"
        for name in PRETENDED
    )
