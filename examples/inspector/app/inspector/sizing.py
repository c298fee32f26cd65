"""`python3 -m inspector.sizing`: the slow worker."""

from inspector.sizes import measure
from inspector.worker import run

if __name__ == "__main__":
    run("size", lambda archive, beat: measure(archive, beat=beat))
