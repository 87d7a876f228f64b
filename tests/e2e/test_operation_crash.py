"""Bulk replays that are cut off by a crash: each delivery is replayed once, also by who comes after."""
import unittest
from collections import Counter

from harness import OwnHubCase, eventually, on_both_engines
from harness.case import path_of
from harness.hub import LEASE_S

load_tests = on_both_engines

COUNT = 10_000
BATCH = 1000
PATIENCE_S = 120.0


class OperationCrash(OwnHubCase):
    def make_cancelled(self, subscription: dict, count: int) -> Counter:
        """So many deliveries that can be replayed; the ids of their events."""
        events: Counter = Counter()
        self.act(subscription, "pause")
        for start in range(0, count, BATCH):
            batch = [{"type": "order.created", "data": start + n} for n in range(BATCH)]
            answers = self.expect(202, self.api.post("/api/v1/events/batch", {"events": batch}))["data"]
            events.update(each["id"] for each in answers)
        self.assertEqual(self.act(subscription, "cancel-pending"), {"cancelled": count})
        self.act(subscription, "resume")
        return events

    def read(self, operation: dict) -> dict:
        return self.expect(200, self.api.get(f"/api/v1/operations/{operation['id']}"))

    def unknown_attempts(self, subscription: dict) -> int:
        """Of the deliveries that a crash cut off, which are the only ones with more than one attempt."""
        rows = self.deliveries(subscription, "?attempts[gte]=2&limit=250")
        return sum(each["attempt_number"] - 1 for each in rows)

    def test_ten_thousand_are_replayed_once_each_though_it_is_killed_in_the_midst_of_it(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        events = self.make_cancelled(subscription, COUNT)
        body = {"filter": {"status": "CANCELLED"}}

        plan = self.expect(200, self.api.post(f"{path_of(subscription)}/replay", body | {"dry_run": True}))
        self.assertEqual((plan["count"], plan["count_is_exact"]), (COUNT, True))
        # So slow that the kill meets it in the midst of putting them into the lane.
        operation = self.expect(
            202, self.api.post(f"{path_of(subscription)}/replay", body | {"rate_per_second": 1000})
        )
        eventually(lambda: self.read(operation)["progress"]["done"] >= COUNT // 5, "a fifth of it")
        receiver.wait_for(1)
        self.hub.kill()
        self.hub.start()
        self.assertLess(self.read(operation)["progress"]["done"], COUNT)

        done = eventually(
            lambda: (now := self.read(operation))["replays"]["delivered"] == COUNT and now,
            "all delivered", LEASE_S + PATIENCE_S,
        )
        self.assertEqual((done["status"], done["progress"]["done"]), ("COMPLETED", COUNT))
        self.assertEqual((done["progress"]["failed"], done["replays"]["pending"]), (0, 0))
        sent = Counter(request.header("webhook-id") for request in receiver.requests)
        self.assertEqual(set(sent), set(events))
        more = sum(sent.values()) - COUNT
        self.assertLessEqual(more, self.unknown_attempts(subscription))


if __name__ == "__main__":
    unittest.main()
