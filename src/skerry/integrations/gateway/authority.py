"""The gateway's own certificate authority: one root per machine, one certificate per name."""

import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from skerry.errors import GatewayUnavailable
from skerry.integrations.gateway.files import replace

ROOT_DAYS = 3650
# Browsers refuse certificates of more than 398 days; renewed when a third is left.
LEAF_DAYS = 390
RENEW_DAYS = 130
# Clocks of virtual machines jump; a certificate from the future is refused by everyone.
LEEWAY = timedelta(days=1)


class Authority:
    """Signs names. Everything is in one folder, readable by the owner alone.

    Names share one key: it never leaves the gateway's process, and a new name then costs a
    signature and a file.
    """

    def __init__(self, folder: Path, *, key: ec.EllipticCurvePrivateKey, root: x509.Certificate):
        self._folder = folder
        self._key = key
        self._root = root
        self._leaf_key = _open_key(folder / "leaf.key")
        self._leaves = dict(_read_leaves(folder))

    @property
    def pem(self) -> str:
        """The root certificate, for whoever shall trust it."""
        return _pem(self._root).decode()

    @property
    def leaf_key(self) -> Path:
        """The file with the key of every name's certificate."""
        return self._folder / "leaf.key"

    def leaves(self, names: Iterable[str], now: datetime) -> Mapping[str, Path]:
        """The certificate file of each name, signed now where there is none or it ends soon.

        A renewed certificate is a new file: what Envoy reads by path never changes under it.
        """
        return {name: self._leaf(name, now) for name in names}

    def due(self, names: Iterable[str], now: datetime) -> bool:
        """Whether one of these has no certificate, or one that ends soon."""
        return any(not self._lasts(name, now) for name in names)

    def prune(self, names: Iterable[str]) -> None:
        """Remove the files of certificates that none of these names uses."""
        wanted = {self._leaves[name][0] for name in names if name in self._leaves}
        for path in self._folder.glob("*.crt"):
            if path not in wanted and path.name != "root.crt":
                path.unlink(missing_ok=True)
        self._leaves = {name: leaf for name, leaf in self._leaves.items() if leaf[0] in wanted}

    def _lasts(self, name: str, now: datetime) -> bool:
        leaf = self._leaves.get(name)
        return leaf is not None and leaf[1] - now > timedelta(days=RENEW_DAYS)

    def _leaf(self, name: str, now: datetime) -> Path:
        if not self._lasts(name, now):
            certificate = self._sign(name, now)
            path = self._folder / f"{name}.{certificate.serial_number:x}.crt"
            replace(path, _pem(certificate))
            self._leaves[name] = (path, certificate.not_valid_after_utc)
        return self._leaves[name][0]

    def _sign(self, name: str, now: datetime) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name[:64]))
            .issuer_name(self._root.subject)
            .public_key(self._leaf_key.public_key())
            .serial_number(secrets.randbits(64) | 1)
            .not_valid_before(now - LEEWAY)
            .not_valid_after(min(now + timedelta(days=LEAF_DAYS), self._root.not_valid_after_utc))
            .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


def open_authority(folder: Path, now: datetime) -> Authority:
    """The authority kept in this folder, made when there is none. Raises GatewayUnavailable
    when what is there cannot be read: a new root would have to be trusted anew."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_path, root_path = folder / "root.key", folder / "root.crt"
    try:
        key = _open_key(key_path)
        if not root_path.exists():
            replace(root_path, _pem(_self_sign(key, now)))
        root = x509.load_pem_x509_certificate(root_path.read_bytes())
        return Authority(folder, key=key, root=root)
    except (OSError, ValueError, TypeError) as error:
        raise GatewayUnavailable(
            f"the certificate authority in {folder} cannot be read: {error}",
            subject="gateway",
            hint=f"remove {folder} for a new one, then run `skerry trust` again",
        ) from error


def _open_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        replace(
            path,
            fresh.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        return fresh
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path.name} is not an elliptic curve key")
    return key


def _self_sign(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _named(f"Skerry local authority {secrets.token_hex(4)}")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LEEWAY)
        .not_valid_after(now + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _read_leaves(folder: Path) -> Iterable[tuple[str, tuple[Path, datetime]]]:
    for path in sorted(folder.glob("*.crt"), key=lambda path: path.stat().st_mtime_ns):
        if path.name != "root.crt":
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
            yield path.name.rsplit(".", 2)[0], (path, certificate.not_valid_after_utc)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
