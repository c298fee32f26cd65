"""The key file: what encrypts secrets, kept outside the database.

Lines of `word value`: one `fingerprint`, then one `key` or more, newest first. The
fingerprints' key is apart from the others so that a new encryption key changes no
fingerprint, and so restarts no service.
"""

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from skerry.errors import SkerryError, Unavailable
from skerry.integrations.store.once import create_once, replace_whole

_FINGERPRINT_DIGITS = 16  # 64 bits: two of 10,000 secrets collide once in 10^11 fleets
_ABOUT = "# Encrypts Skerry's secrets. Without this file they are lost: keep a copy, elsewhere.\n"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys in memory. Seals with the newest, opens with any."""

    fingerprint_key: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """A new one."""
        return cls(secrets.token_bytes(32), (Fernet.generate_key(),))

    def with_new_key(self) -> "Keyring":
        """Seals with a new key, still opens with the old."""
        return Keyring(self.fingerprint_key, (Fernet.generate_key(), *self.keys))

    def newest_only(self) -> "Keyring":
        """Opens only what the newest key has sealed."""
        return Keyring(self.fingerprint_key, self.keys[:1])

    def seal(self, plain: bytes) -> bytes:
        """Encrypted and authenticated (Fernet)."""
        return self._fernet().encrypt(plain)

    def open(self, sealed: bytes) -> bytes | None:
        """What was sealed, or None when none of the keys fits or it was tampered with."""
        try:
            return self._fernet().decrypt(sealed)
        except InvalidToken:
            return None

    def fingerprint(self, plain: bytes) -> str:
        """HMAC-SHA-256, the first 64 bits in hexadecimal."""
        digest = hmac.new(self.fingerprint_key, plain, hashlib.sha256).hexdigest()
        return digest[:_FINGERPRINT_DIGITS]

    def derive(self, purpose: str) -> bytes:
        """Other secret bytes from the same file; the same after a new encryption key."""
        # Another hash than fingerprints have: none of them tells anything of this.
        return hmac.new(self.fingerprint_key, purpose.encode(), hashlib.sha512).digest()[:32]

    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(key) for key in self.keys])


def make_or_read(path: Path) -> Keyring:
    """The key file's keys; a new file, mode 0600, when there is none. Raises SkerryError when
    others may read it or it is no key file, Unavailable when it cannot be written."""
    try:
        content = create_once(path, _written(Keyring.fresh()))
        _check_private(path)
    except OSError as error:
        raise _unusable(path, error) from error
    return _parsed(path, content)


def replace(path: Path, keyring: Keyring) -> None:
    """Write other keys in the place of those there, in one step."""
    try:
        replace_whole(path, _written(keyring))
    except OSError as error:
        raise _unusable(path, error) from error


def _check_private(path: Path) -> None:
    found = path.stat()
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SkerryError(
            f"is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            subject=f"key/{path}",
            hint=f"chmod 600 {path}; if others could read it, also change the secrets themselves",
        )
    if found.st_uid != os.geteuid():
        raise SkerryError(
            "belongs to somebody else",
            subject=f"key/{path}",
            hint=f"chown {os.geteuid()} {path}, or run the server as its owner",
        )


def _written(keyring: Keyring) -> bytes:
    lines = [f"fingerprint {keyring.fingerprint_key.hex()}"]
    lines += [f"key {key.decode()}" for key in keyring.keys]
    return (_ABOUT + "\n".join(lines) + "\n").encode()


def _parsed(path: Path, content: bytes) -> Keyring:
    lines = [line.split() for line in content.decode("ascii", "replace").splitlines()]
    pairs = [(line[0], line[1]) for line in lines if len(line) == 2]
    try:
        (fingerprint,) = [bytes.fromhex(value) for word, value in pairs if word == "fingerprint"]
        keys = tuple(value.encode() for word, value in pairs if word == "key")
        MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise SkerryError(
            "is no key file", subject=f"key/{path}", hint="put back the copy of it"
        ) from error
    return Keyring(fingerprint, keys)


def _unusable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"cannot be read or written: {error.strerror}",
        subject=f"key/{path}",
        hint=f"ls -l {path}; df -h {path.parent}",
    )
