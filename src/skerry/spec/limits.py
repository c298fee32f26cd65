"""How much a repository may hold. Far above what people write, far below what hurts."""

from typing import Final

MAX_FILE: Final = 64 * 2**20
"""Characters in one file."""
MAX_DOCUMENT: Final = 2**20
"""Characters in one document."""
MAX_STACK: Final = 16 * 2**20
"""Characters in one document of a stack: ten thousand tenants are a quarter of a megabyte."""
MAX_DOCUMENTS: Final = 100_000
"""Documents in one repository."""
MAX_DEPTH: Final = 32
"""Levels of maps and lists in one document; a service needs four."""
MAX_EXPANDED: Final = 2**20
"""Characters of one document once its aliases are written out, where it is not longer itself."""
MAX_FAULTY: Final = 1_000
"""Documents whose problems are told in one answer; the rest is counted."""
MAX_PROBLEMS: Final = 50
"""Problems of one document told in one answer."""
