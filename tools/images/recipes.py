"""What each base image holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REPOSITORY = "localhost/skerry"

# Maintainer scripts need these, programs do not. Apt is told they are installed already:
# 10 MB of download and 40 MB of image less.
PRETENDED = (
    "adduser",
    "debconf",
    "dpkg",
    "init-system-helpers",
    "libpam-modules",
    "libpam0g",
    "lsb-base",
    "openssl",
    "passwd",
    "perl",
    "perl-base",
    "readline-common",
    "sysvinit-utils",
    "tar",
    "usrmerge",
)

# Enough to look around with `skerry exec`. All are links to one static program of 2 MB.
_APPLETS = """
awk basename cat chmod chown cp cut date dd df dirname du echo env expr false find free grep
gzip head hostname id ip kill killall less ln ls md5sum mkdir mkfifo mktemp more mv nc netstat
nproc nslookup od pgrep ping pkill printenv printf ps pwd readlink realpath rm rmdir sed seq sh
sha256sum sleep sort stat stty sync tail tar tee test time timeout top touch tr true tty uname
uniq uptime vi watch wc wget which whoami xargs yes
"""
APPLETS = tuple(_APPLETS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account of the image. Its group has the same name and number."""

    name: str
    number: int
    home: str = "/nonexistent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An image: its packages and all they depend on, and how it starts."""

    name: str
    packages: tuple[str, ...]
    users: tuple[User, ...]
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


_ROOT = User(name="root", number=0, home="/root")
_NOBODY = User(name="nobody", number=65534)
APP = User(name="app", number=10001, home="/app")
REDIS = User(name="redis", number=10002, home="/var/lib/redis")

BASE = Recipe(
    name="base",
    packages=("python3", "python3-redis", "ca-certificates", "busybox-static"),
    users=(_ROOT, _NOBODY, APP),
    command=("python3",),
    env={"PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"},
)
BASE_REDIS = Recipe(
    name="base-redis",
    packages=("redis-server", "busybox-static"),
    users=(_ROOT, _NOBODY, REDIS),
    command=("redis-server",),
)
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (BASE, BASE_REDIS)}
