"""Receivers that fail or misbehave: what is made of each, and that they hurt nobody else."""
import gzip
import socket
import unittest

from harness import HubCase, Receiver, eventually, on_both_engines
from harness.receiver import answer, garbage, hang, redirect, reset, slow, truncated

load_tests = on_both_engines


class Misbehaviour(HubCase):
    def failed(self, receiver: Receiver, **settings) -> dict:
        """The one attempt of a delivery that the receiver spoils."""
        subscription = self.subscribe(receiver, max_retries=0, **settings)
        self.publish()
        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertTrue(delivery["error_message"])
        return delivery

    def test_statuses_have_their_classes(self):
        for status, error_class in (
            (400, "HTTP_4XX"),
            (401, "HTTP_401_403"),
            (403, "HTTP_401_403"),
            (404, "HTTP_404_410"),
            (429, "HTTP_429"),
            (500, "HTTP_5XX"),
            (599, "HTTP_5XX"),
            (304, "HTTP_3XX"),
        ):
            with self.subTest(status=status):
                delivery = self.failed(self.make_receiver(answer(status, b"")))
                self.assertEqual(
                    (delivery["response_status"], delivery["error_class"]), (status, error_class)
                )

    def test_a_redirect_is_not_followed(self):
        target = self.make_receiver()
        delivery = self.failed(self.make_receiver(redirect(target.url)))

        self.assertEqual((delivery["response_status"], delivery["error_class"]), (307, "HTTP_3XX"))
        self.assertEqual(target.requests, [])

    def test_a_reset_is_a_failure(self):
        delivery = self.failed(self.make_receiver(reset))

        self.assertEqual((delivery["error_class"], delivery["response_status"]), ("READ", None))

    def test_what_is_not_http_is_a_failure(self):
        self.assertEqual(self.failed(self.make_receiver(garbage))["error_class"], "PROTOCOL")

    def test_an_answer_that_breaks_off_is_a_failure(self):
        delivery = self.failed(self.make_receiver(truncated))

        self.assertEqual(delivery["error_class"], "READ")

    def test_a_receiver_that_says_nothing_is_left_after_the_timeout(self):
        delivery = self.failed(self.make_receiver(hang), timeout_seconds=1)

        self.assertEqual(delivery["error_class"], "READ_TIMEOUT")
        self.assertGreaterEqual(delivery["response_time_ms"], 1000)

    def test_nobody_there_is_a_failure(self):
        gone = Receiver()
        gone.close()
        self.assertEqual(self.failed(gone)["error_class"], "CONNECT_REFUSED")

    def test_a_name_that_does_not_exist_is_a_failure(self):
        subscription = self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", {
            "name": "typo", "url": "http://no-such-host.invalid/", "event_types": ["*"], "max_retries": 0}))
        self.publish()

        self.assertEqual(self.wait_for_status(subscription, "FAILED")[0]["error_class"], "DNS")

    def test_a_slow_answer_within_the_timeout_is_a_success(self):
        receiver = self.make_receiver(slow(1.2))
        subscription = self.subscribe(receiver, timeout_seconds=10)
        self.publish()

        self.assertGreaterEqual(self.wait_for_status(subscription, "DELIVERED")[0]["response_time_ms"], 1200)

    def test_a_large_answer_is_cut_and_a_success(self):
        receiver = self.make_receiver(answer(200, b"x" * 200_000))
        subscription = self.subscribe(receiver)
        self.publish()

        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"
        detail = eventually(
            lambda: (found := self.api.get(path).json)["response_body"] and found, "the wire log"
        )
        self.assertEqual(detail["response_body"], "x" * 65536)
        self.assertTrue(detail["response_truncated"])

    def test_a_compressed_answer_is_shown_as_it_was_before(self):
        for body, shown, truncated in (
            (gzip.compress(b'{"error":"no such shop"}'), '{"error":"no such shop"}', False),
            (gzip.compress(b"x" * (10 << 20)), "x" * 65536, True),
            (b"not compressed at all", "not compressed at all", False),
        ):
            with self.subTest(shown=shown[:50]):
                receiver = self.make_receiver(answer(400, body, {"Content-Encoding": "gzip"}))
                path = f"/api/v1/webhooks/deliveries/{self.failed(receiver)['id']}"
                detail = eventually(
                    lambda: (found := self.api.get(path).json)["response_body"] and found, "the wire log"
                )
                self.assertEqual((detail["response_body"], detail["response_truncated"]), (shown, truncated))

    def test_a_sick_receiver_does_not_delay_a_healthy_one(self):
        sick, healthy = self.make_receiver(hang), self.make_receiver()
        self.subscribe(sick, timeout_seconds=20)
        well = self.subscribe(healthy)
        for n in range(30):
            self.publish(data=n)

        self.wait_for_status(well, "DELIVERED", 30)
        self.assertEqual(len(healthy.requests), 30)

    def test_a_receiver_that_accepts_but_never_reads_is_left(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            subscription = self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", {
                "name": "silent", "url": f"http://127.0.0.1:{silent.getsockname()[1]}/", "event_types": ["*"],
                "timeout_seconds": 1, "max_retries": 0}))
            self.publish(data="x" * 900_000)

            self.assertIn(
                self.wait_for_status(subscription, "FAILED")[0]["error_class"], ("READ_TIMEOUT", "WRITE")
            )


if __name__ == "__main__":
    unittest.main()
