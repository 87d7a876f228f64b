"""Texts that no store can keep: refused at the door, alike on both engines, and at nobody else's cost."""
import concurrent.futures
import json

from harness import HubCase, on_both_engines

load_tests = on_both_engines

EVENTS = "/api/v1/events"
BATCH = "/api/v1/events/batch"
ZERO = "a\u0000b"
ENGINE_WORDS = ("SELECT", "INSERT", "UPDATE", "PostgreSQL", "SQLite", "22021")


class Texts(HubCase):
    def expect_refusal(self, status: int, code: str, reply) -> dict:
        problem = self.expect_problem(status, code, reply)
        for word in ENGINE_WORDS:
            self.assertNotIn(word, json.dumps(problem))
        return problem

    def expect_pointer(self, pointer: str, reply) -> None:
        problem = self.expect_refusal(422, "VALIDATION_FAILED", reply)
        self.assertIn((pointer, "INVALID"), [(e["pointer"], e["code"]) for e in problem["errors"]])

    def test_a_zero_byte_in_a_member_of_an_event_is_refused(self):
        for member in ("subject", "ordering_key", "idempotency_key"):
            with self.subTest(member=member):
                event = {"type": "order.created", "data": 1, member: ZERO}
                self.expect_pointer(f"#/{member}", self.api.post(EVENTS, event))

    def test_what_is_data_may_hold_it(self):
        published = self.publish(data={"text": ZERO})
        event = self.expect(200, self.api.get(f"{EVENTS}/{published['id']}"))
        self.assertEqual(event["data"], {"text": ZERO})

    def test_one_event_of_a_batch_is_refused_alone(self):
        event = {"type": "order.created", "data": 1}
        rows = self.expect(202, self.api.post(BATCH, {"events": [event, event | {"subject": ZERO}, event]}))
        self.assertEqual(["error" in row for row in rows["data"]], [False, True, False])
        self.assertEqual(rows["data"][1]["error"]["errors"][0]["pointer"], "#/events/1/subject")

    def test_no_tenant_fails_the_events_of_another(self):
        other = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])

        def publish(number: int):
            if number % 5 == 0:
                return self.api.post(EVENTS, {"type": "order.created", "data": 1, "subject": ZERO}).status
            return other.post(EVENTS, {"type": "order.created", "data": number}).status

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(publish, range(200)))

        self.assertEqual(statuses, [422 if n % 5 == 0 else 202 for n in range(200)])

    def test_parameters_of_lists_are_texts(self):
        for path, name in (
            (EVENTS, "type"),
            ("/api/v1/webhooks/deliveries", "error_class"),
            ("/api/v1/webhooks/deliveries", "error_signature"),
            ("/api/v1/webhooks/received", "source"),
            ("/api/v1/webhooks/received", "external_id"),
            ("/api/v1/operations", "kind"),
        ):
            for value in ("%ff%fe", "%ed%a0%80"):
                with self.subTest(path=path, name=name, value=value):
                    problem = self.expect_refusal(400, "BAD_REQUEST", self.api.get(f"{path}?{name}={value}"))
                    self.assertIn(name, problem["detail"])

    def test_names_in_paths_are_texts(self):
        for name in ("%ff%fe", "a%00b"):
            with self.subTest(name=name):
                self.expect_refusal(404, "NOT_FOUND", self.api.get(f"/api/v1/listeners/{name}"))

    def test_members_of_resources_are_texts(self):
        receiver = self.make_receiver()
        subscription = {"name": ZERO, "url": receiver.url, "event_types": ["*"]}
        self.expect_pointer("#/name", self.api.post("/api/v1/webhooks/subscriptions", subscription))
        endpoint = {"endpoint_path": "shop", "name": ZERO, "source": ZERO}
        self.expect_pointer("#/source", self.api.post("/api/v1/webhooks/endpoints", endpoint))
        self.expect_pointer("#/name", self.api.post("/api/v1/api-keys", {"name": ZERO}))
        replay = {"filter": {"error_class": ZERO}}
        self.expect_refusal(422, "VALIDATION_FAILED",
                            self.api.post("/api/v1/webhooks/deliveries/replay", replay))

    def test_what_a_client_calls_itself_is_kept_as_far_as_it_is_text(self):
        agent = {"User-Agent": b"curl \xff\xfe".decode("latin-1")}
        self.expect(201, self.api.post("/api/v1/listeners", {"name": "here"}, headers=agent))
        rows = self.expect(200, self.api.get("/api/v1/audit-log"))["data"]
        self.assertIn("curl \ufffd\ufffd", [row["user_agent"] for row in rows])
