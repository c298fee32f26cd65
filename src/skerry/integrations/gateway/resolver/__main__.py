"""`python -m skerry.integrations.gateway.resolver FOLDER RESOLV_CONF`: the name server of the
gateway whose folder this is, until SIGTERM."""

import asyncio
import os
import sys
from pathlib import Path

from skerry.integrations.gateway.resolver.service import serve


def main(folder: str, resolv_conf: str) -> None:
    """A Unix socket's path may be 107 bytes long: in the folder, its name is enough."""
    os.chdir(folder)
    os.umask(0o077)
    asyncio.run(serve(Path(resolv_conf)))


if __name__ == "__main__":
    main(*sys.argv[1:])
