"""Certificates of a subscription: shown to receivers that ask for one, and whom it trusts."""
import json
import socket
import ssl
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import HubCase, eventually, on_both_engines
from harness.identity import Identity

load_tests = on_both_engines

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
HANDSHAKE_S = 10


class DemandingReceiver:
    """Talks only to clients that show one of these certificates, and notes whose it was."""

    def __init__(self, server: Identity, clients: list[Identity]):
        self.shown: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                try:
                    super().handle()
                except ssl.SSLError:  # closed at once it would be reset, and the alert might get lost
                    self.connection.settimeout(HANDSHAKE_S)
                    while socket.socket.recv(self.connection, 4096):
                        pass

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                subject = dict(part[0] for part in self.connection.getpeercert()["subject"])
                receiver.shown.append(subject["commonName"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_) -> None:
                """Says nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(server.certificate + server.key)
            file.flush()
            context.load_cert_chain(file.name)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata="".join(each.certificate for each in clients))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # The handshake happens in the connection's thread, at its first read.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.handle_error = lambda *_: None
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Certificates(HubCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server, cls.first, cls.second = Identity("server"), Identity("first"), Identity("second")

    def setUp(self) -> None:
        super().setUp()
        self.receiver = DemandingReceiver(self.server, [self.first, self.second])
        self.addCleanup(self.receiver.close)

    def subscribed(self, **settings) -> dict:
        return self.subscribe(self.receiver, **{"ca_certificate": self.server.certificate} | settings)

    def refused(self, **members) -> dict[str, str]:
        wanted = {"name": "x", "url": "https://receiver.example/", "event_types": ["*"]}
        reply = self.api.post(SUBSCRIPTIONS, wanted | members)
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        return reply.pointers

    def test_two_subscriptions_to_one_host_show_each_its_own_certificate(self):
        for name in ("first", "second"):
            self.subscribed(event_types=[f"{name}.*"], client_certificate=getattr(self, name).pair)
        for _ in range(3):
            for name in ("first", "second"):
                before = len(self.receiver.shown)
                self.publish(type=f"{name}.happened")
                eventually(lambda: len(self.receiver.shown) > before, "the delivery")

        self.assertEqual(self.receiver.shown, ["first", "second"] * 3)

    def test_without_the_certificate_or_the_authority_the_attempt_fails_over_tls(self):
        without = self.subscribed(max_retries=0)
        untrusting = self.subscribed(max_retries=0, ca_certificate=None, client_certificate=self.first.pair)
        self.publish()

        for subscription in (without, untrusting):
            delivery = self.wait_for_status(subscription, "FAILED")[0]
            self.assertEqual(delivery["error_class"], "TLS", delivery)
        self.assertEqual(self.receiver.shown, [])

    def test_the_private_key_is_never_shown(self):
        made = self.subscribed(client_certificate=self.first.pair)

        self.assertEqual(made["client_certificate"], {"set": True})
        self.assertEqual(made["ca_certificate"], self.server.certificate)
        secret = json.dumps(self.first.key)[1:-1].encode()
        for reply in (self.api.get(f"{SUBSCRIPTIONS}/{made['id']}"), self.api.get("/api/v1/audit-log")):
            self.assertNotIn(secret, reply.content)
        self.assertIsNone(
            self.expect(200, self.api.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"client_certificate": None}))
            ["client_certificate"])

    def test_what_cannot_be_used_is_refused(self):
        mixed = {"certificate": self.first.certificate, "private_key": self.second.key}
        for members, pointers in (
                ({"client_certificate": mixed}, {"#/client_certificate/private_key": "INVALID"}),
                ({"client_certificate": self.first.pair | {"certificate": "nonsense"}},
                 {"#/client_certificate/certificate": "INVALID"}),
                ({"client_certificate": self.first.pair | {"private_key": "nonsense"}},
                 {"#/client_certificate/private_key": "INVALID"}),
                ({"client_certificate": {"certificate": self.first.certificate}},
                 {"#/client_certificate/private_key": "REQUIRED"}),
                ({"client_certificate": self.first.pair | {"passphrase": "x"}},
                 {"#/client_certificate/passphrase": "UNKNOWN_MEMBER"}),
                ({"client_certificate": "x"}, {"#/client_certificate": "WRONG_TYPE",
                                               "#/client_certificate/certificate": "REQUIRED",
                                               "#/client_certificate/private_key": "REQUIRED"}),
                ({"ca_certificate": "nonsense"}, {"#/ca_certificate": "INVALID"}),
                ({"ca_certificate": self.first.certificate + self.first.key},
                 {"#/ca_certificate": "INVALID"}),
                ({"url": "http://receiver.example/", "client_certificate": self.first.pair},
                 {"#/client_certificate": "INVALID"}),
                ({"url": "http://receiver.example/", "ca_certificate": self.first.certificate},
                 {"#/ca_certificate": "INVALID"})):
            with self.subTest(pointers=pointers):
                self.assertEqual(self.refused(**members), pointers)


if __name__ == "__main__":
    unittest.main()
