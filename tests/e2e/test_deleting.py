"""Deleting subscriptions and tenants: what waits is cancelled or delivered first, as one chooses."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.receiver import answer

load_tests = on_both_engines

OPERATIONS = "/api/v1/operations"


class Deleting(HubCase):
    def start(self, api, path: str) -> dict:
        reply = api.delete(path)
        operation = self.expect(202, reply)
        self.assertEqual(reply.headers["Location"], f"{OPERATIONS}/{operation['id']}")
        return operation

    def wait_for_end(self, api, operation: dict) -> dict:
        def ended() -> dict | None:
            now = self.expect(200, api.get(f"{OPERATIONS}/{operation['id']}"))
            return now if now["status"] == "COMPLETED" else None
        return eventually(ended, "the end of the operation", within=30)

    # --- subscriptions

    def test_a_subscription_is_removed_when_what_waits_has_been_delivered(self):
        receiver = self.make_receiver()
        receiver.script(answer(503))
        subscription = self.subscribe(receiver, retry_intervals=[2])
        waiting = self.publish()
        self.wait_for_status(subscription, "RETRYING")

        operation = self.start(self.api, f"{path_of(subscription)}?pending=drain")
        self.assertEqual((operation["kind"], operation["target_id"]),
                         ("SUBSCRIPTION_DELETION", subscription["id"]))
        self.assertEqual(self.subscription(subscription)["status"], "DELETING")
        self.publish()

        after = self.wait_for_end(self.api, operation)
        self.assertEqual((after["progress"]["total"], after["progress"]["done"]), (1, 1))
        self.assertEqual([request.header("webhook-id") for request in receiver.requests], [waiting["id"]] * 2)
        self.expect_problem(404, "NOT_FOUND", self.api.get(path_of(subscription)))
        ended = f"subscription_id={subscription['id']}&status=DELIVERED,FAILED,CANCELLED"
        history = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries?{ended}"))
        self.assertEqual([each["status"] for each in history["data"]], ["DELIVERED"])

    def test_a_subscription_that_is_being_deleted_is_not_changed(self):
        receiver = self.make_receiver(answer(503))
        subscription = self.subscribe(receiver, retry_intervals=[3600])
        self.publish()
        self.wait_for_status(subscription, "RETRYING")
        operation = self.start(self.api, f"{path_of(subscription)}?pending=drain")

        self.expect(409, self.api.patch(path_of(subscription), {"name": "other"}))
        self.expect(409, self.api.post(f"{path_of(subscription)}/pause"))
        self.expect(409, self.api.delete(f"{path_of(subscription)}?pending=drain"))
        self.expect(409, self.api.post(f"{OPERATIONS}/{operation['id']}/cancel"))

        self.expect(204, self.api.delete(f"{path_of(subscription)}?pending=cancel"))
        self.wait_for_end(self.api, operation)
        history = self.expect(
            200, self.api.get(f"/api/v1/webhooks/deliveries?subscription_id={subscription['id']}")
        )
        self.assertEqual([(each["status"], each["reason"]) for each in history["data"]],
                         [("CANCELLED", "SUBSCRIPTION_DELETED")])

    def test_one_that_holds_its_deliveries_cannot_be_drained(self):
        subscription = self.subscribe(self.make_receiver())
        self.act(subscription, "pause")

        self.expect(409, self.api.delete(f"{path_of(subscription)}?pending=drain"))
        self.expect_problem(400, "BAD_REQUEST", self.api.delete(f"{path_of(subscription)}?pending=maybe"))
        self.assertEqual(self.subscription(subscription)["status"], "PAUSED")
        self.expect(204, self.api.delete(path_of(subscription)))

    def test_changes_and_a_deletion_do_well_beside_deliveries_that_end(self):
        receiver = self.make_receiver(answer(503))
        for _ in range(25):
            subscription = self.subscribe(receiver, retry_intervals=[1])
            for _ in range(10):
                self.publish()
            self.expect(200, self.api.patch(path_of(subscription), {"name": "changed"}))
            self.act(subscription, "pause")
            self.act(subscription, "resume")
            self.publish()
            self.expect(204, self.api.delete(path_of(subscription)))

    # --- tenants

    def test_a_tenant_is_removed_with_all_it_has(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.publish()
        self.wait_for_status(subscription, "DELIVERED")
        self.act(subscription, "pause")
        self.publish()
        path = f"/api/v1/tenants/{self.tenant['id']}"

        operation = self.start(self.hub.platform, path)
        self.assertEqual((operation["kind"], operation["target_id"]), ("TENANT_DELETION", self.tenant["id"]))
        self.expect(403, self.api.get("/api/v1/events"))
        self.expect(403,
                    self.hub.platform_in(self.tenant["id"]).post("/api/v1/events", {"type": "a", "data": 1}))
        self.expect(409, self.hub.platform.patch(path, {"name": "other"}))
        self.expect(409, self.hub.platform.delete(path))

        self.wait_for_end(self.hub.platform, operation)
        self.expect_problem(404, "NOT_FOUND", self.hub.platform.get(path))
        self.expect_problem(401, "UNAUTHENTICATED", self.api.get("/api/v1/events"))
        self.expect(201, self.hub.platform.post("/api/v1/tenants",
                                                {"name": "Next", "slug": self.tenant["slug"]}))
        log = self.expect(200, self.hub.platform.get("/api/v1/audit-log"))["data"]
        self.assertIn(("tenant.deleted", self.tenant["id"]),
                      [(each["action"], each["target_id"]) for each in log])

    def test_a_tenant_can_have_its_deliveries_made_first(self):
        receiver = self.make_receiver()
        receiver.script(answer(503))
        subscription = self.subscribe(receiver, retry_intervals=[2])
        waiting = self.publish()
        self.wait_for_status(subscription, "RETRYING")

        operation = self.start(self.hub.platform, f"/api/v1/tenants/{self.tenant['id']}?pending=drain")

        self.wait_for_end(self.hub.platform, operation)
        self.assertEqual([request.header("webhook-id") for request in receiver.requests], [waiting["id"]] * 2)

    def test_only_the_platform_deletes_tenants(self):
        self.expect_problem(403, "FORBIDDEN", self.api.delete(f"/api/v1/tenants/{self.tenant['id']}"))
        self.expect(200, self.api.get("/api/v1/events"))


if __name__ == "__main__":
    unittest.main()
