"""The real server over the memory engine, in a process of its own:

    python -m tests.cli.memory_server STATE_FOLDER

It writes `server.json` as the real one does, so that the command line finds it.
"""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn

from skerry.api.app import create_app
from skerry.api.release import VERSION
from skerry.integrations.store.folder import open_folder
from skerry.wiring.server import open_memory


async def serve(folder: Path) -> None:
    """Until told to stop."""
    state = open_folder(folder)
    async with open_memory(state, start_seconds=0.05) as fleet:
        listener = socket.create_server(("127.0.0.1", 0))
        servers: list[uvicorn.Server] = []

        def stop() -> None:
            servers[0].should_exit = True

        config = uvicorn.Config(
            create_app(fleet, stop=stop), lifespan="off", ws="websockets-sansio"
        )
        servers.append(uvicorn.Server(config))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        said = {"url": url, "pid": os.getpid(), "version": VERSION}
        state.server_file.write_text(json.dumps(said))
        await servers[0].serve(sockets=[listener])
        state.server_file.unlink(missing_ok=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
