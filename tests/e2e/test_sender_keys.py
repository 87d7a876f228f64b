"""Senders that bring their key with them: told in a handshake (Asana, Notion),
or shown at a URL (SNS, Plaid)."""
import base64
import hashlib
import hmac
import json
import pathlib
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

from harness import OwnHubCase, eventually, on_both_engines
from harness.identity import P256, RSA, Identity

load_tests = on_both_engines

ENDPOINTS = "/api/v1/webhooks/endpoints"
RECEIVED = "/api/v1/webhooks/received"
PRESETS = pathlib.Path(__file__).parents[2] / "signatures"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"


class Site:
    """An https server of the outside world: what it answers at each path, and what it was asked."""

    def __init__(self, identity: Identity):
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, str, bytes]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.asked.append((self.command, self.path, body))
                status, page = site.pages.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            do_GET = do_POST = answer

            def log_message(self, *_) -> None:
                """Says nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(identity.certificate + identity.key)
            file.flush()
            context.load_cert_chain(file.name)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.handle_error = lambda *_: None
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class SenderKeys(OwnHubCase):
    def setUp(self) -> None:
        self.identity = Identity("site")
        self.site = Site(self.identity)
        self.addCleanup(self.site.close)
        file = tempfile.NamedTemporaryFile("w", suffix=".pem")
        self.addCleanup(file.close)
        file.write(self.identity.certificate)
        file.flush()
        self.authorities = file.name
        super().setUp()

    def make_hub(self, **options):
        return super().make_hub(settings={"CROSSDOCK_CA_FILE": self.authorities, "WEBHOOK_WORKERS": "1"},
                                **options)

    def make_endpoint(self, scheme: str | dict, path: str = "in", **settings) -> dict:
        wanted = {"endpoint_path": path, "signature_scheme": scheme} | settings
        return self.expect(201, self.api.post(ENDPOINTS, wanted))

    def preset(self, name: str, change: Callable[[dict], None]) -> dict:
        """The document of a known sender, with the site in the place of the sender's hosts."""
        document = json.loads((PRESETS / f"{name}.json").read_text())
        change(document)
        return document

    def send(self, endpoint: dict, body: bytes | str | dict, headers: dict[str, str] | None = None):
        text = json.dumps(body) if isinstance(body, dict) else body
        raw = text.encode() if isinstance(text, str) else text
        return self.hub.api.post(f"/webhooks/{self.tenant['slug']}/{endpoint['endpoint_path']}", raw=raw,
                                 headers={"Content-Type": "application/json"} | (headers or {}))

    def look(self, endpoint: dict) -> dict:
        return self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))

    def act(self, endpoint: dict, action: str, body: dict | None = None):
        return self.api.post(f"{ENDPOINTS}/{endpoint['id']}/{action}", body)

    # --- Asana, Notion

    def asana(self, endpoint: dict, secret: str, body: str = '{"events": [{"action": "changed"}]}'):
        signed = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return self.send(endpoint, body, {"X-Hook-Signature": signed})

    def test_asana_tells_its_secret_once(self):
        endpoint = self.make_endpoint("asana")
        self.assertNotIn("secret_key", endpoint)
        self.assertTrue(endpoint["awaiting_secret"])
        self.assertEqual(self.asana(endpoint, "b537207f20cbfa02").status, 401)

        shake = self.send(endpoint, b"{}", {"X-Hook-Secret": "b537207f20cbfa02"})

        self.assertEqual(shake.status, 200)
        self.assertEqual(shake.headers["X-Hook-Secret"], "b537207f20cbfa02")
        self.assertFalse(self.look(endpoint)["awaiting_secret"])
        self.expect(200, self.asana(endpoint, "b537207f20cbfa02"))
        self.assertEqual(self.asana(endpoint, "another").status, 401)
        again = self.send(endpoint, b"{}", {"X-Hook-Secret": "b537207f20cbfa02"})
        self.assertEqual(again.status, 200, "a sender that did not get the answer repeats itself")
        late = self.send(endpoint, b"{}", {"X-Hook-Secret": "somebody's"})
        self.assertEqual(late.status, 401)
        self.assertNotIn("X-Hook-Secret", late.headers)
        self.assertEqual(self.asana(endpoint, "somebody's").status, 401)
        actions = [row["action"] for row in self.expect(200, self.api.get("/api/v1/audit-log"))["data"]]
        self.assertEqual(actions.count("endpoint.secret_captured"), 1)

    def test_what_was_told_is_there_after_a_kill(self):
        endpoint = self.make_endpoint("asana")
        self.assertEqual(self.send(endpoint, b"{}", {"X-Hook-Secret": "kept"}).status, 200)
        self.hub.kill()
        self.hub.start()
        self.expect(200, self.asana(endpoint, "kept"))

    def test_a_secret_is_told_anew_after_it_was_rotated_away(self):
        endpoint = self.make_endpoint("asana")
        self.send(endpoint, b"{}", {"X-Hook-Secret": "old"})
        changed = self.expect(200, self.act(endpoint, "rotate-secret", {"overlap_seconds": 3600}))
        self.assertTrue(changed["awaiting_secret"])
        self.expect(200, self.asana(endpoint, "old"))
        self.assertEqual(self.send(endpoint, b"{}", {"X-Hook-Secret": "new"}).status, 200)
        self.expect(200, self.asana(endpoint, "new", '{"events": [1]}'))
        self.expect(200, self.asana(endpoint, "old", '{"events": [2]}'))

    def test_a_sender_may_tell_the_same_secret_again(self):
        endpoint = self.make_endpoint("asana")
        self.send(endpoint, b"{}", {"X-Hook-Secret": "same"})
        self.expect(200, self.act(endpoint, "rotate-secret", {"overlap_seconds": 0}))
        self.assertEqual(self.asana(endpoint, "same").status, 401)
        self.assertEqual(self.send(endpoint, b"{}", {"X-Hook-Secret": "same"}).status, 200)
        self.assertFalse(self.look(endpoint)["awaiting_secret"])
        self.expect(200, self.asana(endpoint, "same"))

    def test_salesforce_is_known_by_its_organization_which_is_not_kept(self):
        endpoint = self.make_endpoint("salesforce", secret_key="00D50000000IZ3Z")
        message = """<?xml version="1.0" encoding="UTF-8"?>
            <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
            <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
            <OrganizationId>%s</OrganizationId><Notification><Id>04l1</Id></Notification></notifications>
            </soapenv:Body></soapenv:Envelope>"""
        xml = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}

        answer = self.send(endpoint, message % "00D50000000IZ3Z", xml)

        self.assertEqual(answer.status, 200)
        self.assertIn(b"<Ack>true</Ack>", answer.content)
        self.assertEqual(self.send(endpoint, message % "00D50000000OTHER", xml).status, 401)
        row = self.expect(200, self.api.get(RECEIVED))["data"][0]
        body = self.expect(200, self.api.get(f"{RECEIVED}/{row['id']}"))["body"]
        self.assertIn("<OrganizationId>***</OrganizationId>", body)

    def test_only_listed_addresses_may_tell_a_secret(self):
        endpoint = self.make_endpoint("asana", ip_whitelist=["203.0.113.7"])
        self.assertEqual(self.send(endpoint, b"{}", {"X-Hook-Secret": "x"}).status, 403)
        self.assertTrue(self.look(endpoint)["awaiting_secret"])

    def test_notion_wants_its_token_back(self):
        endpoint = self.make_endpoint("notion")
        self.expect_problem(409, "CONFLICT_STATE", self.act(endpoint, "reveal-secret"))
        token = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
        self.assertEqual(self.send(endpoint, {"verification_token": token}).status, 200)
        self.assertEqual(self.expect(200, self.act(endpoint, "reveal-secret")), {"secret_key": token})
        body = b'{"id":"367cba44","type":"page.created"}'
        signed = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
        answer = self.expect(200, self.send(endpoint, body, {"X-Notion-Signature": f"sha256={signed}"}))
        found = self.expect(200, self.api.get(f"{RECEIVED}/{answer['id']}"))
        self.assertEqual(found["external_id"], "367cba44")
        kept = self.expect(200, self.api.get("/api/v1/audit-log"))["data"]
        self.assertEqual([row["action"] for row in kept][0], "endpoint.secret_revealed")
        self.assertNotIn(token, json.dumps(kept))

    def test_a_secret_that_was_made_here_is_not_revealed(self):
        endpoint = self.make_endpoint("github")
        self.expect_problem(409, "CONFLICT_STATE", self.act(endpoint, "reveal-secret"))

    def test_a_secret_that_was_made_here_is_not_shown_under_another_scheme(self):
        """Neither as one that the sender told, nor to whoever is asked for keys."""
        endpoint = self.make_endpoint("stripe")
        path = f"{ENDPOINTS}/{endpoint['id']}"
        asking = {"signature_scheme": {"kind": "jwt", "alg": ["ES256"], "sig": "header:x",
                                       "key": {"jwks": "https://thief.example/", "ask": '{"s":"{secret}"}'}}}
        answering = {"signature_scheme": {"sig": "header:x", "challenge": [
            {"method": "GET", "check": "skip", "reply": {"body": "{secret}"}}]}}
        for change in (asking, answering):
            problem = self.expect_problem(422, "VALIDATION_FAILED", self.api.patch(path, change))
            self.assertEqual([error["pointer"] for error in problem["errors"]], ["#/secret_key"])
        given = self.expect(200, self.api.patch(path, asking | {"secret_key": "meant for the thief"}))
        self.assertEqual(len(given["signing_secrets"]), 1)
        elsewhere = {"signature_scheme": asking["signature_scheme"] | {
            "key": asking["signature_scheme"]["key"] | {"jwks": "https://another.example/"}}}
        self.expect_problem(422, "VALIDATION_FAILED", self.api.patch(path, elsewhere))

        capturing = self.expect(200, self.api.patch(path, {"signature_scheme": "asana"}))

        self.assertEqual(capturing["signing_secrets"], [])
        self.assertTrue(capturing["awaiting_secret"])
        self.expect_problem(409, "CONFLICT_STATE", self.act(endpoint, "reveal-secret"))

    # --- Amazon SNS

    def sns_endpoint(self, **settings) -> dict:
        def change(document: dict) -> None:
            document["key"]["pattern"] = self.site.url.replace(".", r"\.") + r"/.*\.pem"
            document["challenge"][0]["pattern"] = self.site.url.replace(".", r"\.") + "/.*"
        return self.make_endpoint(self.preset("aws_sns", change), signature_config={"topic_arn": TOPIC},
                                  **settings)

    def sns(self, signer: Identity, version: str = "2", **members) -> dict:
        message = {"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
                   "TopicArn": TOPIC, "Message": "Hello\nworld",
                   "Timestamp": "2026-11-28T21:00:00.000Z"} | members
        signs = (["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
                 if message["Type"] == "Notification" else
                 ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
        text = "".join(f"{name}\n{message[name]}\n" for name in signs if name in message)
        signature = signer.sign(text.encode(), "sha1" if version == "1" else "sha256")
        return message | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode(),
                          "SigningCertURL": f"{self.site.url}/sns.pem"}

    def test_sns_is_subscribed_to_and_verified_by_its_certificate(self):
        signer = Identity("sns.amazonaws.com", kind=RSA)
        self.site.pages["/sns.pem"] = (200, signer.certificate.encode())
        self.site.pages["/?Action=ConfirmSubscription&Token=t1"] = (200, b"<ConfirmSubscriptionResponse/>")
        endpoint = self.sns_endpoint()
        wish = {"Type": "SubscriptionConfirmation", "Token": "t1", "Message": "You have chosen to subscribe",
                "SubscribeURL": f"{self.site.url}/?Action=ConfirmSubscription&Token=t1"}
        plain = {"Content-Type": "text/plain; charset=UTF-8",
                 "x-amz-sns-message-type": "SubscriptionConfirmation"}

        self.assertEqual(self.send(endpoint, self.sns(signer, "1", **wish), plain).status, 200)

        self.assertEqual([(method, path) for method, path, _ in self.site.asked],
                         [("GET", "/sns.pem"), ("GET", "/?Action=ConfirmSubscription&Token=t1")])
        answer = self.expect(200, self.send(endpoint, self.sns(signer), plain))
        found = self.expect(200, self.api.get(f"{RECEIVED}/{answer['id']}"))
        self.assertEqual(found["external_id"], "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324")
        self.expect(200, self.send(endpoint, self.sns(signer, "1", MessageId="m2", Subject="s"), plain))
        self.assertEqual(len(self.site.asked), 2, "the certificate is known")

        refused = [self.sns(signer) | {"Message": "Hello\nWorld"},
                   self.sns(Identity("other", kind=RSA)),
                   self.sns(signer, TopicArn="arn:aws:sns:eu-west-1:999999999999:orders"),
                   self.sns(signer) | {"SigningCertURL": "https://evil.test/sns.pem"},
                   self.sns(signer) | {"SigningCertURL": self.site.url.replace("https", "http") + "/sns.pem"},
                   self.sns(signer) | {"SignatureVersion": "3"},
                   self.sns(signer, **wish) | {"SubscribeURL": "https://evil.test/"},
                   self.sns(signer, **wish | {"SubscribeURL": "https://evil.test/"})]
        for message in refused:
            with self.subTest(message=message):
                self.assertEqual(self.send(endpoint, message, plain).status, 401)
        self.assertEqual(len(self.site.asked), 2)

    def test_a_subscription_that_cannot_be_confirmed_is_sent_again(self):
        signer = Identity("sns.amazonaws.com", kind=RSA)
        endpoint = self.sns_endpoint()
        wish = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": f"{self.site.url}/confirm"}
        no_certificate = self.send(endpoint, self.sns(signer, **wish))
        self.assertEqual(no_certificate.status, 503)
        self.site.pages["/sns.pem"] = (200, signer.certificate.encode())
        answers = []

        def confirmed() -> bool:
            time.sleep(0.5)  # tidy: allow blind-wait as a sender, who does not come back at once
            answers.append(self.send(endpoint, self.sns(signer, **wish)).status)
            if len(answers) > 1 and answers[-1] == 503 and "/confirm" not in self.site.pages:
                self.site.pages["/confirm"] = (200, b"")
            return answers[-1] == 200
        eventually(confirmed, "the subscription is confirmed", 30)
        self.assertEqual(set(answers), {503, 200})
        elsewhere = self.sns(signer, **wish | {"SubscribeURL": "https://evil.test/"})
        self.assertEqual(self.send(endpoint, elsewhere).status, 401)

        def reasons() -> dict:
            return self.look(endpoint)["refused"]
        eventually(lambda: sum(reasons().values()) == answers.count(503) + 2, "all refusals are counted")
        self.assertEqual(set(reasons()), {"key_unavailable", "confirmation_failed"})

    # --- Plaid

    def jws(self, signer: Identity, kid: str, body: bytes, at: float) -> str:
        def part(value: dict) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        text = (part({"alg": "ES256", "kid": kid, "typ": "JWT"}) + "." +
                part({"iat": int(at), "request_body_sha256": hashlib.sha256(body).hexdigest()}))
        signature = raw_numbers(signer.sign(text.encode()))
        return text + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()

    def test_plaid_is_asked_for_the_key_of_each_token(self):
        signer = Identity("plaid", kind=P256)
        shown = json.dumps({"key": jwk(signer, "k1")}).encode()
        self.site.pages["/webhook_verification_key/get"] = (200, shown)

        def change(document: dict) -> None:
            document["key"]["jwks"] = f"{self.site.url}/webhook_verification_key/get"
        endpoint = self.make_endpoint(self.preset("plaid", change), secret_key="plaid secret",
                                      signature_config={"client_id": "client 1"})
        body = b'{"webhook_type":"ITEM","webhook_code":"ERROR"}'

        def send(token: str):
            return self.send(endpoint, body, {"Plaid-Verification": token})
        self.expect(200, send(self.jws(signer, "k1", body, time.time())))

        self.assertEqual(len(self.site.asked), 1)
        self.assertEqual(json.loads(self.site.asked[0][2]),
                         {"client_id": "client 1", "secret": "plaid secret", "key_id": "k1"})
        for token in (self.jws(signer, "k1", body + b" ", time.time()),
                      self.jws(signer, "k1", body, time.time() - 400),
                      self.jws(Identity("other"), "k1", body, time.time()),
                      "", "a.b.c"):
            with self.subTest(token=token):
                self.assertEqual(send(token).status, 401)
        self.site.pages.clear()
        self.assertEqual(send(self.jws(signer, "unknown", body, time.time())).status, 401)

    def test_schemes_that_fetch_name_https_alone(self):
        wanted = {"endpoint_path": "x", "signature_scheme":
                  {"kind": "pk", "alg": "rsa-sha256", "sig": "header:x",
                   "key": {"cert": "header:y", "pattern": ".*"}}}
        problem = self.api.post(ENDPOINTS, wanted)
        self.expect_problem(422, "VALIDATION_FAILED", problem)
        self.assertIn("#/signature_scheme/key/pattern", problem.pointers)

    def test_patterns_that_are_too_large_to_set_up_are_refused(self):
        scheme = {"kind": "pk", "alg": "rsa-sha256", "sig": "header:x",
                  "key": {"cert": "header:y", "pattern": "https://" + "[a-z]{0,500}" * 60}}
        wanted = {"endpoint_path": "x", "signature_scheme": scheme}
        refused = self.api.post(ENDPOINTS, wanted)
        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(list(refused.pointers), ["#/signature_scheme/key/pattern"])
        scheme["key"]["pattern"] = "https://[a-z]*\\.example\\.com/.*"
        made = self.expect(201, self.api.post(ENDPOINTS, wanted))
        scheme["key"]["pattern"] = "https://("
        refused = self.api.patch(f"{ENDPOINTS}/{made['id']}", {"signature_scheme": scheme})
        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(list(refused.pointers), ["#/signature_scheme/key/pattern"])


def jwk(signer: Identity, kid: str) -> dict:
    """RFC 7517, of a key on P-256."""
    made = subprocess.run(["openssl", "ec", "-pubout", "-outform", "DER"], input=signer.key.encode(),
                          check=True, capture_output=True)
    point = made.stdout[-64:]

    def number(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    return {"alg": "ES256", "crv": "P-256", "kid": kid, "kty": "EC", "use": "sig", "x": number(point[:32]),
            "y": number(point[32:]), "expired_at": None}


def raw_numbers(der: bytes) -> bytes:
    """r and s of an ECDSA signature in DER, 32 bytes each."""
    r_size = der[3]
    r, rest = der[4:4 + r_size], der[4 + r_size:]
    s = rest[2:2 + rest[1]]
    return b"".join(int.from_bytes(each, "big").to_bytes(32, "big") for each in (r, s))


if __name__ == "__main__":
    unittest.main()
