"""`python3 -m inspector.inspecting`: the urgent worker."""

from inspector.inspection import inspect
from inspector.worker import run

if __name__ == "__main__":
    run("inspect", lambda archive, beat: inspect(archive))
