"""A certificate authority for one test cluster, and the keys its parts need."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """Signs server and client certificates; all its files are in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ca.crt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("skerry-tests", ())
        authority = (
            self._builder(self._name, self._key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def server(self, name: str, *, also: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, localhost and other names, and its key."""
        names = [x509.DNSName(dns) for dns in ("localhost", "kubernetes.default.svc", *also)]
        addresses = [x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", "10.0.0.1")]
        return self._leaf(name, (), x509.SubjectAlternativeName([*names, *addresses]), days=1)

    def client(
        self, user: str, groups: tuple[str, ...] = (), *, days: float = 1
    ) -> tuple[Path, Path]:
        """A certificate of a user in these groups; with negative days one that is over."""
        return self._leaf(user, groups, None, days=days)

    def signing_key(self, name: str) -> Path:
        """A key alone: for service account tokens."""
        return self._write_key(name, ec.generate_private_key(ec.SECP256R1()))

    def _leaf(
        self,
        name: str,
        groups: tuple[str, ...],
        names: x509.SubjectAlternativeName | None,
        *,
        days: float,
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        kind = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            self._builder(_name(name, groups), key, days=days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([kind]), critical=False)
        )
        if names:
            builder = builder.add_extension(names, critical=False)
        file = self.folder / f"{name}.crt"
        signed = builder.sign(self._key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return file, self._write_key(name, key)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: float
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
        )

    def _write_key(self, name: str, key: ec.EllipticCurvePrivateKey) -> Path:
        file = self.folder / f"{name}.key"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        file.chmod(0o600)
        return file


def _name(common: str, groups: tuple[str, ...]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
