"""Replays of many deliveries at once, and the operations that make them."""
import json
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.paths import OPENAPI
from harness.receiver import answer

load_tests = on_both_engines

DELIVERIES = "/api/v1/webhooks/deliveries"
REPLAY = f"{DELIVERIES}/replay"
OPERATIONS = "/api/v1/operations"


class Operations(HubCase):
    def make_failed(self, count: int, **settings) -> tuple:
        """A subscription with so many FAILED deliveries, whose receiver has come back meanwhile."""
        receiver = self.make_receiver(answer(503))
        subscription = self.subscribe(receiver, max_retries=0, **settings)
        for number in range(count):
            self.publish(data={"n": number})
        self.wait_for_status(subscription, "FAILED", count)
        receiver.default = answer()
        return subscription, receiver

    def start(self, path: str, body: dict | None = None, **options) -> dict:
        reply = self.api.post(path, body, **options)
        operation = self.expect(202, reply)
        self.assertEqual(reply.headers["Location"], f"{OPERATIONS}/{operation['id']}")
        return operation

    def read(self, operation: dict) -> dict:
        return self.expect(200, self.api.get(f"{OPERATIONS}/{operation['id']}"))

    def wait_for(self, operation: dict, **wanted: int) -> dict:
        """The operation, as soon as its replays are so many of each kind."""
        def found() -> dict | None:
            now = self.read(operation)
            return now if {name: now["replays"][name] for name in wanted} == wanted else None
        return eventually(found, f"{wanted} of operation {operation['id']}")

    # --- plans

    def test_a_plan_says_how_many_and_which_without_sending_any(self):
        first, first_receiver = self.make_failed(3)
        second, _ = self.make_failed(1)

        for path, body in ((REPLAY, {"filter": {"status": "FAILED"}, "dry_run": True}),
                           (f"{REPLAY}?dry_run=true", {"filter": {"status": ["FAILED"]}})):
            plan = self.expect(200, self.api.post(path, body))

            self.assertEqual((plan["count"], plan["count_is_exact"], plan["dry_run"]), (4, True, True))
            self.assertEqual({each["subscription_id"]: each["count"] for each in plan["subscriptions"]},
                             {first["id"]: 3, second["id"]: 1})
            self.assertEqual([each["status"] for each in plan["sample"]], ["FAILED"] * 4)
        self.assertEqual(self.expect(200, self.api.get(OPERATIONS))["data"], [])
        self.assertEqual(len(first_receiver.requests), 4)

    def test_a_plan_follows_every_member_of_the_filter(self):
        subscription, _ = self.make_failed(2)
        failed = self.deliveries(subscription)

        def count(**filters) -> int:
            return self.expect(200, self.api.post(REPLAY, {"filter": filters, "dry_run": True}))["count"]
        for matching, other in (
            ({"status": "FAILED"}, {"status": ["CANCELLED", "SKIPPED"]}),
            ({"status_code": 503}, {"status_code": 500}),
            ({"status_code": "5XX"}, {"status_code": "4XX"}),
            ({"status_code": "5xx"}, {"status_code": "4xx"}),
            ({"error_class": "HTTP_5XX"}, {"error_class": "READ_TIMEOUT"}),
            ({"event_type": "order.created"}, {"event_type": "order.updated"}),
            ({"event_type": "order.*"}, {"event_type": "order_*"}),
            ({"attempts[gte]": 1}, {"attempts[gte]": 7}),
            ({"is_test": False}, {"event_id": subscription["id"]}),
            ({"subscription_id": subscription["id"]}, {"subscription_id": failed[0]["id"]}),
            ({"since": failed[-1]["created_at"]}, {"until": failed[-1]["created_at"]}),
            ({"created_at[gte]": failed[-1]["created_at"]}, {"created_at[lt]": failed[-1]["created_at"]}),
            ({"created_at[lte]": failed[0]["created_at"]}, {"created_at[gt]": failed[0]["created_at"]}),
            ({"delivery_ids": [each["id"] for each in failed]}, {"delivery_ids": [subscription["id"]]}),
        ):
            with self.subTest(matching):
                self.assertEqual(count(**matching), 2)
                self.assertEqual(count(**other), 0)

    # --- replays

    def test_everything_that_failed_is_sent_again(self):
        subscription, receiver = self.make_failed(5)
        failed = {each["id"]: each for each in self.deliveries(subscription)}

        operation = self.start(f"{path_of(subscription)}/replay")
        self.assertEqual((operation["kind"], operation["target_id"]), ("DELIVERY_REPLAY", subscription["id"]))

        after = self.wait_for(operation, delivered=5, pending=0)
        self.assertEqual(after["status"], "COMPLETED")
        self.assertEqual((after["progress"]["total"], after["progress"]["done"]), (5, 5))
        replays = self.deliveries(subscription, "?status=DELIVERED")
        self.assertEqual({each["replay_of"] for each in replays}, set(failed))
        self.assertEqual({each["operation_id"] for each in replays}, {operation["id"]})
        self.assertEqual({each["replay_no"] for each in replays}, {1})
        sent = [request.header("webhook-id") for request in receiver.requests]
        self.assertEqual(sorted(sent[5:]), sorted(sent[:5]))

    def test_only_the_deliveries_that_are_named_are_sent(self):
        subscription, receiver = self.make_failed(3)
        chosen = self.deliveries(subscription)[1]

        operation = self.start(REPLAY, {"filter": {"delivery_ids": [chosen["id"]]}})

        self.wait_for(operation, delivered=1)
        self.assertEqual(receiver.requests[-1].header("webhook-id"), chosen["event_id"])
        self.assertEqual(len(receiver.requests), 4)

    def test_replays_can_go_to_another_place(self):
        subscription, receiver = self.make_failed(2)
        elsewhere = self.make_receiver()

        operation = self.start(f"{path_of(subscription)}/replay", {"url": elsewhere.url})

        self.wait_for(operation, delivered=2)
        self.assertEqual((len(elsewhere.requests), len(receiver.requests)), (2, 2))

    def test_what_is_gone_is_counted_with_its_reason(self):
        subscription, _ = self.make_failed(2)
        self.expect(204, self.api.delete(path_of(subscription)))

        operation = self.start(REPLAY, {"filter": {"status": "FAILED"}})

        after = eventually(lambda: (now := self.read(operation))["status"] == "COMPLETED" and now, "its end")
        self.assertEqual((after["progress"]["done"], after["progress"]["failed"]), (2, 2))
        self.assertEqual(after["progress"]["reasons"], {"SUBSCRIPTION_GONE": 2})

    def test_a_repeated_request_starts_one_operation(self):
        subscription, receiver = self.make_failed(1)
        replies = [
            self.api.post(f"{path_of(subscription)}/replay", headers={"Idempotency-Key": "once"})
            for _ in range(2)
        ]

        self.assertEqual([reply.status for reply in replies], [202, 202])
        self.assertEqual(replies[0].content, replies[1].content)
        self.assertEqual(replies[0].headers["Location"], replies[1].headers["Location"])
        self.wait_for(replies[0].json, delivered=1)
        self.assertEqual(len(receiver.requests), 2)

    # --- recovering

    def test_a_subscription_gets_what_it_has_missed(self):
        before = self.publish(data="before there was a subscription")
        self.publish(type="invoice.paid")
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, max_retries=0)
        delivered = self.publish(data="delivered")
        self.wait_for_status(subscription, "DELIVERED")
        receiver.script(answer(500))
        failed = self.publish(data="failed")
        self.wait_for_status(subscription, "FAILED")
        self.act(subscription, "pause")
        held = self.publish(data="held")
        self.wait_for_status(subscription, "HELD")
        path = f"{path_of(subscription)}/recover"
        since = self.expect(200, self.api.get(f"/api/v1/events/{before['id']}"))["created_at"]

        plan = self.expect(200, self.api.post(path, {"since": since, "dry_run": True}))
        self.assertEqual((plan["count"], plan["count_is_exact"]), (2, True))
        self.assertEqual([each["event_id"] for each in plan["sample"]], [failed["id"]])
        operation = self.start(path, {"since": since})
        self.wait_for(operation, pending=2)
        self.act(subscription, "resume")

        after = self.wait_for(operation, delivered=2, pending=0)
        self.assertEqual((after["kind"], after["status"]), ("SUBSCRIPTION_RECOVERY", "COMPLETED"))
        self.wait_for_status(subscription, "DELIVERED", 4)
        sent = [request.header("webhook-id") for request in receiver.requests]
        self.assertCountEqual(
            sent, [delivered["id"], failed["id"], held["id"], failed["id"], before["id"]]
        )
        replays = {each["event_id"]: each["replay_no"] for each in self.deliveries(subscription)
                   if each["operation_id"] == operation["id"]}
        self.assertEqual(replays, {failed["id"]: 1, before["id"]: 0})
        again = self.expect(200, self.api.post(path, {"since": since, "dry_run": True}))
        self.assertEqual(again["count"], 0)

    def test_the_period_of_a_recovery_is_said_as_in_lists(self):
        ids = [self.publish(data=n)["id"] for n in range(3)]
        times = [self.expect(200, self.api.get(f"/api/v1/events/{id}"))["created_at"] for id in ids]
        subscription = self.subscribe(self.make_receiver())
        path = f"{path_of(subscription)}/recover"

        def count(**bounds) -> int:
            return self.expect(200, self.api.post(path, {"dry_run": True} | bounds))["count"]
        self.assertEqual(count(**{"created_at[gte]": times[1]}), sum(time >= times[1] for time in times))
        self.assertEqual(count(**{"created_at[gt]": times[1]}), sum(time > times[1] for time in times))
        self.assertEqual(count(**{"created_at[gte]": times[0], "created_at[lt]": times[2]}),
                         sum(times[0] <= time < times[2] for time in times))
        self.assertEqual(count(**{"since": times[0], "created_at[lte]": times[2]}), 3)
        operation = self.start(path, {"created_at[gte]": times[0], "created_at[lte]": times[2]})
        self.assertEqual(set(operation["parameters"]["filter"]),
                         {"subscription_id", "created_at[gte]", "created_at[lt]"})
        self.wait_for(operation, delivered=3)
        reply = self.api.post(path, {"created_at[lt]": times[0], "created_at[gt]": "noon"})
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(reply.pointers, {"#/created_at[gt]": "INVALID"})

    def test_a_recovery_needs_a_beginning_and_a_subscription(self):
        subscription = self.subscribe(self.make_receiver())
        path = f"{path_of(subscription)}/recover"

        reply = self.api.post(path, {"filter": {}})
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(reply.pointers, {"#/since": "REQUIRED", "#/filter": "UNKNOWN_MEMBER"})
        reply = self.api.post(path, {"since": ""})
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(reply.pointers, {"#/since": "REQUIRED"})
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        self.expect_problem(404, "NOT_FOUND", stranger.post(path, {"since": "2026-01-01T00:00:00Z"}))

    # --- cancelling deliveries

    def test_a_delivery_that_waits_can_be_cancelled(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver, retry_intervals=[3600])
        self.publish()
        delivery = self.wait_for_status(subscription, "RETRYING")[0]
        path = f"{DELIVERIES}/{delivery['id']}"
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        self.expect_problem(404, "NOT_FOUND", stranger.post(f"{path}/cancel"))

        cancelled = self.expect(200, self.api.post(f"{path}/cancel"))

        self.assertEqual((cancelled["status"], cancelled["reason"]), ("CANCELLED", "REQUESTED"))
        self.assertEqual(cancelled["attempt_number"], 1)
        self.assertEqual(self.expect(200, self.api.get(path))["status"], "CANCELLED")
        self.expect(409, self.api.post(f"{path}/cancel"))
        self.expect(202, self.api.post(f"{path}/replay"))

    def test_everything_that_waits_can_be_cancelled_at_once(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        for _ in range(3):
            self.publish()
        self.wait_for_status(subscription, "HELD", 3)

        self.assertEqual(self.act(subscription, "cancel-pending"), {"cancelled": 3})

        self.assertEqual([each["reason"] for each in self.deliveries(subscription, "?status=CANCELLED")],
                         ["REQUESTED"] * 3)
        self.act(subscription, "resume")
        later = self.publish()
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual([request.header("webhook-id") for request in receiver.requests], [later["id"]])
        self.assertEqual(self.act(subscription, "cancel-pending"), {"cancelled": 0})

    # --- cancelling operations

    def test_a_cancelled_operation_sends_no_more(self):
        subscription, receiver = self.make_failed(20)
        operation = self.start(f"{path_of(subscription)}/replay", {"rate_per_second": 1})
        receiver.wait_for(21)

        after = self.expect(
            200, self.api.post(f"{OPERATIONS}/{operation['id']}/cancel", {"cancel_waiting": True})
        )

        self.assertEqual(after["status"], "CANCELLED")
        self.assertLess(after["progress"]["done"], 20)
        self.wait_for(operation, pending=0)
        cancelled = self.deliveries(subscription, "?status=CANCELLED")
        self.assertEqual({each["reason"] for each in cancelled}, {"OPERATION_CANCELLED"})
        self.assertEqual(self.read(operation)["replays"]["cancelled"], len(cancelled))
        self.expect(409, self.api.post(f"{OPERATIONS}/{operation['id']}/cancel"))

    def test_what_an_operation_left_waiting_can_be_cancelled_after_its_end(self):
        subscription, receiver = self.make_failed(3)
        self.act(subscription, "pause")
        operation = self.start(f"{path_of(subscription)}/replay")
        self.wait_for(operation, pending=3)

        self.expect(200, self.api.post(f"{OPERATIONS}/{operation['id']}/cancel", {"cancel_waiting": True}))

        self.wait_for(operation, cancelled=3, pending=0)
        self.assertEqual(self.deliveries(subscription, "?status=HELD"), [])
        self.assertEqual(len(receiver.requests), 3)

    # --- who and what

    def test_operations_are_listed_by_status_and_kind(self):
        subscription, _ = self.make_failed(1)
        operation = self.start(f"{path_of(subscription)}/replay")
        self.wait_for(operation, delivered=1)

        def listed(query: str) -> list:
            return [each["id"] for each in self.expect(200, self.api.get(OPERATIONS + query))["data"]]
        self.assertEqual(listed(""), [operation["id"]])
        self.assertEqual(listed("?status=COMPLETED,FAILED&kind=DELIVERY_REPLAY"), [operation["id"]])
        self.assertEqual(listed("?status=CANCELLED"), [])
        problem = self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{OPERATIONS}?status=DONE"))
        self.assertIn("PENDING, RUNNING, COMPLETED, FAILED or CANCELLED", problem["detail"])
        kinds = json.loads(OPENAPI.read_text())["components"]["schemas"]["OperationKind"]["enum"]
        for kind in kinds:
            self.assertEqual(listed(f"?kind={kind}"), [operation["id"]] if kind == "DELIVERY_REPLAY" else [])
        problem = self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{OPERATIONS}?kind=DELIVERY"))
        self.assertIn(", ".join(kinds), problem["detail"])

    def test_nobody_else_sees_or_stops_them(self):
        subscription, _ = self.make_failed(1)
        operation = self.start(f"{path_of(subscription)}/replay")
        path = f"{OPERATIONS}/{operation['id']}"
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        viewer = self.hub.api.as_key(self.make_key(self.tenant, role="viewer")["key"])

        self.expect_problem(404, "NOT_FOUND", stranger.get(path))
        self.expect_problem(404, "NOT_FOUND", stranger.post(f"{path}/cancel"))
        self.expect_problem(404, "NOT_FOUND", self.hub.platform.get(path))
        self.expect_problem(404, "NOT_FOUND", stranger.post(f"{path_of(subscription)}/replay"))
        plan = stranger.post(REPLAY, {"filter": {"status": "FAILED"}, "dry_run": True})
        self.assertEqual(self.expect(200, plan)["count"], 0)
        self.assertEqual(self.expect(200, viewer.get(path))["id"], operation["id"])
        self.expect_problem(403, "FORBIDDEN", viewer.post(f"{path}/cancel"))

    def test_requests_that_mean_nothing_are_refused(self):
        for body, pointer in (
            ({}, "#/filter"),
            ({"filter": {}}, "#/filter"),
            ({"filter": {"status": "PENDING"}}, "#/filter/status"),
            ({"filter": {"status": []}}, "#/filter/status"),
            ({"filter": {"status_code": 99}}, "#/filter/status_code"),
            ({"filter": {"status_code": "6xx"}}, "#/filter/status_code"),
            ({"filter": {"error_class": "TIMEOUT"}}, "#/filter/error_class"),
            ({"filter": {"event_type": "order*"}}, "#/filter/event_type"),
            ({"filter": {"created_at[lt]": "now"}}, "#/filter/created_at[lt]"),
            ({"filter": {"is_test": True}}, "#/filter/is_test"),
            ({"filter": {"delivery_ids": ["1"]}}, "#/filter/delivery_ids"),
            ({"filter": {"delivery_ids": ["1"] * 1001}}, "#/filter/delivery_ids"),
            ({"filter": {"subscription_id": "1"}}, "#/filter/subscription_id"),
            ({"filter": {"since": "yesterday"}}, "#/filter/since"),
            ({"filter": {"type": "order.created"}}, "#/filter/type"),
            ({"filter": {"status": "FAILED"}, "rate_per_second": 0}, "#/rate_per_second"),
            ({"filter": {"status": "FAILED"}, "url": "http://10.0.0.1/"}, "#/url"),
        ):
            with self.subTest(body):
                reply = self.api.post(REPLAY, body)
                self.expect_problem(422, "VALIDATION_FAILED", reply)
                self.assertEqual(list(reply.pointers), [pointer])
        self.assertEqual(self.expect(200, self.api.get(OPERATIONS))["data"], [])


if __name__ == "__main__":
    unittest.main()
