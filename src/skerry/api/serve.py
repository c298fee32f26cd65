"""`skerry server`: the settings of the environment, and a server that runs with them."""

import os

from skerry.api.server import run
from skerry.settings import Settings


def serve() -> None:
    """Serve until told to stop. Raises SkerryError for settings that are wrong, and as
    `server.run` does."""
    run(Settings.from_environment(os.environ))
