"""Images that go wrong, by name: `fault/exits:1`, `fault/never-ready:1`, `fault/missing:1`."""

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with an image. The tag says nothing."""

    EXITS = "fault/exits"  # ends with exit code 1 as soon as it is started
    NEVER_READY = "fault/never-ready"  # runs, and refuses every connection
    MISSING = "fault/missing"  # is in no registry


LAST_LINES = ("reading configuration", "fatal: told to fail")
"""What an image that exits says before it does."""


def fault_of(image: str) -> Fault | None:
    """The fault in an image's name, with or without a registry before it."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    bare = head if colon and "/" not in tag else name
    return next((fault for fault in Fault if bare == fault or bare.endswith(f"/{fault}")), None)
