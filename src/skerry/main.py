"""argv -> a front door."""

from skerry.cli.app import main

__all__ = ["main"]
