"""Publishing: what is accepted, what is refused and how it is said, and what can be read again."""
import json
import unittest

from harness import HubCase, on_both_engines

load_tests = on_both_engines

EVENTS = "/api/v1/events"
BATCH = "/api/v1/events/batch"
BODY_BYTES_MAX = 1 << 20


def event(**members) -> dict:
    return {"type": "order.created", "data": {"id": 42}} | members


class Events(HubCase):
    def test_an_event_is_accepted_and_can_be_read_again(self):
        published = self.publish(type="order.paid", subject="order/42", data={"total": "19.90"},
                                 changes={"status": {"old": "open", "new": "paid"}}, ordering_key="order-42",
                                 occurred_at="2025-08-19T11:30:00.5+02:00")

        stored = self.expect(200, self.api.get(f"{EVENTS}/{published['id']}"))
        self.assertEqual(stored["type"], "order.paid")
        self.assertEqual(stored["subject"], "order/42")
        self.assertEqual(stored["data"], {"total": "19.90"})
        self.assertEqual(stored["changes"], {"status": {"old": "open", "new": "paid"}})
        self.assertEqual(stored["ordering_key"], "order-42")
        self.assertEqual(stored["occurred_at"], "2025-08-19T09:30:00.500Z")
        self.assertEqual(stored["created_at"], published["created_at"])
        self.assertEqual((stored["origin"], stored["hop"], stored["deliveries"]), ("api", 0, []))

    def test_data_can_be_any_json_but_null_and_is_kept_byte_for_byte(self):
        for text in ('{"b": 1.50, "a": 12345678901234567890.10}', "[]", '"text \\u00e9"', "0", "false"):
            with self.subTest(data=text):
                raw = b'{"type": "order.created", "data": %s}' % text.encode()
                published = self.expect(202, self.api.post(EVENTS, raw=raw))

                stored = self.api.get(f"{EVENTS}/{published['id']}")
                self.assertIn(b'"data":' + text.encode(), stored.content)

        refused = self.api.post(EVENTS, event(data=None))
        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(refused.pointers, {"#/data": "REQUIRED"})

    def test_it_tells_how_many_subscriptions_an_event_goes_to(self):
        receiver = self.make_receiver()
        for types in (["order.*"], ["order.created"], ["*"], ["invoice.*"], ["order"]):
            self.subscribe(receiver, event_types=types)

        self.assertEqual(self.publish(type="order.created")["deliveries"], 3)
        self.assertEqual(self.publish(type="order")["deliveries"], 2)
        self.assertEqual(self.publish(type="orders.created")["deliveries"], 1)

    def test_every_mistake_is_named_at_once_by_a_pointer(self):
        refused = self.api.post(EVENTS, {"type": "order..created", "dta": {}, "subject": 7, "changes": [],
                                         "occurred_at": "yesterday", "a/b~c": 1, "ordering_key": "x" * 256})

        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(refused.pointers, {
            "#/type": "INVALID", "#/data": "REQUIRED", "#/dta": "UNKNOWN_MEMBER", "#/subject": "WRONG_TYPE",
            "#/changes": "WRONG_TYPE", "#/occurred_at": "INVALID", "#/a~1b~0c": "UNKNOWN_MEMBER",
            "#/ordering_key": "TOO_LONG"})
        self.assertEqual(problem["instance"], EVENTS)
        self.assertTrue(all(error["detail"] for error in problem["errors"]))

    def test_a_body_that_is_not_an_object_is_refused(self):
        for body in ([], "text", 1, None):
            with self.subTest(body=body):
                refused = self.api.post(EVENTS, raw=b"null") if body is None else self.api.post(EVENTS, body)
                self.expect_problem(422, "VALIDATION_FAILED", refused)
                self.assertEqual(refused.pointers["#"], "WRONG_TYPE")

    def test_event_types_have_a_shape(self):
        for good in ("a", "order.created", "ORDER_CREATED", "com.acme/order-1.v2", "x" * 100):
            with self.subTest(type=good):
                self.publish(type=good)
        for bad in ("", ".a", "a.", "a..b", "a b", "a*", "order.*", "é", "x" * 101):
            with self.subTest(type=bad):
                self.expect_problem(422, "VALIDATION_FAILED", self.api.post(EVENTS, event(type=bad)))

    def test_malformed_json_is_refused_with_the_place(self):
        for raw in (
            b"{",
            b'{"type": "a" "data": 1}',
            b"{'type': 1}",
            b"",
            b'{"type":"a","data":1} x',
            b"\xff\xfe",
            b'{"type":"a","type":"b","data":1}',
            b'{"type":"a","data":NaN}',
            b'{"type":"\\ud800","data":1}',
        ):
            with self.subTest(raw=raw):
                problem = self.expect_problem(400, "MALFORMED_JSON", self.api.post(EVENTS, raw=raw))
                self.assertIn("line", problem["detail"])

    def test_json_may_be_64_levels_deep_and_no_deeper(self):
        def nested(levels: int) -> bytes:  # the event itself is the first
            return b'{"type":"deep","data":%s%s}' % (b"[" * (levels - 1), b"]" * (levels - 1))

        self.expect(202, self.api.post(EVENTS, raw=nested(64)))
        self.expect_problem(400, "MALFORMED_JSON", self.api.post(EVENTS, raw=nested(65)))

    def test_a_body_may_have_a_mebibyte_and_no_more(self):
        frame = b'{"type":"big","data":"%s"}'
        fitting = frame % (b"x" * (BODY_BYTES_MAX - len(frame) + 2))
        self.assertEqual(len(fitting), BODY_BYTES_MAX)

        self.expect(202, self.api.post(EVENTS, raw=fitting))
        self.expect_problem(413, "PAYLOAD_TOO_LARGE", self.api.post(EVENTS, raw=fitting + b" "))

    def test_only_uncompressed_json_is_read(self):
        for headers in (
            {"Content-Type": "text/plain"},
            {"Content-Type": ""},
            {"Content-Type": "application/jsonp"},
            {"Content-Encoding": "gzip"},
        ):
            with self.subTest(headers=headers):
                refused = self.api.post(EVENTS, event(), headers=headers)
                self.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE", refused)
        self.expect(
            202, self.api.post(EVENTS, event(), headers={"Content-Type": "Application/JSON; charset=utf-8"})
        )

    def test_the_target_of_a_request_may_have_eight_kibibytes(self):
        self.expect(200, self.api.get(f"{EVENTS}?{'type=order.created&' * 200}limit=1"))
        self.expect_problem(414, "URI_TOO_LONG", self.api.get(f"{EVENTS}?type={'x' * 8200}"))

    def test_events_are_listed_newest_first_and_by_type(self):
        ids = [self.publish(type=name)["id"] for name in ("order.created", "order.paid", "order.created")]

        everything = self.expect(200, self.api.get(EVENTS))["data"]
        of_type = self.expect(200, self.api.get(f"{EVENTS}?type=order.created"))["data"]
        self.assertEqual([row["id"] for row in everything], ids[::-1])
        self.assertEqual([row["id"] for row in of_type], [ids[2], ids[0]])

    def test_the_request_id_is_taken_over_or_made(self):
        given = self.api.get(EVENTS, headers={"X-Request-Id": "order-service.7"})
        unusable = self.api.get(EVENTS, headers={"X-Request-Id": "a b"})

        self.assertEqual(given.headers["X-Request-Id"], "order-service.7")
        self.assertRegex(unusable.headers["X-Request-Id"], "^[0-9a-f-]{36}$")
        problem = self.api.get("/nowhere", headers={"X-Request-Id": "r-1"}).json
        self.assertEqual(problem["request_id"], "r-1")

    def test_a_method_that_a_path_does_not_have_is_told_those_it_has(self):
        refused = self.api.put(EVENTS, event())

        self.expect_problem(405, "METHOD_NOT_ALLOWED", refused)
        self.assertEqual(refused.headers["Allow"], "GET, HEAD, OPTIONS, POST")


