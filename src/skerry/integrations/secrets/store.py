"""Skerry's own secrets: encrypted among the store's facts, the key in a file."""

import asyncio
import re
from pathlib import Path
from typing import Final

import orjson

from skerry.errors import NotFound, Refused, SkerryError, Unavailable
from skerry.integrations.secrets import keys
from skerry.integrations.secrets.keys import Keyring
from skerry.model.secret import STORE, SecretValue
from skerry.ports import ObjectStore

FACT: Final = "secret"
NAME: Final = re.compile(
    r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?"  # its namespace, none for the default
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?"
)
# Linux takes no environment variable over 128 KiB, name and all (MAX_ARG_STRLEN).
LARGEST_BYTES: Final = 120 * 1024


class EncryptedSecrets:
    """Secrets by name, as `SecretKey` writes it. One server writes them: what is stored
    is read once, then remembered, encrypted, until it is needed.

    Each value is sealed together with its name, so that nobody with a hand on the database
    can put one secret in another's place.
    """

    def __init__(self, facts: ObjectStore, key_file: Path) -> None:
        """Nothing is read or made before the first use: see `open`."""
        self._facts = facts
        self._key_file = key_file
        self._keyring: Keyring | None = None
        self._stored: dict[str, bytes] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Read or make the key file. Raises SkerryError when others can read it. One that is
        gone or does not fit is said when a secret is used: the rest of the server can run."""
        async with self._one_at_a_time:
            if self._key_file.exists() or not await self._sealed():
                await self._ring()

    async def resolve(self, reference: str) -> SecretValue:
        """The value of `store:NAME`, or of `store:NAMESPACE/NAME`. Raises NotFound with the command
        that sets it."""
        async with self._one_at_a_time:
            plain = await self._opened(await self._ring(), reference.removeprefix(STORE))
            return SecretValue(plain.decode())

    async def fingerprint(self, reference: str) -> str:
        """Equal for equal values, whatever their names; changes with the value only."""
        async with self._one_at_a_time:
            keyring = await self._ring()
            return keyring.fingerprint(await self._opened(keyring, reference.removeprefix(STORE)))

    async def put(self, name: str, value: SecretValue) -> None:
        """Create or replace. Raises Refused for a name or a value no container can take."""
        _check(name, value)
        async with self._one_at_a_time:
            await self._keep(await self._ring(), name, value.reveal().encode())

    async def drop(self, name: str) -> None:
        """Forget; needs no key. Raises NotFound."""
        async with self._one_at_a_time:
            sealed = await self._sealed()
            if name not in sealed:
                raise _unknown(name)
            await self._facts.put_fact(FACT, name, None)
            del sealed[name]

    async def names(self) -> tuple[str, ...]:
        """What is there, sorted; never the values."""
        async with self._one_at_a_time:
            return tuple(sorted(await self._sealed()))

    async def forget(self) -> None:
        """Read what is stored again: another server may have written meanwhile."""
        async with self._one_at_a_time:
            self._stored = None

    async def derive(self, purpose: str) -> bytes:
        """32 bytes that only who has the key file can know, other ones for each purpose."""
        async with self._one_at_a_time:
            return (await self._ring()).derive(purpose)

    async def rotate(self) -> int:
        """Encrypt everything with a new key and forget the old; returns how many.

        A crash in between leaves a key file that opens both; rotating again finishes it.
        Fingerprints stay, so no service is restarted.
        """
        async with self._one_at_a_time:
            both = (await self._ring()).with_new_key()
            self._use(both)
            names = tuple(await self._sealed())
            for name in names:
                await self._keep(both, name, await self._opened(both, name))
            self._use(both.newest_only())
            return len(names)

    async def _sealed(self) -> dict[str, bytes]:
        if self._stored is None:
            found = await self._facts.facts(FACT)
            self._stored = {name: fact["sealed"].encode() for name, fact in found.items()}
        return self._stored

    async def _ring(self) -> Keyring:
        if self._keyring is None:
            count = len(await self._sealed())
            if count and not self._key_file.exists():
                raise SkerryError(
                    f"is gone, and {count} secret{'s are' if count > 1 else ' is'} sealed with it",
                    subject=f"key/{self._key_file}",
                    hint="put back your copy of it; without one, remove every secret and set it "
                    "again: skerry secrets delete NAME",
                )
            self._keyring = keys.make_or_read(self._key_file)
        return self._keyring

    def _use(self, keyring: Keyring) -> None:
        keys.replace(self._key_file, keyring)
        self._keyring = keyring

    async def _keep(self, keyring: Keyring, name: str, plain: bytes) -> None:
        sealed = keyring.seal(orjson.dumps([name, plain.decode()]))
        await self._facts.put_fact(FACT, name, {"sealed": sealed.decode()})
        (await self._sealed())[name] = sealed

    async def _opened(self, keyring: Keyring, name: str) -> bytes:
        sealed = (await self._sealed()).get(name)
        if sealed is None:
            raise _unknown(name)
        plain = keyring.open(sealed)
        if plain is not None:
            sealed_name, value = orjson.loads(plain)
            if sealed_name == name:
                return str(value).encode()
        raise Unavailable(
            f"cannot be opened with the key in {self._key_file}",
            subject=f"secret/{name}",
            hint=f"put back the key file of this database, or: skerry secrets set {name}",
        )


def _check(name: str, value: SecretValue) -> None:
    subject = f"secret/{name[:128]}"
    if not NAME.fullmatch(name):
        raise Refused(
            "is no name for a secret: use letters, digits and . _ - between them, at most 128",
            subject=subject,
            hint="skerry secrets set db-password",
        )
    try:
        plain = value.reveal().encode()
    except UnicodeEncodeError:
        raise Refused(
            "is not text in UTF-8", subject=subject, hint="encode it, as base64"
        ) from None
    if not plain:
        raise Refused("is empty", subject=subject, hint=f"skerry secrets set {name}")
    if b"\0" in plain:
        raise Refused("holds a NUL, which no environment variable can", subject=subject)
    if len(plain) > LARGEST_BYTES:
        raise Refused(
            f"is larger than {LARGEST_BYTES // 1024} KiB, more than an environment variable holds",
            subject=subject,
        )


def _unknown(name: str) -> NotFound:
    return NotFound("is not set", subject=f"secret/{name}", hint=f"skerry secrets set {name}")
