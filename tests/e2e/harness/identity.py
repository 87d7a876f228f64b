"""Certificates and keys of the outside world, made by OpenSSL for one run."""
import pathlib
import subprocess
import tempfile

P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("rsa:2048",)


class Identity:
    """A self-signed certificate with its key, valid for so many days."""

    def __init__(self, name: str, days: int = 2, kind: tuple[str, ...] = P256):
        with tempfile.TemporaryDirectory(prefix="crossdock-e2e-cert-") as directory:
            key, certificate = pathlib.Path(directory, "key"), pathlib.Path(directory, "certificate")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", *kind, "-nodes",
                 "-days", str(days), "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", key, "-out", certificate],
                check=True, capture_output=True)
            self.key, self.certificate = key.read_text(), certificate.read_text()

    @property
    def pair(self) -> dict:
        return {"certificate": self.certificate, "private_key": self.key}

    def sign(self, text: bytes, digest: str = "sha256") -> bytes:
        """As its kind of key does: of RSA PKCS #1 v1.5, of P-256 in DER."""
        with tempfile.NamedTemporaryFile("w", suffix=".key") as key:
            key.write(self.key)
            key.flush()
            made = subprocess.run(["openssl", "dgst", f"-{digest}", "-sign", key.name], input=text,
                                  check=True, capture_output=True)
        return made.stdout
