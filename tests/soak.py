"""Long proofs run as samples in `make test`, and at their full counts in `make soak`."""

import os

SOAK = bool(os.environ.get("SKERRY_SOAK"))


def soak_count(sample: int, full: int) -> int:
    """How often to repeat: `full` under `make soak`, else `sample`."""
    return full if SOAK else sample
