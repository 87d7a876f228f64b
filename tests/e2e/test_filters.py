"""Filters: which events a subscription gets, what becomes of the others,
and trying a filter before it counts."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of

load_tests = on_both_engines

DELIVERIES = "/api/v1/webhooks/deliveries"
EVENTS = "/api/v1/events"
SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"

DEAR = {"field": "data.total", "op": "gte", "value": 100}


def any_of(*conditions: dict) -> dict:
    return {"or": list(conditions)}


class Filters(HubCase):
    def skipped(self, subscription: dict) -> list[dict]:
        return self.deliveries(subscription, "?status=SKIPPED")

    def test_only_what_the_filter_wants_is_delivered(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, filter=DEAR)
        self.assertEqual(subscription["filter"], DEAR)
        cheap = self.publish(data={"total": 99.99})
        dear = self.publish(data={"total": 1e2})
        self.assertEqual((cheap["deliveries"], dear["deliveries"]), (0, 1))

        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual([request.header("webhook-id") for request in receiver.requests], [dear["id"]])
        skipped = self.skipped(subscription)
        self.assertEqual([(each["event_id"], each["reason"]) for each in skipped],
                         [(cheap["id"], "FILTERED")])
        self.assertEqual((skipped[0]["attempt_number"], skipped[0]["error_class"]), (0, None))

    def test_what_was_skipped_is_seen_everywhere(self):
        subscription = self.subscribe(self.make_receiver(), filter=DEAR)
        published = self.publish(data={"total": 1})

        event = self.expect(200, self.api.get(f"{EVENTS}/{published['id']}"))
        self.assertEqual(event["deliveries_total"], 0)
        self.assertEqual([(each["status"], each["reason"]) for each in event["deliveries"]],
                         [("SKIPPED", "FILTERED")])
        listed = self.expect(200, self.api.get(f"{DELIVERIES}?status=SKIPPED"))["data"]
        self.assertEqual([each["subscription_id"] for each in listed], [subscription["id"]])
        path = f"{DELIVERIES}/{listed[0]['id']}"
        detail = self.expect(200, self.api.get(path))
        self.assertEqual((detail["reason"], detail["payload"]), ("FILTERED", {"total": 1}))
        self.assertEqual(self.expect(200, self.api.get(f"{path}/attempts"))["data"], [])
        read = self.subscription(subscription)
        self.assertEqual((read["total_sent"], read["total_failed"], read["last_triggered_at"]), (0, 0, None))

    def test_what_was_skipped_can_be_replayed(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, filter=DEAR)
        published = self.publish(data={"total": 1})
        skipped = self.skipped(subscription)[0]

        replay = self.expect(202, self.api.post(f"{DELIVERIES}/{skipped['id']}/replay"))
        self.assertEqual(replay["replay_of"], skipped["id"])
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual(receiver.requests[0].header("webhook-id"), published["id"])

    def test_a_disabled_subscription_skips_what_it_would_have_got(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, filter=DEAR)
        self.act(subscription, "disable")
        self.assertEqual(self.publish(data={"total": 1})["deliveries"], 0)
        self.assertEqual(self.publish(data={"total": 100})["deliveries"], 0)
        self.assertEqual([each["reason"] for each in self.skipped(subscription)], ["DISABLED", "FILTERED"])

        self.act(subscription, "enable")
        missed = self.skipped(subscription)[0]
        self.expect(202, self.api.post(f"{DELIVERIES}/{missed['id']}/replay"))
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual(receiver.requests[0].json["data"], {"total": 100})

    def test_filters_that_take_long_together_are_asked_after_the_event_was_accepted(self):
        receiver = self.make_receiver()
        wanting = [self.subscribe(receiver, filter={"field": "data.a[*]", "op": "eq", "value": value})
                   for value in (7, 8, 7, 9)]

        event = self.publish(data={"a": [0] * 20_000 + [7]})

        self.assertLessEqual(event["deliveries"], 4)
        for subscription, status in zip(wanting, ("DELIVERED", "SKIPPED", "DELIVERED", "SKIPPED")):
            self.wait_for_status(subscription, status)
        self.assertEqual({request.header("webhook-id") for request in receiver.requests}, {event["id"]})
        self.assertEqual(len(receiver.requests), 2)

    def test_times_compare_as_times(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(
            receiver, filter={"field": "data.at", "op": "lt", "value": "2026-01-31T08:15:00.000Z"})
        self.assertEqual(self.publish(data={"at": "2026-01-31T09:00:00+01:00"})["deliveries"], 1)
        self.assertEqual(self.publish(data={"at": "2026-01-31T08:15:00Z"})["deliveries"], 0)
        self.wait_for_status(subscription, "DELIVERED")

    def test_a_batch_is_filtered_event_by_event(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, filter=DEAR)
        events = [{"type": "order.created", "data": {"total": n}} for n in (50, 150, 250, 10)]
        answer = self.expect(202, self.api.post(f"{EVENTS}/batch", {"events": events}))
        self.assertEqual([each["deliveries"] for each in answer["data"]], [0, 1, 1, 0])

        self.wait_for_status(subscription, "DELIVERED", 2)
        self.assertEqual(len(self.skipped(subscription)), 2)

    def test_a_repeated_event_is_skipped_once(self):
        subscription = self.subscribe(self.make_receiver(), filter=DEAR)
        first = self.publish(data={"total": 1}, idempotency_key="one")
        self.assertEqual(self.publish(data={"total": 1}, idempotency_key="one"), first)
        self.assertEqual(len(self.skipped(subscription)), 1)

    def test_very_many_subscriptions_are_filtered_too(self):
        receiver = self.make_receiver()
        wanted = [n % 2 == 0 for n in range(66)]
        subscriptions = [
            self.subscribe(receiver, filter={"field": "data.even", "op": "eq", "value": each})
            for each in wanted
        ]
        published = self.publish(data={"even": True})
        self.assertEqual(published["deliveries"], 33)

        receiver.wait_for(33)
        event = eventually(
            lambda: (found := self.expect(200, self.api.get(f"{EVENTS}/{published['id']}")))
            and sum(each["status"] in ("DELIVERED", "SKIPPED") for each in found["deliveries"]) == 66
            and found,
            "all deliveries",
        )
        self.assertEqual({each["subscription_id"] for each in event["deliveries"]
                          if each["status"] == "SKIPPED"},
                         {each["id"] for each, is_wanted in zip(subscriptions, wanted) if not is_wanted})

    def test_a_filter_can_be_changed_and_removed(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, filter=DEAR)
        path = path_of(subscription)
        other = any_of(DEAR, {"not": {"field": "changes", "op": "exists"}})
        self.assertEqual(self.expect(200, self.api.patch(path, {"filter": other}))["filter"], other)
        self.assertEqual(self.publish(data={"total": 1})["deliveries"], 1)
        self.assertEqual(self.expect(200, self.api.patch(path, {"name": "x"}))["filter"], other)

        self.assertIsNone(self.expect(200, self.api.patch(path, {"filter": None}))["filter"])
        self.assertEqual(self.publish(data=1, changes={"a": {"old": 1, "new": 2}})["deliveries"], 1)

    def test_a_filter_that_cannot_be_used_is_refused_where_it_is_wrong(self):
        subscription = self.subscribe(self.make_receiver())
        bad = {"and": [DEAR, {"not": {"field": "data..x", "op": "between", "value": 1}}]}
        for reply in (self.api.patch(path_of(subscription), {"filter": bad}),
                      self.api.post(f"{path_of(subscription)}/test-filter", {"filter": bad})):
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, {"#/filter/and/1/not/field": "INVALID",
                                                "#/filter/and/1/not/op": "INVALID"})
        large = {"field": "type", "op": "eq", "value": "x" * 16384}
        deep = DEAR
        for _ in range(16):
            deep = {"not": deep}
        for wrong, pointer, code in ((large, "#/filter", "TOO_LONG"), ([], "#/filter", "WRONG_TYPE"),
                                     (deep, "#/filter" + "/not" * 16, "TOO_DEEP")):
            reply = self.api.patch(path_of(subscription), {"filter": wrong})
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, {pointer: code})


class FilterTests(HubCase):
    def setUp(self) -> None:
        super().setUp()
        self.tested = self.subscribe(self.make_receiver(), event_types=["order.*"], filter=DEAR)
        self.ids = [
            self.publish(type=name, data={"total": total})["id"]
            for name, total in (("order.created", 50), ("order.created", 150), ("invoice.paid", 200))
        ]

    def try_filter(self, body: dict | None = None) -> dict:
        return self.expect(200, self.api.post(f"{path_of(self.tested)}/test-filter", body))

    def reasons(self, answer: dict) -> list[str | None]:
        """Of the three events, oldest first."""
        by_id = {each["event_id"]: each for each in answer["data"]}
        for each in answer["data"]:
            self.assertEqual(each["matches"], "reason" not in each)
        return [by_id[each].get("reason") for each in self.ids]

    def test_the_stored_filter_is_tested_without_a_body(self):
        for body in (None, {}, {"event_types": None}):
            answer = self.try_filter(body)
            self.assertEqual(self.reasons(answer), ["FILTERED", None, "EVENT_TYPES"])
            self.assertEqual((answer["matched"], answer["tested"]), (1, 3))
            self.assertEqual([each["event_id"] for each in answer["data"]], self.ids[::-1])

    def test_another_filter_is_tested_without_being_saved(self):
        other = any_of({"field": "data.total", "op": "lt", "value": 100})
        self.assertEqual(self.reasons(self.try_filter({"filter": other})), [None, "FILTERED", "EVENT_TYPES"])
        self.assertEqual(self.reasons(self.try_filter({"filter": None})), [None, None, "EVENT_TYPES"])
        self.assertEqual(self.reasons(self.try_filter({"event_types": ["*"]})), ["FILTERED", None, None])
        self.assertEqual(self.subscription(self.tested)["filter"], DEAR)

    def test_the_last_hundred_events_are_tested(self):
        events = [{"type": "order.created", "data": {"total": n}} for n in range(150)]
        self.expect(202, self.api.post(f"{EVENTS}/batch", {"events": events}))
        answer = self.try_filter()
        self.assertEqual((answer["matched"], answer["tested"], len(answer["data"])), (50, 100, 100))

    def test_what_it_cannot_use_is_refused(self):
        path = f"{path_of(self.tested)}/test-filter"
        for body, pointers in (
            ({"filter": {}}, {"#/filter": "INVALID"}),
            ({"event_types": ["order..x"]}, {"#/event_types/0": "INVALID"}),
            ({"event_types": []}, {"#/event_types": "REQUIRED"}),
            ({"name": "x"}, {"#/name": "UNKNOWN_MEMBER"}),
        ):
            reply = self.api.post(path, body)
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, pointers)

    def test_a_foreign_subscription_is_not_found(self):
        other = self.make_tenant("Other")
        reply = self.hub.platform_in(other["id"]).post(f"{path_of(self.tested)}/test-filter", {})
        self.expect_problem(404, "NOT_FOUND", reply)
        reply = self.api.post(f"{SUBSCRIPTIONS}/no-id/test-filter", {})
        self.expect_problem(404, "NOT_FOUND", reply)


if __name__ == "__main__":
    unittest.main()
