"""developer.xero.com, Webhooks, Configuring your server: the intent to receive is a series of ordinary
requests, some of them signed wrongly. An answer has no body and no cookie, and is 200 or 401."""
import base64
import hashlib
import json
import unittest

from harness import on_both_engines
from test_handshakes import RECEIVED, HandshakeCase, hmac_of, request

load_tests = on_both_engines


class Xero(HandshakeCase):
    def intent(self, path: str, entropy: str, signature: str | None = "") -> bytes:
        body = json.dumps({"events": [], "lastEventSequence": 0, "firstEventSequence": 0, "entropy": entropy},
                          separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if signature is not None:
            headers["x-xero-signature"] = signature or base64.b64encode(hmac_of(body)).decode()
        return request(f"POST {path}", headers, body)

    def expect_bare(self, status: int, sent: bytes) -> None:
        # The API's document describes no answer without a body here.
        reply = self.exchange(sent)
        self.assertEqual((reply.status, reply.content), (status, b""))
        self.assertEqual(reply.headers["Content-Length"], "0")
        self.assertNotIn("Set-Cookie", reply.headers)

    def test_what_is_signed_wrongly_is_answered_401_without_a_body(self):
        path = self.path_of(self.make_endpoint("xero"))
        right = base64.b64encode(hmac_of(b"{}")).decode()
        for name, signature in {"of another body": right, "of zeros": base64.b64encode(bytes(32)).decode(),
                                "no base64": "?", "in hexadecimal": hmac_of(b"{}").hex(),
                                "none": None}.items():
            with self.subTest(name):
                self.expect_bare(401, self.intent(path, "S0m3r4Nd0mt3xt", signature))
        self.expect_nothing_received()

    def test_what_is_signed_right_is_answered_200_without_a_body_and_kept(self):
        path = self.path_of(self.make_endpoint("xero"))
        for entropy in ("S0m3r4Nd0mt3xt", "S0m3r4Nd0mt3xt", "another"):
            self.expect_bare(200, self.intent(path, entropy))
        kept = [self.expect(200, self.api.get(f"{RECEIVED}/{each['id']}")) for each in self.received()]
        self.assertEqual([json.loads(each["body"])["entropy"] for each in kept],
                         ["another", "S0m3r4Nd0mt3xt"])
        for each in kept:
            self.assertEqual(each["external_id"], hashlib.sha256(each["body"].encode()).hexdigest())


if __name__ == "__main__":
    unittest.main()
