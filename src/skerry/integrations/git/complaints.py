"""What git's complaints mean to a person, and what helps. Pure."""

import re
from typing import Final, NamedTuple

from skerry.errors import NotFound, SkerryError, Unavailable


class GitFailed(Exception):
    """Git ended with an error; its text is what git complained of."""


class _Rule(NamedTuple):
    pattern: str
    kind: type[SkerryError]
    cause: str
    hint: str


_LET_IN: Final = (
    "let git in: SKERRY_REPOSITORY_TOKEN_FILE, a credential helper, or an ssh key; "
    "try it: git ls-remote {url}"
)

# First match wins: the more telling lines come first.
_RULES: Final = (
    _Rule(
        r"Host key verification failed",
        Unavailable,
        "the host's ssh key is not known",
        "ssh-keyscan HOST >> ~/.ssh/known_hosts",
    ),
    _Rule(
        r"Permission denied \(|Authentication failed|could not read (?:Username|Password)"
        r"|terminal prompts disabled|HTTP Basic: Access denied|returned error: 40[13]",
        Unavailable,
        "git is not let in",
        _LET_IN,
    ),
    _Rule(
        r"dubious ownership",
        Unavailable,
        "belongs to another user",
        "git config --global --add safe.directory {url}",
    ),
    _Rule(
        r"does not appear to be a git repository|[Rr]epository .*not found|does not exist"
        r"|returned error: 404|Could not find the repository",
        NotFound,
        "is no git repository that can be read",
        "see that SKERRY_REPOSITORY is right: git ls-remote {url}",
    ),
    _Rule(
        r"Could not resolve|Temporary failure in name|Connection refused|timed out|Timeout"
        r"|Network is unreachable|No route to host|Failed to connect|Couldn't connect"
        r"|Connection reset|early EOF|hung up|Operation too slow|SSL|TLS|certificate"
        r"|returned error: 5\d\d|unable to access",
        Unavailable,
        "cannot be reached",
        "git ls-remote {url}",
    ),
    _Rule(
        r"No space left|[Dd]isk quota|Read-only file system",
        Unavailable,
        "cannot be kept on this machine",
        "df -h {folder}",
    ),
)


_DAMAGE: Final = (
    r"\.lock': File exists|corrupt|bad object|loose object|bad index|invalid pack"
    r"|unable to read (?:tree|sha1)|missing (?:blob|tree|commit)|not a git repository: '\.'"
)


def is_damage(failed: GitFailed) -> bool:
    """Whether the copy on this machine is at fault, so that a fresh one helps."""
    return re.search(_DAMAGE, str(failed)) is not None


def explain(failed: GitFailed, *, subject: str, url: str, folder: str) -> SkerryError:
    """The error in Skerry's words, with git's own line where that says more."""
    complained = str(failed)
    line = _line(complained)
    for rule in _RULES:
        if re.search(rule.pattern, complained):
            hint = rule.hint.format(url=url, folder=folder)
            return rule.kind(f"{rule.cause}: {line}", subject=subject, hint=hint)
    return Unavailable(f"git failed: {line}", subject=subject, hint=f"git ls-remote {url}")


def _line(complained: str) -> str:
    """The line that says why: the first `fatal:` or `ERROR:`, else the last."""
    lines = [line.strip() for line in complained.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "ERROR:", "remote:"))]
    found = next((line for line in telling if not line.startswith("remote:")), None)
    chosen = found or (telling or lines or ["it does not say why"])[-1]
    return _without_password(re.sub(r"^(?:fatal|ERROR|remote):\s*", "", chosen))[:300]


def _without_password(line: str) -> str:
    return re.sub(r"(://)[^/@\s]*@", r"\1", line)


def shown(url: str) -> str:
    """An address without who logs in and how: for messages."""
    return _without_password(url)
