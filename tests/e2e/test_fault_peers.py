"""Receivers at their worst: each fault has its class, costs no more than the timeout,
and leaves the lane free."""
import gzip
import socket
import threading
import unittest
from dataclasses import dataclass

from harness import HubCase, eventually, on_both_engines
from harness.receiver import Behaviour, endless, raw, redirect, reset, slow, truncated, wait_to_be_left

load_tests = on_both_engines

HEAD = b"HTTP/1.1 200 OK\r\n"
METADATA = "http://169.254.169.254/latest/meta-data/"
TIMES = 3  # more at once than a new lane may have in flight, fewer than make a circuit breaker open
TIMEOUT_S = 1


@dataclass(frozen=True)
class Fault:
    """What a receiver does, and what is to be made of it:
    the error's class ("" is a success) and the status."""
    name: str
    behaviour: Behaviour
    error_class: str
    status: int | None = None


def bomb() -> bytes:
    """Ten megabytes of nothing in ten kilobytes."""
    packed = gzip.compress(bytes(10 << 20))
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


FAULTS = (
    Fault("a body without end", endless(HEAD + b"\r\n", b"x" * 8192), "", 200),
    Fault("a chunked body without end",
          endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"), "",
          200),
    Fault("a body that trickles", endless(HEAD + b"\r\n", b"x", 0.05), "READ_TIMEOUT", 200),
    Fault("a header without end", endless(HEAD, b"X-Field: some value\r\n"), "RESPONSE_TOO_BIG", 200),
    Fault("a header that trickles", endless(HEAD, b"X: y\r\n", 0.05), "READ_TIMEOUT", 200),
    Fault("a status line without end", endless(HEAD[:-2], b"x" * 8192), "RESPONSE_TOO_BIG"),
    Fault("interim answers without end", endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50),
          "RESPONSE_TOO_BIG"),
    Fault("interim answers that trickle", endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.05),
          "READ_TIMEOUT"),
    Fault("a gzip bomb", raw(bomb()), "", 200),
    Fault("a coding that was not asked for",
          raw(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", wait_to_be_left), "PROTOCOL", 200),
    Fault("less than was promised", truncated, "READ", 200),
    Fault("a promise that hangs", raw(HEAD + b"Content-Length: 10\r\n\r\n01234", wait_to_be_left),
          "READ_TIMEOUT", 200),
    Fault("more than was promised", raw(HEAD + b"Content-Length: 2\r\n\r\nok, and more"), "", 200),
    Fault("an answer behind the answer",
          raw(HEAD + b"Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "", 200),
    Fault("a negative length", raw(HEAD + b"Content-Length: -1\r\n\r\n", wait_to_be_left), "PROTOCOL", 200),
    Fault("200 and a reset", raw(HEAD + b"Content-Length: 2\r\n\r\n", slow(0.1, reset)), "READ", 200),
    Fault("a redirect to metadata", redirect(METADATA), "HTTP_3XX", 307),
    Fault("a switch of protocols",
          raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", wait_to_be_left), "PROTOCOL"),
)


class FaultPeers(HubCase):
    def test_each_fault_has_its_class_and_gives_its_slot_back(self):
        cases = [self.begin(number, fault) for number, fault in enumerate(FAULTS)]
        for fault, receiver, subscription in cases:
            with self.subTest(fault=fault.name):
                self.finish(fault, receiver, subscription)

    def begin(self, number: int, fault: Fault) -> tuple:
        """As many events as meet the fault, and one more that is answered well."""
        receiver = self.make_receiver()
        receiver.script(*[fault.behaviour] * TIMES)
        event_type = f"fault.k{number}"
        subscription = self.subscribe(receiver, event_types=[event_type], max_retries=0,
                                      timeout_seconds=TIMEOUT_S)
        for n in range(TIMES + 1):
            self.publish(type=event_type, data=n)
        return fault, receiver, subscription

    def finish(self, fault: Fault, receiver, subscription: dict) -> None:
        failed = TIMES if fault.error_class else 0
        if failed:
            rows = self.wait_for_status(subscription, "FAILED", failed)
            self.assertEqual({(row["error_class"], row["response_status"]) for row in rows},
                             {(fault.error_class, fault.status)})
        # That the last one goes out at all shows that the others hold nothing any more.
        delivered = self.wait_for_status(subscription, "DELIVERED", TIMES + 1 - failed)
        self.assertEqual({row["response_status"] for row in delivered}, {200})
        self.assertEqual(len(self.deliveries(subscription)), TIMES + 1)
        self.assertEqual(len(receiver.requests), TIMES + 1)
        eventually(lambda: receiver.under_way == 0, "the server lets go of the connections")

    def test_a_redirect_to_metadata_is_told_and_not_followed(self):
        receiver = self.make_receiver(redirect(METADATA, 302))
        subscription = self.subscribe(receiver, max_retries=0)
        self.publish()

        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertEqual((delivery["error_class"], delivery["response_status"]), ("HTTP_3XX", 302))
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"
        detail = eventually(
            lambda: (found := self.api.get(path).json)["response_headers"] and found, "the wire log"
        )
        self.assertIn(METADATA, str(detail["response_headers"]))

    def test_of_a_gzip_bomb_no_more_is_shown_than_of_any_answer(self):
        receiver = self.make_receiver(raw(bomb()))
        subscription = self.subscribe(receiver)
        self.publish()

        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"
        detail = eventually(
            lambda: (found := self.api.get(path).json)["response_body"] and found, "the wire log"
        )
        self.assertEqual(len(detail["response_body"]), 65536)
        self.assertTrue(detail["response_truncated"])

    def test_private_addresses_in_the_clothes_of_others_are_refused(self):
        for host in ("[::ffff:10.0.0.1]", "[::ffff:a00:1]", "[::ffff:169.254.169.254]",
                     "[64:ff9b::a9fe:a9fe]", "[2002:a00:1::]", "[fd00:ec2::254]", "0x0a000001", "167772161",
                     "012.0.0.1", "10.1"):
            with self.subTest(host=host):
                wanted = {"name": "inside", "url": f"http://{host}/", "event_types": ["*"]}
                problem = self.expect_problem(
                    422, "VALIDATION_FAILED", self.api.post("/api/v1/webhooks/subscriptions", wanted)
                )
                self.assertEqual([(error["pointer"], error["code"]) for error in problem["errors"]],
                                 [("#/url", "SSRF_BLOCKED")])


class TlsPeer:
    """Listens, and does with each connection what it is told."""

    def __init__(self, behave) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._behave = behave
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._meet, args=(connection,), daemon=True).start()

    def _meet(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._behave(connection)
        except OSError:
            pass  # the server has hung up, which is the point

    def close(self) -> None:
        self._listener.close()


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def answer_in_plain(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def begin_a_handshake(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    say_nothing(connection)


def send_an_alert(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal: handshake_failure


class TlsFaults(HubCase):
    """What goes wrong before a request is sent; certificates are tested where authorities can be set."""

    def test_a_failed_handshake_has_its_class_and_gives_its_slot_back(self):
        for behave in (say_nothing, answer_in_plain, begin_a_handshake, send_an_alert):
            with self.subTest(peer=behave.__name__):
                peer = TlsPeer(behave)
                self.addCleanup(peer.close)
                event_type = f"tls.{behave.__name__}"
                wanted = {"name": "tls", "url": peer.url, "event_types": [event_type], "max_retries": 0,
                          "timeout_seconds": TIMEOUT_S}
                subscription = self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", wanted))
                for n in range(TIMES):
                    self.publish(type=event_type, data=n)

                rows = self.wait_for_status(subscription, "FAILED", TIMES)
                self.assertEqual({(row["error_class"], row["response_status"]) for row in rows},
                                 {("TLS", None)})


if __name__ == "__main__":
    unittest.main()
