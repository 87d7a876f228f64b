"""Attempts after the first one: when they are made, and what a delivery says meanwhile."""
import unittest

from harness import HubCase, on_both_engines
from harness.receiver import answer

load_tests = on_both_engines

JITTER = 0.1  # of each interval, either way
CLOCK_S = 0.05  # how much earlier than the server's a moment may look here


class Retries(HubCase):
    def test_retries_follow_the_schedule_until_the_receiver_is_well(self):
        receiver = self.make_receiver()
        receiver.script(answer(500), answer(500), answer(500))
        subscription = self.subscribe(receiver, retry_intervals=[1, 2], max_retries=5)
        self.publish()

        moments = [request.at for request in receiver.wait_for(4)]
        gaps = [later - earlier for earlier, later in zip(moments, moments[1:])]
        for gap, planned in zip(gaps, (1, 2, 2)):
            self.assertGreaterEqual(gap, planned * (1 - JITTER) - CLOCK_S)
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        self.assertEqual(delivery["attempt_number"], 4)
        self.assertEqual(len({request.header("webhook-id") for request in receiver.requests}), 1)
        self.assertEqual(len({request.body for request in receiver.requests}), 1)

    def test_each_attempt_has_a_timestamp_and_signature_of_its_own(self):
        receiver = self.make_receiver()
        receiver.script(answer(500))
        self.subscribe(receiver, retry_intervals=[2])
        self.publish()

        first, second = receiver.wait_for(2)
        self.assertGreater(int(second.header("webhook-timestamp")), int(first.header("webhook-timestamp")))
        self.assertNotEqual(first.header("webhook-signature"), second.header("webhook-signature"))

    def test_after_the_last_retry_a_delivery_has_failed(self):
        receiver = self.make_receiver(answer(500, b"broken"))
        subscription = self.subscribe(receiver, retry_intervals=[1], max_retries=1)
        self.publish()

        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertEqual((delivery["attempt_number"], delivery["response_status"]), (2, 500))
        self.assertEqual(delivery["error_class"], "HTTP_5XX")
        self.assertIsNone(delivery["next_retry_at"])
        stats = self.subscription(subscription)
        self.assertEqual((stats["total_sent"], stats["total_failed"], stats["total_delivered"]), (2, 2, 0))
        self.assertEqual(stats["consecutive_failures"], 2)

    def test_without_retries_there_is_one_attempt(self):
        receiver = self.make_receiver(answer(500))
        never = self.subscribe(receiver, retry_enabled=False)
        none = self.subscribe(receiver, max_retries=0)
        self.publish()

        for subscription in (never, none):
            self.assertEqual(self.wait_for_status(subscription, "FAILED")[0]["attempt_number"], 1)
        self.assertEqual(len(receiver.requests), 2)

    def test_while_it_waits_a_delivery_says_why_and_until_when(self):
        receiver = self.make_receiver(answer(503, b"maintenance", {"X-Reason": "upgrade"}))
        subscription = self.subscribe(receiver)
        self.publish()

        waiting = self.wait_for_status(subscription, "RETRYING")[0]
        self.assertIsNotNone(waiting["next_retry_at"])
        self.assertEqual((waiting["response_status"], waiting["error_class"]), (503, "HTTP_5XX"))
        self.assertIn("503", waiting["error_message"])
        detail = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries/{waiting['id']}"))
        self.assertEqual((detail["status"], detail["attempt_number"]), ("RETRYING", 1))
        self.assertEqual((detail["response_status"], detail["error_class"]), (503, "HTTP_5XX"))
        self.assertEqual(detail["request_url"], receiver.url)
        self.assertIsNone(detail["completed_at"])

    def test_while_it_waits_a_delivery_is_found_by_what_went_wrong(self):
        well, sick = self.make_receiver(), self.make_receiver(answer(503))
        self.subscribe(well)
        subscription = self.subscribe(sick)
        self.publish()
        waiting = self.wait_for_status(subscription, "RETRYING")[0]

        for query, found in (
            ("status_code=503", True), ("status_code=5xx", True), ("error_class=HTTP_5XX", True),
            (f"error_signature={waiting['error_signature']}", True),
            ("status=RETRYING&status_code=503", True),
            ("status_code=500", False), ("status_code=4xx", False), ("error_class=READ", False),
            ("status=PENDING&status_code=503", False), ("response_time_ms[gte]=100000", False),
        ):
            with self.subTest(query=query):
                rows = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries?{query}"))["data"]
                self.assertEqual([row["id"] for row in rows], [waiting["id"]] if found else [])

    def test_retry_after_is_honoured_in_seconds(self):
        receiver = self.make_receiver()
        receiver.script(answer(429, b"", {"Retry-After": "3"}))
        subscription = self.subscribe(receiver, retry_intervals=[1])
        self.publish()

        first, second = receiver.wait_for(2)
        self.assertGreaterEqual(second.at - first.at, 3 - CLOCK_S)
        self.wait_for_status(subscription, "DELIVERED")

    def test_retry_after_never_brings_a_retry_forward(self):
        receiver = self.make_receiver()
        receiver.script(answer(503, b"", {"Retry-After": "0"}))
        self.subscribe(receiver, retry_intervals=[2])
        self.publish()

        first, second = receiver.wait_for(2)
        self.assertGreaterEqual(second.at - first.at, 2 * (1 - JITTER) - CLOCK_S)

    def test_counters_and_consecutive_failures_begin_anew_after_a_success(self):
        receiver = self.make_receiver()
        receiver.script(answer(500), answer(500))
        subscription = self.subscribe(receiver, retry_intervals=[1])
        self.publish()

        self.wait_for_status(subscription, "DELIVERED")
        stats = self.subscription(subscription)
        self.assertEqual((stats["total_sent"], stats["total_delivered"], stats["total_failed"]), (3, 1, 2))
        self.assertEqual(stats["consecutive_failures"], 0)
        self.assertGreater(stats["last_success_at"], stats["last_failure_at"])


if __name__ == "__main__":
    unittest.main()
