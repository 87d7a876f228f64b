"""Repeating a request: the same key has effect once, whatever the request is."""
import concurrent.futures
import unittest

from harness import HubCase, on_both_engines

load_tests = on_both_engines

EVENTS = "/api/v1/events"
BATCH = "/api/v1/events/batch"
SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
KEY = {"Idempotency-Key": "k-1"}
EVENT = {"type": "order.created", "data": {"id": 42}}
SUBSCRIPTION = {"name": "once", "url": "https://receiver.example/", "event_types": ["*"]}


class Idempotency(HubCase):
    def count(self, path: str) -> int:
        return len(self.expect(200, self.api.get(path))["data"])

    def test_an_empty_key_is_refused(self):
        for path, body in ((EVENTS, EVENT), (f"{EVENTS}/batch", {"events": [EVENT]}),
                           ("/api/v1/listeners", {"name": "mine"})):
            with self.subTest(path=path):
                self.expect_problem(400, "BAD_REQUEST",
                                    self.api.post(path, body, headers={"Idempotency-Key": ""}))

    def test_a_repeated_event_gets_the_same_answer_and_is_delivered_once(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)

        first = self.api.post(EVENTS, EVENT, headers=KEY)
        again = self.api.post(EVENTS, EVENT, headers=KEY)

        self.assertEqual(self.expect(202, again), self.expect(202, first))
        self.assertIsNone(first.headers["Idempotency-Replayed"])
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.wait_for_status(subscription, "DELIVERED")
        self.publish(type="order.last")
        self.assertEqual(
            [request.json["type"] for request in receiver.wait_for(2)], ["order.created", "order.last"]
        )
        self.assertEqual(self.count(EVENTS), 2)

    def test_another_body_under_the_same_key_is_refused(self):
        self.expect(202, self.api.post(EVENTS, EVENT, headers=KEY))

        other = self.api.post(EVENTS, EVENT | {"data": {"id": 43}}, headers=KEY)

        self.expect_problem(422, "IDEMPOTENCY_KEY_REUSED", other)
        self.assertEqual(self.count(EVENTS), 1)

    def test_the_member_means_the_same_as_the_header(self):
        body = EVENT | {"idempotency_key": "k-2"}
        first = self.api.post(EVENTS, body)
        again = self.api.post(EVENTS, body)
        other = self.api.post(EVENTS, body | {"data": 1})

        self.assertEqual(self.expect(202, again)["id"], self.expect(202, first)["id"])
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.expect_problem(422, "IDEMPOTENCY_KEY_REUSED", other)

    def test_a_member_whose_name_is_escaped_guards_its_body_as_well(self):
        frame = b'{"type":"order.created","data":%d,"idempotency\\u005fkey":"k-3"}'
        self.expect(202, self.api.post(EVENTS, raw=frame % 1))

        self.expect_problem(422, "IDEMPOTENCY_KEY_REUSED", self.api.post(EVENTS, raw=frame % 2))

    def test_header_and_member_must_not_differ(self):
        differing = self.api.post(EVENTS, EVENT | {"idempotency_key": "other"}, headers=KEY)
        agreeing = self.api.post(EVENTS, EVENT | {"idempotency_key": "k-1"}, headers=KEY)

        self.expect_problem(400, "BAD_REQUEST", differing)
        self.expect(202, agreeing)

    def test_a_key_has_a_shape(self):
        for key in ("x" * 256, "a b", "tab\tkey"):
            with self.subTest(key=key):
                self.expect_problem(
                    400, "BAD_REQUEST", self.api.post(EVENTS, EVENT, headers={"Idempotency-Key": key})
                )
        self.expect(202, self.api.post(EVENTS, EVENT, headers={"Idempotency-Key": "x" * 255}))

    def test_in_a_batch_each_event_has_its_own_key(self):
        events = [EVENT | {"idempotency_key": key} for key in ("a", "b")]
        first = self.expect(202, self.api.post(BATCH, {"events": events}))["data"]
        events += [EVENT | {"idempotency_key": "c"}, EVENT | {"idempotency_key": "a", "data": 0}]
        again = self.expect(202, self.api.post(BATCH, {"events": events}))["data"]

        self.assertEqual(again[:2], first)
        self.assertIn("id", again[2])
        self.assertEqual(again[3]["error"]["code"], "IDEMPOTENCY_KEY_REUSED")
        self.assertEqual(self.count(EVENTS), 3)

    def test_a_key_twice_in_one_batch_has_effect_once(self):
        events = [EVENT | {"idempotency_key": "same"}] * 2
        answers = self.expect(202, self.api.post(BATCH, {"events": events}))["data"]

        self.assertEqual(answers[0], answers[1])
        self.assertEqual(self.count(EVENTS), 1)

    def test_a_batch_has_no_key_of_its_own(self):
        self.expect_problem(400, "BAD_REQUEST", self.api.post(BATCH, {"events": [EVENT]}, headers=KEY))

    def test_requests_at_the_same_moment_have_effect_once(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: self.api.post(EVENTS, EVENT, headers=KEY), range(16)))

        self.assertEqual(len({self.expect(202, reply)["id"] for reply in replies}), 1)
        self.assertEqual(sum(reply.headers["Idempotency-Replayed"] is None for reply in replies), 1)
        self.assertEqual(self.count(EVENTS), 1)

    def test_a_secret_that_is_shown_once_is_shown_again_to_the_same_request(self):
        first = self.api.post(SUBSCRIPTIONS, SUBSCRIPTION, headers=KEY)
        again = self.api.post(SUBSCRIPTIONS, SUBSCRIPTION, headers=KEY)

        self.assertEqual(self.expect(201, again), self.expect(201, first))
        self.assertEqual(again.headers["ETag"], first.headers["ETag"])
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.assertEqual(self.count(SUBSCRIPTIONS), 1)

    def test_a_refused_request_does_not_use_its_key_up(self):
        path = f"{SUBSCRIPTIONS}/{self.expect(201, self.api.post(SUBSCRIPTIONS, SUBSCRIPTION))['id']}"
        stale = self.api.patch(path, {"name": "new"}, headers=KEY | {"If-Match": '"7"'})
        fresh = self.api.patch(path, {"name": "new"}, headers=KEY | {"If-Match": '"1"'})
        again = self.api.patch(path, {"name": "new"}, headers=KEY | {"If-Match": '"1"'})

        self.expect_problem(412, "ETAG_MISMATCH", stale)
        self.assertEqual(self.expect(200, fresh)["name"], "new")
        self.assertEqual(self.expect(200, again), self.expect(200, fresh))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")

    def test_a_deletion_can_be_repeated(self):
        path = f"{SUBSCRIPTIONS}/{self.expect(201, self.api.post(SUBSCRIPTIONS, SUBSCRIPTION))['id']}"

        self.expect(204, self.api.delete(path, headers=KEY))
        again = self.api.delete(path, headers=KEY)

        self.expect(204, again)
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.expect_problem(404, "NOT_FOUND", self.api.delete(path))

    def test_keys_of_tenants_and_of_paths_are_apart(self):
        mine = self.expect(202, self.api.post(EVENTS, EVENT, headers=KEY))
        neighbour = self.hub.api.as_key(self.make_key(self.make_tenant())["key"])
        theirs = self.expect(202, neighbour.post(EVENTS, EVENT, headers=KEY))
        elsewhere = self.expect(201, self.api.post(SUBSCRIPTIONS, SUBSCRIPTION, headers=KEY))

        self.assertEqual(len({mine["id"], theirs["id"], elsewhere["id"]}), 3)


if __name__ == "__main__":
    unittest.main()
