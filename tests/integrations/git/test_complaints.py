"""What git complains of, in Skerry's words."""

import pytest

from skerry.integrations.git.complaints import GitFailed, explain, shown

CASES = [
    (
        "fatal: unable to access 'https://git.acme.dev/shop/': "
        "Could not resolve host: git.acme.dev\n",
        "cannot be reached: unable to access",
        "unavailable",
    ),
    (
        "fatal: could not read Username for 'https://git.acme.dev': terminal prompts disabled",
        "git is not let in",
        "unavailable",
    ),
    (
        "git@h: Permission denied (publickey).\nfatal: Could not read",
        "git is not let",
        "unavailable",
    ),
    ("remote: Repository not found.\nfatal: repository 'x' not found", "is no git", "not_found"),
    (
        "Host key verification failed.\nfatal: Could not read from",
        "the host's ssh key",
        "unavailable",
    ),
    ("timed out after 120 s", "cannot be reached: timed out after 120 s", "unavailable"),
    ("fatal: write error: No space left on device", "cannot be kept", "unavailable"),
    ("", "git failed: it does not say why", "unavailable"),
]


@pytest.mark.parametrize(("complained", "cause", "code"), CASES)
def test_a_complaint_becomes_a_sentence(complained: str, cause: str, code: str) -> None:
    error = explain(GitFailed(complained), subject="repository/x@main", url="URL", folder="/s")
    assert error.cause.startswith(cause)
    assert error.code == code
    assert error.hint


def test_who_logs_in_is_in_no_message() -> None:
    complained = "fatal: Authentication failed for 'https://me:hunter2@git.acme.dev/shop'"
    error = explain(
        GitFailed(complained), subject="s", url=shown("https://me:hunter2@h/x"), folder=""
    )
    assert "hunter2" not in f"{error} {error.hint}"
