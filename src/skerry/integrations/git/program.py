"""The `git` program, run with nobody there to answer a question."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from skerry.errors import Unavailable
from skerry.integrations.git.complaints import GitFailed

TIMEOUT_SECONDS: Final = 120.0  # a first fetch of a large repository over a slow line
_SSH: Final = "ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=10"
_QUIET: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C",  # complaints are read
}
# Where these point is the caller's work tree, never our mirror.
_FOREIGN: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
_ALWAYS: Final = (
    "protocol.ext.allow=never",  # an address must not be a command
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "gc.auto=0",  # the mirror is tidied between fetches, not in one
    "maintenance.auto=false",
    "core.hooksPath=/dev/null",
)
# Git asks its helper for a name and a password; the file is read each time, so that a token
# may be replaced while the server runs.
_HELPER: Final = (
    '!f() { test "$1" = get || exit 0; echo username=skerry; '
    'printf "password=%s\\n" "$(cat "$SKERRY_GIT_TOKEN")"; }; f'
)


class Git:
    """Runs `git` in one folder."""

    def __init__(
        self, folder: Path, *, environ: Mapping[str, str], token_file: Path | None = None
    ) -> None:
        self._folder = folder
        self._token_file = token_file
        self._environ = {
            **{name: value for name, value in environ.items() if name not in _FOREIGN},
            **_QUIET,
        }
        self._environ.setdefault("GIT_SSH_COMMAND", _SSH)
        if token_file is not None:
            self._environ["SKERRY_GIT_TOKEN"] = str(token_file)

    async def run(self, *arguments: str, sent: bytes = b"") -> bytes:
        """What it prints. Raises GitFailed with what it complains of, Unavailable when it is
        not installed or does not end."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *self._options(),
                *arguments,
                cwd=self._folder,
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # it and its ssh end together
            )
        except FileNotFoundError as error:
            if error.filename != "git":
                raise GitFailed(f"not a git repository: '.' {error}") from error
            raise Unavailable(
                "is not installed", subject="git", hint="apt-get install git"
            ) from error
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                said, complained = await process.communicate(sent)
        except TimeoutError:
            raise GitFailed(f"timed out after {TIMEOUT_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:
                await _end(process)
        if process.returncode:
            raise GitFailed(complained.decode(errors="replace"))
        return said

    def _options(self) -> Sequence[str]:
        own = list(_ALWAYS)
        if self._token_file is not None:
            own += ["credential.helper=", f"credential.helper={_HELPER}"]
        return [word for option in own for word in ("-c", option)]


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
