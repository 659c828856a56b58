"""Certificates of servers on loopback, and an authority that vouches for them."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Certificates:
    """An authority of the test's own, one below it that signs, and servers' certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root, self.root_key = self._signed("Root of a test", authority=True)
        self.middle, self.middle_key = self._signed("Intermediate of a test", authority=True, signer="root")
        self.authorities = folder / "authorities.pem"
        self.authorities.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))

    def server(
        self,
        *,
        days: tuple[int, int] = (-1, 1),
        address: str = "127.0.0.1",
        self_signed: bool = False,
        whole_chain: bool = True,
    ) -> ssl.SSLContext:
        """The server side for sis.example.org and an address, with a certificate of these days."""
        signer = None if self_signed else "middle"
        certificate, key = self._signed("Server of a test", signer=signer, days=days, address=address)
        pem = serialization.Encoding.PEM
        chain = self.folder / "server.pem"
        chain.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
            + (self.middle.public_bytes(pem) if whole_chain and not self_signed else b"")
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _signed(
        self,
        name: str,
        *,
        authority: bool = False,
        signer: str | None = None,
        days: tuple[int, int] = (-1, 1),
        address: str = "127.0.0.1",
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signing_key = key
        if signer:
            issuer, signing_key = getattr(self, signer).subject, getattr(self, f"{signer}_key")
        now = datetime.now(UTC)
        names: list[x509.GeneralName] = [x509.DNSName("sis.example.org"), x509.IPAddress(IPv4Address(address))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), False)
            .sign(signing_key, hashes.SHA256())
        )
        return certificate, key
