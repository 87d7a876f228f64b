"""Replays of many received events: planned, at a pace, once each, also over a crash."""
import unittest

from harness import OwnHubCase, eventually, on_both_engines
from harness.endpoints import ENDPOINTS, RECEIVED, EndpointCase
from harness.wait import PATIENCE_S

load_tests = on_both_engines

REPLAY = f"{RECEIVED}/replay"
OPERATIONS = "/api/v1/operations"


class ReplayCase(EndpointCase):
    def fail_many(self, count: int, path: str = "github") -> tuple[dict, list[str]]:
        """An endpoint whose path finds nothing in what was sent, and the ids of what failed there."""
        endpoint = self.make_endpoint(path, paths={"event_type": "json:kind"})
        ids = [self.expect(200, self.send(endpoint, b'{"n": %d}' % n))["id"] for n in range(count)]
        for id in ids:
            self.wait_processed(id, "FAILED")
        return endpoint, ids

    def mend(self, endpoint: dict) -> None:
        self.expect(200, self.api.patch(f"{ENDPOINTS}/{endpoint['id']}", {"paths": {}}))

    def start(self, **body) -> dict:
        return self.expect(202, self.api.post(REPLAY, body))

    def ended(self, operation: dict, status: str = "COMPLETED", within: float = PATIENCE_S) -> dict:
        def look() -> dict | None:
            found = self.expect(200, self.api.get(f"{OPERATIONS}/{operation['id']}"))
            return found if found["status"] == status else None
        return eventually(look, f"operation {status}", within)


class Replays(ReplayCase):
    def test_what_failed_is_planned_and_processed_again(self):
        endpoint, ids = self.fail_many(5)
        other, _ = self.fail_many(1, "other")
        good = self.make_endpoint("good")
        done = self.expect(200, self.send(good, b'{"n": "good"}'))["id"]
        self.wait_processed(done)

        plan = self.expect(200, self.api.post(REPLAY, {"filter": {"status": "FAILED"}, "dry_run": True}))

        self.assertEqual((plan["count"], plan["count_is_exact"]), (6, True))
        self.assertEqual(plan["endpoints"][0], {"endpoint_id": endpoint["id"], "count": 5})
        self.assertEqual([row["id"] for row in plan["sample"]], ids)
        self.mend(endpoint)
        operation = self.start(filter={"endpoint_id": endpoint["id"]})
        self.assertEqual((operation["kind"], operation["target_id"]), ("RECEIVED_REPLAY", endpoint["id"]))
        after = self.ended(operation)
        self.assertEqual(after["progress"], {"total": 5, "done": 5, "failed": 0, "reasons": {}})
        found = [self.wait_processed(id) for id in ids]
        self.assertEqual({each["replays"] for each in found}, {1})
        self.assertEqual(len({each["event_id"] for each in found}), 5)
        self.assertEqual(self.detail(done)["replays"], 0)
        self.assertEqual([row["endpoint_id"] for row in self.received("?status=FAILED")], [other["id"]])

    def test_what_was_processed_well_can_be_processed_again(self):
        endpoint = self.make_endpoint(source="shop")
        ids = [self.expect(200, self.send(endpoint, b'{"n": %d}' % n))["id"] for n in range(3)]
        first = [self.wait_processed(id)["event_id"] for id in ids]
        operation = self.start(filter={"status": ["PROCESSED", "IGNORED"], "source": "shop"})
        self.assertEqual(self.ended(operation)["progress"]["done"], 3)

        def processed_again() -> list[dict]:
            rows = [self.detail(id) for id in ids]
            return rows if {row["replays"] for row in rows} == {1} else []
        again = eventually(processed_again, "all processed again")
        self.assertFalse({row["event_id"] for row in again} & set(first))

    def test_named_ones_are_replayed_at_a_pace_and_can_be_stopped(self):
        endpoint, ids = self.fail_many(6)
        self.mend(endpoint)
        operation = self.start(filter={"received_ids": ids}, rate_per_second=1)
        self.wait_processed(ids[0])
        self.expect(200, self.api.post(f"{OPERATIONS}/{operation['id']}/cancel"))
        self.ended(operation, "CANCELLED")
        self.assertEqual(self.detail(ids[-1])["status"], "FAILED")

    def test_what_has_no_endpoint_any_more_is_counted(self):
        endpoint, _ = self.fail_many(2)
        self.fail_many(1, "kept")
        self.expect(204, self.api.delete(f"{ENDPOINTS}/{endpoint['id']}"))
        after = self.ended(self.start(filter={"status": "FAILED"}))
        self.assertEqual(after["progress"]["reasons"], {"ENDPOINT_GONE": 2})
        self.assertEqual((after["progress"]["done"], after["progress"]["failed"]), (3, 2))

    def test_requests_that_make_no_sense_say_why(self):
        for body, pointer in (({}, "#/filter"), ({"filter": {}}, "#/filter"),
                              ({"filter": {"status": "PENDING"}}, "#/filter/status"),
                              ({"filter": {"received_ids": ["x"]}}, "#/filter/received_ids"),
                              ({"filter": {"endpoint_id": "x"}}, "#/filter/endpoint_id"),
                              ({"filter": {"color": "red"}}, "#/filter/color"),
                              ({"filter": {"status": "FAILED"}, "rate_per_second": 0}, "#/rate_per_second")):
            with self.subTest(body=body):
                reply = self.api.post(REPLAY, body)
                self.expect_problem(422, "VALIDATION_FAILED", reply)
                self.assertIn(pointer, reply.pointers)

    def test_another_tenants_are_not_among_them(self):
        self.fail_many(1)
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        plan = self.expect(200, stranger.post(f"{REPLAY}?dry_run=true", {"filter": {"status": "FAILED"}}))
        self.assertEqual(plan["count"], 0)


class OverACrash(ReplayCase, OwnHubCase):
    def test_each_is_replayed_once(self):
        endpoint, ids = self.fail_many(12)
        self.mend(endpoint)
        operation = self.start(filter={"status": "FAILED"}, rate_per_second=4)
        self.wait_processed(ids[0])
        self.hub.kill()
        self.hub.start()
        self.ended(operation, within=60)
        self.assertEqual({self.wait_processed(id)["replays"] for id in ids}, {1})


if __name__ == "__main__":
    unittest.main()