class Lengths(HubCase):
    def test_are_counted_in_characters(self):
        longest = "ü" * 255
        read = self.expect(202, self.api.post(EVENTS, event(subject=longest)))
        self.assertEqual(self.expect(200, self.api.get(f"{EVENTS}/{read['id']}"))["subject"], longest)
        refused = self.api.post(EVENTS, event(subject=longest + "ü"))
        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(refused.pointers, {"#/subject": "TOO_LONG"})


class Lists(HubCase):
    def test_types_are_patterns(self):
        for type in ("order.created", "order.line.added", "orders", "workitem_created",
                     "workitem_state_changed"):
            self.expect(202, self.api.post(EVENTS, event(type=type)))

        def found(query: str) -> list[str]:
            return [row["type"]
                    for row in self.expect(200, self.api.get(f"{EVENTS}?type={query}"))["data"]][::-1]
        self.assertEqual(found("order.*"), ["order.created", "order.line.added"])
        self.assertEqual(found("workitem_*"), ["workitem_created", "workitem_state_changed"])
        self.assertEqual(found("workitem_state_*"), ["workitem_state_changed"])
        self.assertEqual(found("order.created"), ["order.created"])
        self.assertEqual(len(found("*")), 5)
        self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{EVENTS}?type=order*"))

    def test_subscriptions_match_over_underscores(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, event_types=["workitem_*"])
        self.assertEqual(self.publish(type="workitem_created")["deliveries"], 1)
        self.assertEqual(self.publish(type="workitem.created")["deliveries"], 0)
        self.wait_for_status(subscription, "DELIVERED")


