"""What a command's exit code means."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CHANGES: Final = 3  # `plan --exit-code`: the plan has changes; `verify`: it found something
INTERRUPTED: Final = 130  # Ctrl-C, as shells say it
