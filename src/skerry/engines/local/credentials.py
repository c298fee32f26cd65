"""Credentials for private registries, from where Docker's and Podman's logins leave them."""

import asyncio
import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

_DOCKER_HUB: Final = "docker.io"
_DOCKER_HUB_KEYS: Final = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")
_HELPER_SECONDS: Final = 10.0


def registry_of(image: str) -> str:
    """`ghcr.io/acme/web:1` -> ghcr.io; `redis:7` -> docker.io; `localhost/web` -> localhost."""
    first, slash, _ = image.partition("/")
    if not slash:
        return _DOCKER_HUB
    is_host = "." in first or ":" in first or first == "localhost"
    return first if is_host else _DOCKER_HUB


def login_files(environ: Mapping[str, str], home: Path) -> Iterable[Path]:
    """Where a login may be kept, the first that has one wins."""
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers/auth.json")
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker", "config.json")


async def credentials_for(
    image: str, *, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> dict[str, str] | None:
    """The X-Registry-Auth value for an image's registry, or None without a login.

    Nothing of it is kept or logged.
    """
    registry = registry_of(image)
    for path in login_files(environ or os.environ, home or Path.home()):
        try:
            config = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            continue
        if found := await _login(config, image, registry):
            return found
    return None


async def _login(config: Mapping[str, Any], image: str, registry: str) -> dict[str, str] | None:
    helper = (config.get("credHelpers") or {}).get(registry) or config.get("credsStore")
    if helper and (found := await _ask_helper(str(helper), registry)):
        return found
    logins: Mapping[str, Any] = config.get("auths") or {}
    for key in _keys(image, registry):
        login = logins.get(key) or {}
        if encoded := login.get("auth"):
            try:
                user, _, password = base64.b64decode(encoded).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                continue
            return {"username": user, "password": password, "serveraddress": registry}
        if token := login.get("identitytoken"):
            return {"identitytoken": str(token), "serveraddress": registry}
    return None


def _keys(image: str, registry: str) -> Iterable[str]:
    """Podman also keeps logins for a part of a registry: the longest wins."""
    repository = image.partition("@")[0]
    while "/" in repository:
        yield repository
        repository = repository.rpartition("/")[0]
    yield registry
    yield f"https://{registry}"
    if registry == _DOCKER_HUB:
        yield from _DOCKER_HUB_KEYS


async def _ask_helper(name: str, registry: str) -> dict[str, str] | None:
    server = _DOCKER_HUB_KEYS[0] if registry == _DOCKER_HUB else registry
    try:
        process = await asyncio.create_subprocess_exec(
            f"docker-credential-{name}",
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(_HELPER_SECONDS):
            said, _ = await process.communicate(server.encode())
        found = orjson.loads(said)
        return {
            "username": str(found["Username"]),
            "password": str(found["Secret"]),
            "serveraddress": registry,
        }
    except (OSError, TimeoutError, orjson.JSONDecodeError, KeyError):
        return None