class Batches(HubCase):
    def test_each_event_gets_its_own_answer_in_order(self):
        answers = self.expect(202, self.api.post(BATCH, {"events": [
            event(type="order.a"), event(type="order..b"), {"type": "order.c"}, event(type="order.d"),
            event(unknown=1)]}))["data"]

        self.assertEqual([sorted(each) for each in answers],
                         [["created_at", "deliveries", "id"], ["error"], ["error"],
                          ["created_at", "deliveries", "id"], ["error"]])
        pointers = [
            [error["pointer"] for error in each["error"]["errors"]] for each in answers if "error" in each
        ]
        self.assertEqual(pointers, [["#/events/1/type"], ["#/events/2/data"], ["#/events/4/unknown"]])
        stored = [row["type"] for row in self.expect(200, self.api.get(EVENTS))["data"]]
        self.assertEqual(stored, ["order.d", "order.a"])

    def test_a_thousand_events_are_taken_and_one_more_is_not(self):
        answers = self.expect(202, self.api.post(BATCH, {"events": [event(data=n) for n in range(1000)]}))[
            "data"
        ]
        refused = self.api.post(BATCH, {"events": [event(data=n) for n in range(1001)]})

        self.assertEqual(len({each["id"] for each in answers}), 1000)
        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(refused.pointers, {"#/events": "OUT_OF_RANGE"})

    def test_a_batch_is_an_object_with_events(self):
        for body in ({}, {"events": {}}, {"events": []}, {"events": [event()], "more": 1}):
            with self.subTest(body=body):
                self.expect_problem(422, "VALIDATION_FAILED", self.api.post(BATCH, body))
        answers = self.expect(202, self.api.post(BATCH, {"events": [7, event()]}))["data"]
        self.assertEqual(answers[0]["error"]["errors"][0]["code"], "WRONG_TYPE")
        self.assertIn("id", answers[1])

    def test_a_batch_of_nothing_but_mistakes_is_refused_as_a_whole(self):
        refused = self.api.post(BATCH,
                                {"events": [event(subject=7), event(type="order..b"), event(unknown=1)]})

        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(refused.pointers, {"#/events/0/subject": "WRONG_TYPE", "#/events/1/type": "INVALID",
                                            "#/events/2/unknown": "UNKNOWN_MEMBER"})
        self.assertEqual([each["error"]["code"] for each in problem["data"]], ["VALIDATION_FAILED"] * 3)
        self.assertEqual(self.expect(200, self.api.get(EVENTS))["data"], [])
        key = {"idempotency_key": "once"}
        self.expect(202, self.api.post(BATCH, {"events": [event(data=1, **key)]}))
        problem = self.expect_problem(422, "VALIDATION_FAILED",
                                      self.api.post(BATCH, {"events": [event(data=2, **key)]}))
        self.assertEqual(problem["data"][0]["error"]["code"], "IDEMPOTENCY_KEY_REUSED")

    def test_errors_are_counted_beyond_the_first_hundred(self):
        wrong = {f"member{n}": n for n in range(5000)}
        refused = self.api.post(EVENTS, event(**wrong))

        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(len(problem["errors"]), 101)
        self.assertEqual(problem["errors"][-1]["code"], "MORE_ERRORS")
        self.assertIn("4900", problem["errors"][-1]["detail"])
        self.assertIn("5000", problem["detail"])
        refused = self.api.post(BATCH, {"events": [event(**{f"m{n}": n for n in range(90)})] * 900})
        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(len(problem["data"]), 900)
        self.assertLess(len(json.dumps(problem)), 1_200_000)

    def test_all_events_of_a_batch_are_delivered(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        answers = self.expect(202, self.api.post(BATCH, {"events": [event(data=n) for n in range(50)]}))[
            "data"
        ]

        self.wait_for_status(subscription, "DELIVERED", 50)
        arrived = {request.header("webhook-id"): request.json["data"] for request in receiver.requests}
        self.assertEqual(arrived, {each["id"]: n for n, each in enumerate(answers)})


if __name__ == "__main__":
    unittest.main()
