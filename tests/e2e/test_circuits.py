"""Circuits of subscriptions: shown while they are open, and closed by whoever knows better."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.receiver import answer

load_tests = on_both_engines

CLOSED = {"state": "CLOSED", "since": None, "next_probe_at": None}


class Circuits(HubCase):
    settings = {"CIRCUIT_FAILURE_THRESHOLD": "2", "CIRCUIT_TIMEOUT_SECONDS": "600"}

    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.make_receiver(answer(503))
        self.made = self.subscribe(self.receiver, max_retries=0)

    def open_circuit(self) -> dict:
        """Returns a delivery that waits for it."""
        for _ in range(2):
            self.publish()
        self.wait_for_status(self.made, "FAILED", 2)
        event = self.publish()
        waiting = self.wait_for_status(self.made, "PENDING")[0]
        self.assertEqual(waiting["event_id"], event["id"])
        return waiting

    def metric(self) -> float:
        text = self.api.get("/metrics").content.decode()
        line = next(line for line in text.splitlines() if line.startswith("crossdock_circuits_open "))
        return float(line.split()[1])

    def test_an_open_circuit_is_seen_on_the_subscription_and_on_what_waits_for_it(self):
        self.assertEqual(self.subscription(self.made)["circuit"], CLOSED)
        self.assertEqual(self.made["circuit"], CLOSED)
        metrics = self.api.get("/metrics").content.decode()
        before = self.metric() if "crossdock_circuits_open" in metrics else 0
        waiting = self.open_circuit()

        circuit = self.subscription(self.made)["circuit"]
        self.assertEqual(circuit["state"], "OPEN")
        self.assertLess(circuit["since"], circuit["next_probe_at"])
        self.assertEqual(waiting["circuit"], circuit)
        detail = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries/{waiting['id']}"))
        self.assertEqual(detail["circuit"], circuit)
        self.assertEqual(self.metric(), before + 1)
        self.assertIsNone(self.deliveries(self.made, "?status=FAILED")[0]["circuit"])

    def expect_closed(self) -> None:
        self.assertEqual(self.subscription(self.made)["circuit"], CLOSED)
        self.wait_for_status(self.made, "DELIVERED")
        log = self.expect(200, self.api.get("/api/v1/events?type=circuit.closed"))["data"]
        self.assertEqual([event["data"]["subscription_id"] for event in log], [self.made["id"]])

    def test_reset_closes_it_at_once(self):
        self.open_circuit()
        self.receiver.default = answer()

        self.assertEqual(self.act(self.made, "reset-circuit")["circuit"], CLOSED)
        self.expect_closed()

    def test_another_url_closes_it(self):
        self.open_circuit()
        elsewhere = self.make_receiver()

        changed = self.expect(200, self.api.patch(path_of(self.made), {"url": elsewhere.url}))
        self.assertEqual(changed["circuit"], CLOSED)
        self.expect_closed()

    def test_a_replay_of_what_waits_for_it_is_told_how_to_go_on(self):
        waiting = self.open_circuit()

        refused = self.api.post(f"/api/v1/webhooks/deliveries/{waiting['id']}/replay")
        self.expect_problem(409, "CONFLICT_STATE", refused)
        self.assertRegex(refused.json["detail"], "cancel.*reset-circuit")

    def test_a_replay_to_another_url_is_not_held_by_it(self):
        self.open_circuit()
        elsewhere = self.make_receiver()
        failed = self.deliveries(self.made, "?status=FAILED")[0]

        again = self.expect(202, self.api.post(
            f"/api/v1/webhooks/deliveries/{failed['id']}/replay", {"url": elsewhere.url}))
        self.assertIsNone(again["circuit"])
        elsewhere.wait_for(1)
        self.assertEqual(self.wait_for_status(self.made, "DELIVERED")[0]["id"], again["id"])
        self.assertEqual(self.subscription(self.made)["circuit"]["state"], "OPEN")

    def test_what_goes_elsewhere_is_held_and_cancelled_with_its_subscription(self):
        elsewhere = self.make_receiver(answer(500))
        self.publish()
        failed = self.wait_for_status(self.made, "FAILED")[0]
        path = f"/api/v1/webhooks/deliveries/{failed['id']}/replay"
        for count in (2, 3):  # the second finds its lane made
            self.act(self.made, "pause")
            held = self.expect(202, self.api.post(path, {"url": elsewhere.url}))
            self.assertEqual((held["status"], held["subscription_id"]), ("HELD", self.made["id"]))
            self.act(self.made, "resume")
            self.wait_for_status(self.made, "FAILED", count)
        self.act(self.made, "pause")
        for _ in range(2):
            self.expect(202, self.api.post(path, {"url": elsewhere.url}))

        self.assertEqual(self.act(self.made, "cancel-pending"), {"cancelled": 2})
        cancelled = self.deliveries(self.made, "?status=CANCELLED")
        self.assertEqual([row["replay_no"] for row in cancelled], [1, 1])

    def test_another_name_does_not(self):
        self.open_circuit()
        changed = self.expect(200, self.api.patch(path_of(self.made), {"name": "other"}))

        self.assertEqual(changed["circuit"]["state"], "OPEN")

    def test_a_viewer_may_not_reset_it(self):
        viewer = self.hub.api.as_key(self.make_key(self.tenant, role="viewer")["key"])
        self.expect_problem(403, "FORBIDDEN", viewer.post(f"{path_of(self.made)}/reset-circuit"))

    def test_it_opens_again_after_a_reset(self):
        self.open_circuit()
        self.act(self.made, "reset-circuit")
        self.wait_for_status(self.made, "FAILED", 3)
        self.publish()

        eventually(lambda: self.subscription(self.made)["circuit"]["state"] == "OPEN", "an open circuit")


if __name__ == "__main__":
    unittest.main()
