"""crossdock signature: what senders sign and how a refused request is explained, without a hub."""
import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness.paths import SERVER

SECRET = "whsec_test_secret"
WHSEC = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
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
        request = ("POST /webhooks/acme/pay HTTP/1.1\r\nHost: hub.example.com\r\n"
                   f"Stripe-Signature: {header}\r\n\r\n{body}")
        ended = self.run_command("verify", "--scheme", "stripe", "--secret-file", str(self.secret_file),
                                 "--at", AT, "-o", "json", *more, stdin=request)
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
                verified = self.run_command("verify", "--scheme", scheme, "--secret-file",
                                            str(self.secret_file), "-o", "table", stdin=with_headers)
                self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_people_read_a_verdict_and_what_only_is_a_note(self) -> None:
        signed = self.run_command("sign", "--scheme", "github", "--secret-file", str(self.secret_file), "-o",
                                  "request", stdin=f"POST /hook HTTP/1.1\n\n{BODY}").stdout
        for request, status, verdict in ((signed, 0, "passed"),
                                         (signed.replace("paid", "void"), 1, "refused: signature_differs")):
            with self.subTest(verdict=verdict):
                verified = self.run_command("verify", "--scheme", "github", "--secret-file",
                                            str(self.secret_file), "-o", "table", stdin=request)
                self.assertEqual(verified.returncode, status)
                self.assertEqual(verified.stdout.splitlines()[-1], verdict)
                self.assertEqual("FAIL" in verified.stdout, status == 1, verified.stdout)

    def test_a_setting_that_is_missing_is_asked_for_as_it_is_given_here(self) -> None:
        ended = self.run_command("verify", "--scheme", "aws_sns", stdin=f"POST /hook HTTP/1.1\n\n{BODY}")
        self.assertIn("--config topic_arn=", ended.stderr)

    def make_pair(self, *kind: str) -> tuple[pathlib.Path, bytes]:
        """The file of a private key, and its public half in DER."""
        key = self.directory / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", *kind, "-out", key], check=True,
                       capture_output=True)
        made = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                              capture_output=True)
        return key, made.stdout

    def sign_and_verify(self, scheme: str, secret: str, private_key: pathlib.Path | None = None,
                        config: str = "") -> tuple[int, str]:
        """Status and words of whichever of the two fails; of the second where none does."""
        self.secret_file.write_text(secret)
        body = {"id": "evt_1", "type": "invoice.paid", "value": [{"id": "1"}, {"id": "2"}],
                "notificationItems": [
                    {"NotificationRequestItem": {"pspReference": name, "amount": {"value": 1}}}
                    for name in ("one", "two")],
                "signature": {"token": "t"}, "data": {"events": [{"eventId": "e"}]}}
        request = f"POST /hook HTTP/1.1\nHost: hub.example.com\n\n{json.dumps(body)}"
        how = ["--scheme", scheme, "--secret-file", str(self.secret_file),
               *([f"--config={config}"] if config else [])]
        key = ["--private-key-file", str(private_key)] if private_key else []
        signed = self.run_command("sign", *how, *key, "-o", "request", "--id", "msg_1", stdin=request)
        if signed.returncode != 0:
            return signed.returncode, signed.stderr
        verified = self.run_command("verify", *how, "-o", "table", stdin=signed.stdout)
        return verified.returncode, verified.stdout + verified.stderr

    def test_every_known_scheme_can_be_signed_or_says_why_not(self) -> None:
        base64_key = WHSEC.removeprefix("whsec_")
        secrets = {"adyen_payments": "aa" * 32, "adyen_platform": "aa" * 32, "airtable": base64_key,
                   "basic_auth": "user:password", "gitlab_signed": WHSEC, "onfleet": "aa" * 32,
                   "samsara": base64_key, "standard_webhooks": WHSEC, "svix": WHSEC,
                   "teams_outgoing": base64_key}
        config = {"meta": "verify_token=1", "worldpay": "key_id=1", "plaid": "client_id=1",
                  "paypal_local": "webhook_id=1", "aws_sns": "topic_arn=1"}
        why_not = {"aws_sns": "--private-key-file", "paypal_local": "--private-key-file",
                   "plaid": "--private-key-file", "discord": "--private-key-file",
                   "kick": "--private-key-file", "sendgrid_events": "--private-key-file",
                   "standard_webhooks_v1a": "--private-key-file", "salesforce": "write the secret there"}
        for line in self.run_command("list").stdout.splitlines():
            scheme = json.loads(line)["scheme"]
            with self.subTest(scheme=scheme):
                status, said = self.sign_and_verify(scheme, secrets.get(scheme, SECRET),
                                                    config=config.get(scheme, ""))
                self.assertEqual(status, 1 if scheme in why_not else 0, said)
                self.assertIn(why_not.get(scheme, "ok"), said)

    def test_schemes_of_key_pairs_are_signed_with_a_key_of_ones_own(self) -> None:
        rsa, ec, ed25519 = ("RSA",), ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ED25519",)
        for scheme, kind, secret_of in (
            ("discord", ed25519, lambda der: der[-32:].hex()),
            ("standard_webhooks_v1a", ed25519, lambda der: "whpk_" + base64.b64encode(der[-32:]).decode()),
            ("sendgrid_events", ec, lambda der: base64.b64encode(der).decode()),
            ("kick", rsa, lambda der: f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(der).decode()}"
                                      "-----END PUBLIC KEY-----\n"),
        ):
            with self.subTest(scheme=scheme):
                key, public = self.make_pair(*kind)
                status, said = self.sign_and_verify(scheme, secret_of(public), key)
                self.assertEqual(status, 0, said)

    def test_a_sender_that_shows_its_keys_takes_no_others(self) -> None:
        key, _ = self.make_pair("RSA")
        signed = self.run_command("sign", "--scheme", "paypal_local", "--config=webhook_id=1",
                                  "--private-key-file", str(key), stdin="POST / HTTP/1.1\n\n{}")
        self.assertEqual(signed.returncode, 0, signed.stderr)
        self.assertIn("asks this sender itself for its public keys", signed.stderr)

    def test_what_is_printed_is_what_is_added(self) -> None:
        request = "POST /hook?a=1 HTTP/1.1\nHost: hub.example.com\n\n{}"
        how = ["--secret-file", str(self.secret_file), "--at", AT]
        self.assertRegex(self.run_command("sign", "--scheme", "github", *how, stdin=request).stdout,
                         r"^x-hub-signature-256: sha256=[0-9a-f]{64}\n$")
        self.assertEqual(self.run_command("sign", "--scheme", "query_token", *how,
                                          stdin=request).stdout.split("\n")[0],
                         f"POST /hook?a=1&code={SECRET} HTTP/1.1")
        whole = self.run_command("sign", "--scheme", "zoho_crm", *how, stdin=request)
        self.assertTrue(whole.stdout.endswith("\n" + json.dumps({"token": SECRET}, separators=(",", ":"))),
                        whole.stdout)
        self.assertIn("no signature", self.run_command("sign", "--scheme", "unsigned", stdin=request).stderr)
        refused = self.run_command("sign", "--scheme", "zoho_crm", *how, "-o", "headers", stdin=request)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))

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
