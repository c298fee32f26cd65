"""Settings, from the environment."""

import os
from pathlib import Path

MIB = 2**20
GIB = 2**30

REDIS_HOST = os.environ.get("REDIS_HOST", "redis")
REDIS_PORT = int(os.environ.get("REDIS_PORT", "6379"))
API_URL = os.environ.get("API_URL", "http://api:8080")
PORT = int(os.environ.get("PORT", "8080"))
DATA = Path(os.environ.get("DATA", "/var/lib/inspector"))

MAX_ARCHIVE_BYTES = int(os.environ.get("MAX_ARCHIVE_MIB", "2048")) * MIB
# When the archives kept exceed this, the oldest go; what was learnt of them stays.
KEEP_BYTES = int(os.environ.get("KEEP_MIB", "8192")) * MIB
# A worker that has not said so for this long is dead, and its work is given to another.
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "30"))
# Work that ended so many workers would end the next one too.
MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
