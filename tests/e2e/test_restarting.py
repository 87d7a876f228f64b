"""Coming back: what was waiting when the process ended, however it did, goes on."""
import time
import unittest

from harness import OwnHubCase, Receiver, eventually, on_both_engines
from harness.case import path_of
from harness.hub import LEASE_S
from harness.receiver import hang

load_tests = on_both_engines


class Restarting(OwnHubCase):
    def test_what_was_waiting_is_delivered_after_a_restart(self):
        receiver = Receiver()
        receiver.close()
        subscription = self.subscribe(receiver, retry_intervals=[1], max_retries=20)
        published = {self.publish(data=n)["id"] for n in range(5)}
        self.wait_for_status(subscription, "RETRYING", 5)

        self.assertEqual(self.hub.stop(), 0)
        alive = Receiver(port=receiver.port)
        self.addCleanup(alive.close)
        self.hub.start()

        self.wait_for_status(subscription, "DELIVERED", 5)
        self.assertEqual({request.header("webhook-id") for request in alive.requests}, published)

    def test_what_was_held_is_still_held_after_a_restart(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        self.publish()
        self.hub.restart()

        self.wait_for_status(subscription, "HELD")
        self.assertEqual(receiver.requests, [])
        self.act(subscription, "resume")
        self.wait_for_status(subscription, "DELIVERED")

    def test_an_attempt_that_a_crash_cut_off_is_unknown_and_made_again(self):
        receiver = self.make_receiver()
        receiver.script(hang)
        subscription = self.subscribe(receiver, timeout_seconds=60)
        self.publish()
        receiver.wait_for(1)

        self.hub.kill()
        self.hub.start()

        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}/attempts"
        attempts = self.expect(200, self.api.get(path))["data"]
        self.assertEqual([each["outcome"] for each in attempts], ["UNKNOWN", "DELIVERED"])
        self.assertEqual([each["attempt_number"] for each in attempts], [1, 2])
        self.assertEqual(len({request.header("webhook-id") for request in receiver.requests}), 1)

    def test_everything_is_as_it_was_after_a_restart(self):
        subscription = self.subscribe(self.make_receiver(), auth_type="BASIC",
                                      auth_config={"username": "u", "password": "p"})
        paths = [path_of(subscription), "/api/v1/webhooks/subscriptions", "/api/v1/audit-log"]
        before = [self.expect(200, self.api.get(path)) for path in paths]

        self.hub.restart()

        self.assertEqual([self.expect(200, self.api.get(path)) for path in paths], before)
        self.assertEqual(
            self.expect(200, self.hub.platform.get(f"/api/v1/tenants/{self.tenant['slug']}")), self.tenant
        )


class LosingTheLease(OwnHubCase):
    """On PostgreSQL: a node that cannot say that it lives sends nothing until it can."""

    def test_nothing_is_sent_from_when_the_lease_is_lost_until_it_is_renewed(self):
        if self.engine != "postgres":
            self.skipTest("on SQLite there is one node only")
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.publish()
        self.wait_for_status(subscription, "DELIVERED")

        self.hub.database.execute("ALTER TABLE nodes RENAME TO nodes_away")
        eventually(lambda: "the lease is lost" in self.hub.log_tail(), "the lease is lost", LEASE_S)
        self.assertIn("keep the lease", self.hub.log_tail())
        self.publish()
        time.sleep(2)  # tidy: allow blind-wait in which nothing may happen
        self.assertEqual(len(receiver.requests), 1)

        self.hub.database.execute("ALTER TABLE nodes_away RENAME TO nodes")
        self.wait_for_status(subscription, "DELIVERED", 2, within=LEASE_S)
        self.assertEqual(len(receiver.requests), 2)
        self.assertIn("the lease is held again", self.hub.log_tail())


if __name__ == "__main__":
    unittest.main()
