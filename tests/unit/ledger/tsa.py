"""A small time-stamp authority (RFC 3161), for tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_POLICY = "1.3.6.1.4.1.99999.1"
_YEAR = timedelta(days=365)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Its root, its certificate, and the time that it says. `forged`: it signs another digest."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    forged: bool = False
    asked: int = 0

    def __post_init__(self) -> None:
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self._certificate("Root", "Root", self.root_key, ca=True)
        self.certificate = self._certificate("Time", "Root", self.key, ca=False)

    def _certificate(
        self, subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, *, ca: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - _YEAR)
            .not_valid_after(self.now + _YEAR)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self.root_key, hashes.SHA256())

    async def __call__(self, data: bytes) -> bytes:
        """The answer to a request."""
        self.asked += 1
        asked = tsp.TimeStampReq.load(data)
        imprint = asked["message_imprint"]
        if self.forged:
            imprint = tsp.MessageImprint(
                {"hash_algorithm": {"algorithm": "sha512"},
                 "hashed_message": hashlib.sha512(b"another").digest()}
            )  # fmt: skip
        info = tsp.TSTInfo(
            {"version": "v1", "policy": _POLICY, "message_imprint": imprint,
             "serial_number": self.asked, "gen_time": self.now.replace(microsecond=0),
             "nonce": asked["nonce"].native}
        )  # fmt: skip
        granted = {"status": {"status": "granted"}, "time_stamp_token": self._token(info.dump())}
        return bytes(tsp.TimeStampResp(granted).dump())

    def _token(self, info: bytes) -> cms.ContentInfo:
        mine = asn1.Certificate.load(self.certificate.public_bytes(Encoding.DER))
        which = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(mine.dump()).digest()})
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
                {"type": "signing_certificate_v2", "values": [{"certs": [which]}]},
            ]
        )
        signature = self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        digest = algos.DigestAlgorithm({"algorithm": "sha256"})
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {"issuer_and_serial_number": {"issuer": mine.issuer,
                                              "serial_number": mine.serial_number}}
            ),
            "digest_algorithm": digest,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }  # fmt: skip
        signed = cms.SignedData(
            {"version": "v3", "digest_algorithms": [digest],
             "encap_content_info": {"content_type": "tst_info",
                                    "content": core.ParsableOctetString(info)},
             "certificates": [mine], "signer_infos": [signer]}
        )  # fmt: skip
        return cms.ContentInfo({"content_type": "signed_data", "content": signed})
