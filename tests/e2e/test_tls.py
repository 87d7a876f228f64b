"""The listener with TLS, and a new certificate without a restart."""
import hashlib
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from harness import Api, Hub, HubCase, eventually, on_both_engines
from harness.hub import BOOTSTRAP_KEY
from harness.paths import SERVER

load_tests = on_both_engines


def make_certificate(directory: pathlib.Path) -> None:
    """A new self-signed certificate for 127.0.0.1 in cert.pem, its key in key.pem."""
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=crossdock",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            directory / "key.pem",
            "-out",
            directory / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )


class Tls(HubCase):
    @classmethod
    def setUpClass(cls) -> None:
        """Each test has a hub of its own."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-e2e-tls-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        make_certificate(self.directory)
        self.hub = Hub(self.engine, {"CROSSDOCK_TLS_CERTIFICATE": str(self.directory / "cert.pem"),
                                     "CROSSDOCK_TLS_KEY": str(self.directory / "key.pem")})
        self.addCleanup(self.hub.remove)

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.directory / "cert.pem")

    def served_certificate(self) -> str:
        """The fingerprint of what a new connection is shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=10) as raw:
            with context.wrap_socket(raw) as connection:
                return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()

    def certificate_on_disk(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert((self.directory / "cert.pem").read_text())).hexdigest()

    def test_the_api_is_served_over_tls_and_not_without(self):
        self.hub.start()
        self.assertIn(f"https://127.0.0.1:{self.hub.port}", self.hub.first_lines[-1])

        api = Api(self.hub.port, BOOTSTRAP_KEY, tls=self.trusting())
        self.expect(201, api.post("/api/v1/tenants", {"name": "Acme", "slug": "acme"}))
        with self.assertRaises(OSError):
            Api(self.hub.port).get("/livez")
        self.expect(200, api.get("/livez"))

    def test_commands_take_an_authority_of_ones_own(self):
        self.hub.start()
        settings = {"CROSSDOCK_URL": f"https://127.0.0.1:{self.hub.port}", "CROSSDOCK_API_KEY": BOOTSTRAP_KEY,
                    "CROSSDOCK_TENANT": "acme"}
        api = Api(self.hub.port, BOOTSTRAP_KEY, tls=self.trusting())
        self.expect(201, api.post("/api/v1/tenants", {"name": "Acme", "slug": "acme"}))
        authority = str(self.directory / "cert.pem")
        cases = (([], {}, 6, "--ca-file"), (["--ca-file", authority], {}, 0, ""),
                 ([], {"CROSSDOCK_CA_FILE": authority}, 0, ""),
                 (["--ca-file", str(self.directory / "key.pem")], {}, 2, "key.pem"))
        for words, more, status, said in cases:
            with self.subTest(words=words, more=more):
                ended = subprocess.run([SERVER, "deliveries", "list", *words],
                                       env=self.hub.environment | settings | more,
                                       text=True, capture_output=True, timeout=30, check=False)
                self.assertEqual(ended.returncode, status, ended.stderr)
                self.assertIn(said, ended.stderr)

    def test_old_versions_of_tls_are_refused(self):
        self.hub.start()
        context = self.trusting()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

        with self.assertRaises(OSError):
            Api(self.hub.port, tls=context).get("/livez")

    def test_a_new_certificate_is_taken_on_sighup(self):
        self.hub.start()
        first = self.served_certificate()
        kept = Api(self.hub.port, tls=self.trusting())
        make_certificate(self.directory)
        self.assertEqual(self.served_certificate(), first)

        self.hub.signal(signal.SIGHUP)

        eventually(lambda: self.served_certificate() == self.certificate_on_disk(), "the new certificate")
        self.expect(200, Api(self.hub.port, tls=self.trusting()).get("/livez"))
        with self.assertRaises(ssl.SSLError):
            kept.get("/livez")

    def test_a_certificate_that_cannot_be_used_leaves_the_old_one(self):
        self.hub.start()
        first = self.served_certificate()
        (self.directory / "cert.pem").write_text("nonsense")

        self.hub.signal(signal.SIGHUP)

        eventually(lambda: "old certificate" in self.hub.log_tail(), "it says so")
        self.assertEqual(self.served_certificate(), first)

    def test_sighup_without_tls_changes_nothing(self):
        self.hub.settings["CROSSDOCK_TLS_CERTIFICATE"] = self.hub.settings["CROSSDOCK_TLS_KEY"] = None
        self.hub.start()
        self.hub.signal(signal.SIGHUP)

        self.expect(200, self.hub.api.get("/livez"))
        self.assertEqual(self.hub.stop(), 0)

    def test_a_key_of_another_certificate_is_refused_at_the_start(self):
        other = self.directory / "other"
        other.mkdir()
        make_certificate(other)
        self.hub.settings["CROSSDOCK_TLS_KEY"] = str(other / "key.pem")

        ended = self.hub.run_to_its_end()
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr,
                         r"key in .*/other/key\.pem does not belong to the certificate in .*/cert\.pem")


if __name__ == "__main__":
    unittest.main()
