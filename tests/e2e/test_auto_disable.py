"""Subscriptions that are switched off by themselves, and what becomes of their deliveries."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.receiver import answer

load_tests = on_both_engines


class AutoDisable(HubCase):
    settings = {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": "0"}

    def test_410_switches_a_subscription_off_at_once(self):
        receiver = self.make_receiver(answer(410))
        subscription = self.subscribe(receiver)
        self.publish()

        disabled = eventually(
            lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
            "the subscription is disabled",
        )
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
        disabled = eventually(
            lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
            "the subscription is disabled",
        )
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
        eventually(
            lambda: self.subscription(subscription)["status"] == "FAILED", "the subscription is disabled"
        )

        self.publish(data="second")
        self.wait_for_status(subscription, "HELD")
        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{path_of(subscription)}/pause"))
        self.wait_for_status(subscription, "HELD")
        enabled = self.act(subscription, "enable")

        self.assertEqual(
            (enabled["status"], enabled["is_enabled"], enabled["disabled_reason"]), ("ACTIVE", True, None)
        )
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual([request.json["data"] for request in receiver.wait_for(2)], ["first", "second"])

    def test_a_success_in_between_keeps_it_on(self):
        receiver = self.make_receiver(answer(500))
        receiver.script(*[answer(500)] * 9, answer(200))
        subscription = self.subscribe(receiver, max_retries=0)
        for n in range(9):
            self.publish(data=n)
        self.wait_for_status(subscription, "FAILED", 9)  # or a failure could be counted behind the success
        self.publish(data=9)
        self.wait_for_status(subscription, "DELIVERED")
        for n in range(9):
            self.publish(data=n)

        self.wait_for_status(subscription, "FAILED", 18)
        stats = self.subscription(subscription)
        self.assertEqual((stats["status"], stats["consecutive_failures"]), ("ACTIVE", 9))


class AutoDisableWithFloor(HubCase):
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
