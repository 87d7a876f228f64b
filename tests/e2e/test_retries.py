"""What Crossdock does with receivers that fail, misbehave, or ask for time."""
import socket
import unittest

from harness import HubCase, Receiver, eventually, on_both_engines
from harness.receiver import answer, garbage, hang, redirect, reset, slow, truncated

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
        detail = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries/{waiting['id']}"))
        self.assertEqual((detail["status"], detail["attempt_number"]), ("RETRYING", 1))
        self.assertEqual((detail["response_status"], detail["error_class"]), (503, "HTTP_5XX"))
        self.assertEqual(detail["request_url"], receiver.url)
        self.assertIsNone(detail["completed_at"])

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


class Misbehaviour(HubCase):
    def failed(self, receiver: Receiver, **settings) -> dict:
        """The one attempt of a delivery that the receiver spoils."""
        subscription = self.subscribe(receiver, max_retries=0, **settings)
        self.publish()
        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertTrue(delivery["error_message"])
        return delivery

    def test_statuses_have_their_classes(self):
        for status, error_class in ((400, "HTTP_4XX"), (401, "HTTP_401_403"), (403, "HTTP_401_403"),
                                    (404, "HTTP_404_410"), (429, "HTTP_429"), (500, "HTTP_5XX"), (599, "HTTP_5XX"),
                                    (304, "HTTP_3XX")):
            with self.subTest(status=status):
                delivery = self.failed(self.make_receiver(answer(status, b"")))
                self.assertEqual((delivery["response_status"], delivery["error_class"]), (status, error_class))

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
        detail = eventually(lambda: (found := self.api.get(path).json)["response_body"] and found, "the wire log")
        self.assertEqual(detail["response_body"], "x" * 65536)
        self.assertTrue(detail["response_truncated"])

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

            self.assertIn(self.wait_for_status(subscription, "FAILED")[0]["error_class"], ("READ_TIMEOUT", "WRITE"))


class Giving(HubCase):
    """When a subscription is switched off by itself."""
    settings = {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": "0"}

    def test_410_switches_a_subscription_off_at_once(self):
        receiver = self.make_receiver(answer(410))
        subscription = self.subscribe(receiver)
        self.publish()

        disabled = eventually(lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
                              "the subscription is disabled")
        self.assertEqual(disabled["disabled_reason"], "GONE")
        self.assertIsNotNone(disabled["disabled_at"])
        self.assertEqual(self.wait_for_status(subscription, "FAILED")[0]["attempt_number"], 1)

    def test_ten_failures_in_a_row_switch_a_subscription_off(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver, max_retries=0)
        for n in range(9):
            self.publish(data=n)
        self.wait_for_status(subscription, "FAILED", 9)
        self.assertEqual(self.subscription(subscription)["status"], "ACTIVE")

        self.publish(data=9)
        disabled = eventually(lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
                              "the subscription is disabled")
        self.assertEqual(disabled["disabled_reason"], "CONSECUTIVE_FAILURES")
        self.assertEqual(disabled["consecutive_failures"], 10)
        entries = self.expect(200, self.api.get("/api/v1/audit-log"))["data"]
        self.assertEqual([(each["actor_type"], each["after"]["disabled_reason"]) for each in entries
                          if each["action"] == "subscription.disabled"], [("system", "CONSECUTIVE_FAILURES")])

    def test_what_comes_while_it_is_off_is_held_and_sent_when_it_is_enabled(self):
        receiver = self.make_receiver()
        receiver.script(answer(410))
        subscription = self.subscribe(receiver)
        self.publish(data="first")
        eventually(lambda: self.subscription(subscription)["status"] == "FAILED", "the subscription is disabled")

        self.publish(data="second")
        self.wait_for_status(subscription, "HELD")
        self.expect_problem(409, "CONFLICT_STATE", self.api.post(
            f"/api/v1/webhooks/subscriptions/{subscription['id']}/pause"))
        self.wait_for_status(subscription, "HELD")
        enabled = self.act(subscription, "enable")

        self.assertEqual((enabled["status"], enabled["is_enabled"], enabled["disabled_reason"]), ("ACTIVE", True, None))
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual([request.json["data"] for request in receiver.wait_for(2)], ["first", "second"])

    def test_a_success_in_between_keeps_it_on(self):
        receiver = self.make_receiver(answer(500))
        receiver.script(*[answer(500)] * 9, answer(200))
        subscription = self.subscribe(receiver, max_retries=0)
        for n in range(10):
            self.publish(data=n)
            receiver.wait_for(n + 1)
        self.wait_for_status(subscription, "DELIVERED")
        for n in range(9):
            self.publish(data=n)

        self.wait_for_status(subscription, "FAILED", 18)
        stats = self.subscription(subscription)
        self.assertEqual((stats["status"], stats["consecutive_failures"]), ("ACTIVE", 9))


class GivingLate(HubCase):
    settings = {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": "900"}

    def test_a_short_outage_does_not_switch_a_subscription_off(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver, max_retries=0)
        for n in range(15):
            self.publish(data=n)

        self.wait_for_status(subscription, "FAILED", 15)
        stats = self.subscription(subscription)
        self.assertEqual((stats["status"], stats["consecutive_failures"]), ("ACTIVE", 15))


if __name__ == "__main__":
    unittest.main()
