"""crossdock signature: what senders sign and how a refused request is explained, without a hub."""
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness.paths import SERVER

SECRET = "whsec_test_secret"
BODY = '{"id": "evt_1", "type": "invoice.paid"}'
AT = "2027-01-15T08:00:00Z"  # 1,800,000,000


def stripe_header(body: str, secret: str = SECRET, at: int = 1_800_000_000) -> str:
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Signature(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-e2e-")
        self.addCleanup(directory.cleanup)
        self.secret_file = pathlib.Path(directory.name) / "secret"
        self.secret_file.write_text(SECRET + "\n")
        self.directory = pathlib.Path(directory.name)

    def run_command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([SERVER, "signature", *arguments], input=stdin, text=True, capture_output=True,
                              timeout=30, check=False)

    def verify(self, header: str, body: str = BODY, *more: str) -> tuple[int, dict]:
        request = f"POST /webhooks/acme/pay HTTP/1.1\r\nHost: hub.example.com\r\nStripe-Signature: {header}\r\n\r\n{body}"
        ended = self.run_command("verify", "--scheme", "stripe", "--secret-file", str(self.secret_file), "--at", AT,
                                 "-o", "json", *more, stdin=request)
        self.assertIn(ended.returncode, (0, 1), ended.stderr)
        return ended.returncode, json.loads(ended.stdout)

    def test_a_request_that_its_sender_signed_passes(self) -> None:
        status, said = self.verify(stripe_header(BODY))
        self.assertEqual((status, said["passed"], said["event_ids"]), (0, True, ["evt_1"]))

    def test_what_is_wrong_with_a_request_is_named(self) -> None:
        cases = [(stripe_header(BODY, at=1_800_000_301 - 602), BODY, "timestamp_outside"),
                 (stripe_header(BODY, at=1_800_000_301), BODY, "timestamp_outside"),
                 (stripe_header(BODY, secret="another"), BODY, "signature_differs"),
                 (stripe_header(BODY), BODY.replace("paid", "void"), "signature_differs"),
                 ("t=1800000000", BODY, "signature_missing"),
                 ("t=1800000000,v1=zz", BODY, "signature_unreadable"),
                 ("v1=" + "0" * 64, BODY, "timestamp_missing")]
        for header, body, step in cases:
            with self.subTest(step=step, header=header):
                status, said = self.verify(header, body)
                self.assertEqual((status, said["step"]), (1, step))

    def test_a_body_that_was_written_anew_is_recognised(self) -> None:
        compact = json.dumps(json.loads(BODY), separators=(",", ":"))
        status, said = self.verify(stripe_header(compact))
        self.assertEqual(status, 1)
        self.assertIn("without its white space", said["hint"])

    def test_what_is_signed_for_a_known_sender_passes(self) -> None:
        request = f"POST /hook HTTP/1.1\nHost: hub.example.com\n\n{BODY}"
        for scheme in ("github", "stripe", "slack", "shopify", "square", "hubspot_v2", "zendesk", "twitch"):
            with self.subTest(scheme=scheme):
                signed = self.run_command("sign", "--scheme", scheme, "--secret-file", str(self.secret_file),
                                          "--id", "msg_1", stdin=request)
                self.assertEqual(signed.returncode, 0, signed.stderr)
                with_headers = request.replace("\n\n", "\n" + signed.stdout + "\n", 1)
                verified = self.run_command("verify", "--scheme", scheme, "--secret-file", str(self.secret_file),
                                            "-o", "table", stdin=with_headers)
                self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_a_scheme_of_ones_own_is_read_from_a_file(self) -> None:
        document = self.directory / "acme.json"
        document.write_text('{"sig": "header:x-acme", "prefix": "sha1=", "alg": "sha1"}')
        digest = hmac.new(SECRET.encode(), BODY.encode(), hashlib.sha1).hexdigest()
        request = f"POST / HTTP/1.1\nX-Acme: sha1={digest}\n\n{BODY}"
        ended = self.run_command("verify", "--scheme", str(document), "--secret-file", str(self.secret_file),
                                 stdin=request)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        document.write_text('{"sig": "header:x-acme", "alg": "md5"}')
        ended = self.run_command("verify", "--scheme", str(document), "--secret-file", str(self.secret_file),
                                 stdin=request)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("#/alg: this is one of sha256, sha1 or sha512", ended.stderr)

    def test_known_schemes_are_listed_and_shown(self) -> None:
        names = [json.loads(line)["scheme"] for line in self.run_command("list").stdout.splitlines()]
        self.assertGreater(len(names), 70)
        self.assertIn("stripe", names)
        shown = json.loads(self.run_command("show", "stripe").stdout)
        self.assertEqual(shown["sig"], "header:stripe-signature")
        ended = self.run_command("show", "nobody")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("signature list", ended.stderr)


if __name__ == "__main__":
    unittest.main()
