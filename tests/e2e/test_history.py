"""Looking back: deliveries with their bytes, attempts, pages of lists, and who changed what."""
import unittest
from urllib.parse import quote

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.receiver import answer, garbage

load_tests = on_both_engines

DELIVERIES = "/api/v1/webhooks/deliveries"
EVENTS = "/api/v1/events"
AUDIT = "/api/v1/audit-log"


class History(HubCase):
    def detail(self, delivery: dict) -> dict:
        """With what the wire log holds, which is written a moment after the delivery."""
        path = f"{DELIVERIES}/{delivery['id']}"
        return eventually(
            lambda: (found := self.expect(200, self.api.get(path)))["request_headers"] and found,
            "the wire log",
        )

    def test_a_delivery_shows_what_was_sent_and_what_came_back(self):
        receiver = self.make_receiver(
            answer(201, b'{"ok":true}', {"X-Trace": "abc", "Content-Type": "application/json"})
        )
        subscription = self.subscribe(receiver, headers={"X-Env": "test"})
        published = self.publish(data={"id": 42})
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]

        detail = self.detail(delivery)
        self.assertEqual(detail | delivery, detail)
        self.assertEqual((detail["event_id"], detail["event_type"]), (published["id"], "order.created"))
        self.assertEqual((detail["request_url"], detail["payload"]), (receiver.url, {"id": 42}))
        self.assertEqual((detail["response_status"], detail["response_body"]), (201, '{"ok":true}'))
        self.assertEqual(detail["response_headers"]["x-trace"], "abc")
        self.assertFalse(detail["response_truncated"])
        sent = {name.lower(): value for name, value in detail["request_headers"].items()}
        arrived = receiver.requests[0]
        for name in (
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "x-env",
            "content-type",
            "user-agent",
        ):
            self.assertEqual(sent[name], arrived.header(name), name)

    def test_credentials_are_not_shown(self):
        for settings in ({"auth_type": "BASIC", "auth_config": {"username": "u", "password": "pa55word"}},
                         {"auth_type": "API_KEY", "auth_config": {"value": "pa55word"}}):
            receiver = self.make_receiver()
            subscription = self.subscribe(receiver, **settings)
            self.publish()
            delivery = self.wait_for_status(subscription, "DELIVERED")[0]

            credentials = receiver.requests[0].header("authorization") or receiver.requests[0].header(
                "x-api-key"
            )
            self.assertIn("***", self.detail(delivery)["request_headers"].values())
            for path in (f"{DELIVERIES}/{delivery['id']}", f"{DELIVERIES}/{delivery['id']}/attempts"):
                self.assertNotIn(credentials.encode(), self.api.get(path).content)

    def test_a_body_that_is_not_text_can_be_shown(self):
        subscription = self.subscribe(self.make_receiver(answer(200, b"\xff\x00\x80 caf\xc3\xa9")))
        self.publish()

        detail = self.detail(self.wait_for_status(subscription, "DELIVERED")[0])
        self.assertIn("café", detail["response_body"])

    def test_every_attempt_is_kept_in_order(self):
        receiver = self.make_receiver()
        receiver.script(answer(500, b"first"), garbage)
        subscription = self.subscribe(receiver, retry_intervals=[1])
        self.publish()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]

        path = f"{DELIVERIES}/{delivery['id']}/attempts"
        attempts = eventually(
            lambda: (found := self.expect(200, self.api.get(path))["data"])[-1]["request_headers"] and found,
            "the wire log",
        )
        self.assertEqual([each["attempt_number"] for each in attempts], [1, 2, 3])
        self.assertEqual([each["outcome"] for each in attempts], ["FAILED", "FAILED", "DELIVERED"])
        self.assertEqual([each["response_status"] for each in attempts], [500, None, 200])
        self.assertEqual([each["error_class"] for each in attempts], ["HTTP_5XX", "PROTOCOL", None])
        self.assertEqual([each["response_body"] for each in attempts], ["first", "", "ok"])
        started = [each["started_at"] for each in attempts]
        self.assertEqual(started, sorted(started))
        self.assertTrue(all(each["remote_ip"] == "127.0.0.1" for each in attempts))

    def test_an_event_shows_the_state_of_its_deliveries(self):
        good = self.subscribe(self.make_receiver())
        bad = self.subscribe(self.make_receiver(answer(500)), max_retries=0)
        paused = self.subscribe(self.make_receiver(), status="PAUSED")
        published = self.publish()
        self.wait_for_status(good, "DELIVERED")
        self.wait_for_status(bad, "FAILED")

        event = self.expect(200, self.api.get(f"{EVENTS}/{published['id']}"))
        self.assertEqual({each["subscription_id"]: each["status"] for each in event["deliveries"]},
                         {good["id"]: "DELIVERED", bad["id"]: "FAILED", paused["id"]: "HELD"})

    def test_deliveries_are_found_by_status_and_subscription(self):
        good = self.subscribe(self.make_receiver())
        bad = self.subscribe(self.make_receiver(answer(500)), max_retries=0)
        self.publish()
        self.wait_for_status(good, "DELIVERED")
        self.wait_for_status(bad, "FAILED")

        def found(query: str) -> set:
            return {
                each["subscription_id"] for each in self.expect(200, self.api.get(DELIVERIES + query))["data"]
            }
        self.assertEqual(found(""), {good["id"], bad["id"]})
        self.assertEqual(found("?status=FAILED"), {bad["id"]})
        self.assertEqual(found("?status=FAILED,DELIVERED"), {good["id"], bad["id"]})
        self.assertEqual(found("?status=HELD,PENDING,RETRYING,CANCELLED"), set())
        self.assertEqual(found(f"?subscription_id={good['id']}"), {good["id"]})
        self.assertEqual(found(f"?subscription_id={good['id']}&status=FAILED"), set())

    def test_deliveries_are_found_by_what_came_back(self):
        good = self.subscribe(self.make_receiver(), event_types=["*"])
        bad = self.subscribe(self.make_receiver(answer(503)), event_types=["*"], max_retries=0)
        tired = self.subscribe(self.make_receiver(answer(429)), event_types=["*"], max_retries=0)
        event = self.publish()
        self.publish(type="invoice.paid")
        for subscription, status in ((good, "DELIVERED"), (bad, "FAILED"), (tired, "FAILED")):
            self.wait_for_status(subscription, status, 2)

        def found(query: str) -> list:
            rows = self.expect(200, self.api.get(f"{DELIVERIES}?{query}"))["data"]
            return sorted((row["subscription_id"], row["event_type"]) for row in rows)

        def both(*subscriptions: dict) -> list:
            return sorted((s["id"], type) for s in subscriptions
                          for type in ("order.created", "invoice.paid"))
        self.assertEqual(found("status_code=5xx"), both(bad))
        self.assertEqual(found("status_code=5XX"), both(bad))
        self.assertEqual(found("status_code=429"), both(tired))
        self.assertEqual(found("status_code=2xx"), both(good))
        self.assertEqual(found("error_class=HTTP_5XX"), both(bad))
        self.assertEqual(found("event_type=order.*&status=FAILED"),
                         sorted((s["id"], "order.created") for s in (bad, tired)))
        self.assertEqual(len(found(f"event_id={event['id']}")), 3)
        self.assertEqual(found("attempts[gte]=2"), [])
        self.assertEqual(found("response_time_ms[gte]=60000"), [])
        self.assertEqual(found("is_test=true"), [])
        self.assertEqual(found(f"created_at[lt]={quote(event['created_at'])}"), [])
        self.assertEqual(len(found(f"created_at[gte]={quote(event['created_at'])}")), 6)
        newest = self.expect(200, self.api.get(f"{DELIVERIES}?limit=1"))["data"][0]["created_at"]
        self.assertEqual(found(f"created_at[gt]={quote(newest)}"), [])
        self.assertEqual(len(found(f"created_at[lte]={quote(newest)}")), 6)
        since = quote(event["created_at"])
        self.assertEqual(found(f"created_at[lte]={quote(newest)}&created_at[lt]={since}"), [])
        page = self.expect(200, self.api.get(f"{DELIVERIES}?status=FAILED&limit=1&include=total"))["page"]
        self.assertEqual(page["total"], 4)
        refused = self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{DELIVERIES}?error_class=TIMEOUT"))
        self.assertIn("READ_TIMEOUT", refused["detail"])

    def test_failures_of_one_cause_are_a_group(self):
        down = [self.subscribe(self.make_receiver(answer(503)), max_retries=0) for _ in range(2)]
        retried = self.subscribe(self.make_receiver(answer(500)))
        for _ in range(3):
            self.publish()
        for subscription in down:
            failed = self.wait_for_status(subscription, "FAILED", 3)
        self.wait_for_status(retried, "RETRYING", 3)

        def groups(query: str = "") -> list:
            return self.expect(200, self.api.get(f"{DELIVERIES}/groups{query}"))["data"]
        by_status = {(group["response_status"], group["host"]): group for group in groups()}
        self.assertEqual(sorted((group["response_status"], group["deliveries"], group["attempts"])
                                for group in by_status.values()), [(500, 0, 3), (503, 3, 3), (503, 3, 3)])
        (group,) = groups(f"?subscription_id={down[1]['id']}")
        self.assertEqual(group["subscriptions"], 1)
        self.assertIn(group["sample_delivery_id"], [row["id"] for row in failed])
        signature = group["error_signature"]
        self.assertEqual({row["error_signature"] for row in failed}, {signature})
        rows = self.expect(200, self.api.get(f"{DELIVERIES}?error_signature={signature}"))["data"]
        self.assertEqual(rows, failed)
        self.assertEqual([each["deliveries"] for each in groups("?event_type=order.*&status_code=5xx")],
                         [3, 3])
        self.assertEqual(groups("?event_type=invoice.paid"), [])
        self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{DELIVERIES}/groups?status=DELIVERED"))

    def test_statistics_tell_how_attempts_went(self):
        good = self.subscribe(self.make_receiver())
        bad = self.subscribe(self.make_receiver(answer(500)), max_retries=0)
        retried = self.subscribe(self.make_receiver(answer(500)))
        for _ in range(2):
            self.publish()
        self.wait_for_status(good, "DELIVERED", 2)
        self.wait_for_status(bad, "FAILED", 2)
        self.wait_for_status(retried, "RETRYING", 2)

        def stats(path: str) -> tuple:
            answered = self.expect(200, self.api.get(path))
            self.assertEqual(sum(each["attempts"] for each in answered["data"]),
                             answered["total"]["attempts"])
            return tuple(answered["total"][name] for name in ("attempts", "delivered", "failed", "retried"))
        self.assertEqual(stats(f"{path_of(good)}/stats"), (2, 2, 0, 0))
        self.assertEqual(stats(f"{path_of(bad)}/stats?step=60"), (2, 0, 2, 0))
        self.assertEqual(stats("/api/v1/webhooks/stats?step=60"), (6, 2, 2, 2))
        long_ago = quote("2020-01-01T00:00:00Z")
        self.assertEqual(stats(f"/api/v1/webhooks/stats?from={long_ago}"), (6, 2, 2, 2))
        self.assertEqual(stats(f"/api/v1/webhooks/stats?from={long_ago}&to={quote('2020-02-01T00:00:00Z')}"),
                         (0, 0, 0, 0))
        latency = self.expect(200, self.api.get(f"{path_of(good)}/stats"))["total"]["latency_ms"]
        self.assertLessEqual(latency["p50"], latency["p99"])
        foreign = self.make_tenant()
        self.assertEqual(self.hub.platform_in(foreign["id"]).get(f"{path_of(good)}/stats").status, 404)
        for query in ("from=yesterday", "step=0", f"from={long_ago}&step=60", "by=hour"):
            self.expect_problem(400, "BAD_REQUEST", self.api.get(f"/api/v1/webhooks/stats?{query}"))

    def test_a_condition_that_makes_no_sense_is_refused_by_name(self):
        for query in ("status_code=abc", "status_code=9xx", "status_code=42", "event_id=1",
                      "attempts[gte]=-1", "created_at[gte]=yesterday", "is_test=perhaps", "event_type=*.x",
                      "include=all", "response_time_ms[lt]=1"):
            problem = self.api.get(f"{DELIVERIES}?{query}")
            self.assertEqual(problem.status, 400, query)
            self.assertIn(query.split("=")[0], problem.json["detail"])


class WithoutBodies(HubCase):
    settings = {"LOG_RESPONSE_BODIES": "false"}

    def test_what_receivers_answer_is_not_kept_when_it_is_not_wanted(self):
        subscription = self.subscribe(self.make_receiver(answer(200, b"personal data")))
        self.publish()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]

        path = f"{DELIVERIES}/{delivery['id']}"
        eventually(lambda: self.api.get(path).json["request_headers"], "the wire log")
        self.assertNotIn(b"personal data", self.api.get(path).content)


class Pages(HubCase):
    def pages(self, path: str, direction: str, cursor: str | None = None) -> list[list[str]]:
        """The ids of each page, from the one of the cursor to the end of the direction."""
        found = []
        mark = "&" if "?" in path else "?"
        while True:
            query = f"{mark}cursor={quote(cursor)}" if cursor else ""
            answered = self.expect(200, self.api.get(path + query))
            found.append([row["id"] for row in answered["data"]])
            self.last = answered["page"]
            cursor = answered["page"][direction]
            if cursor is None:
                return found

    def walk_both_ways(self, path: str, newest_first: list[str], size: int) -> None:
        query = f"{path}{'&' if '?' in path else '?'}limit={size}"
        expected = [newest_first[n:n + size] for n in range(0, len(newest_first), size)]
        self.assertEqual(self.pages(query, "next"), expected)
        back = self.pages(query, "prev", self.last["prev"])
        self.assertEqual([id for page in back[::-1] for id in page], newest_first[:-len(expected[-1])])

    def test_events_can_be_walked_forward_and_back(self):
        ids = [self.publish(data=n)["id"] for n in range(7)][::-1]

        for size in (1, 2, 3, 7, 8):
            with self.subTest(size=size):
                if size < 7:
                    self.walk_both_ways(EVENTS, ids, size)
                else:
                    page = self.expect(200, self.api.get(f"{EVENTS}?limit={size}"))
                    self.assertEqual([row["id"] for row in page["data"]], ids)
                    self.assertEqual(page["page"], {"next": None, "prev": None, "limit": size})

    def test_deliveries_that_wait_and_that_are_finished_are_one_list(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        for n in range(4):
            self.publish(data=n)
        self.wait_for_status(subscription, "DELIVERED", 4)
        self.act(subscription, "pause")
        for n in range(3):
            self.publish(data=n)
        rows = self.deliveries(subscription)
        self.assertEqual([row["status"] for row in rows], ["HELD"] * 3 + ["DELIVERED"] * 4)

        ids = [row["id"] for row in rows]
        self.assertEqual(ids, sorted(ids, reverse=True))
        self.walk_both_ways(DELIVERIES, ids, 2)
        self.walk_both_ways(f"{path_of(subscription)}/deliveries", ids, 3)
        self.walk_both_ways(f"{DELIVERIES}?status=DELIVERED", ids[3:], 3)
        self.walk_both_ways(f"{DELIVERIES}?status=HELD", ids[:3], 2)

    def test_other_lists_have_pages_too(self):
        subscriptions = [self.subscribe(self.make_receiver())["id"] for _ in range(3)][::-1]
        keys = [self.make_key(self.tenant)["id"] for _ in range(2)][::-1]
        self.walk_both_ways("/api/v1/webhooks/subscriptions", subscriptions, 2)
        first = self.expect(200, self.api.get("/api/v1/api-keys?limit=2"))
        self.assertEqual([row["id"] for row in first["data"]], keys)
        audit = [row["id"] for row in self.expect(200, self.api.get(AUDIT))["data"]]
        self.walk_both_ways(AUDIT, audit, 2)

    def test_a_page_is_not_disturbed_by_what_comes_later(self):
        older = [self.publish(data=n)["id"] for n in range(4)][::-1]
        first = self.expect(200, self.api.get(f"{EVENTS}?limit=2"))
        newer = [self.publish(data=n)["id"] for n in range(2)][::-1]

        second = self.expect(200, self.api.get(f"{EVENTS}?limit=2&cursor={first['page']['next']}"))
        self.assertEqual([row["id"] for row in second["data"]], older[2:])
        back = self.pages(f"{EVENTS}?limit=2", "prev", second["page"]["prev"])
        self.assertEqual([id for page in back[::-1] for id in page], newer + older[:2])

    def test_a_cursor_belongs_to_its_list_and_filters(self):
        for n in range(3):
            self.publish(data=n)
        cursor = self.expect(200, self.api.get(f"{EVENTS}?limit=1"))["page"]["next"]

        self.expect(200, self.api.get(f"{EVENTS}?limit=2&cursor={cursor}"))
        for path in (f"{EVENTS}?type=order.created&cursor={cursor}", f"{DELIVERIES}?cursor={cursor}",
                     f"{EVENTS}?cursor=nonsense", f"{EVENTS}?cursor={cursor[:-4]}AAAA", f"{EVENTS}?cursor="):
            with self.subTest(path=path):
                self.expect_problem(400, "CURSOR_MISMATCH", self.api.get(path))

    def test_limits_and_parameters_are_checked(self):
        self.assertEqual(self.expect(200, self.api.get(EVENTS))["page"]["limit"], 50)
        self.assertEqual(self.expect(200, self.api.get(f"{EVENTS}?limit=1000"))["page"]["limit"], 250)
        for query in ("limit=0", "limit=-1", "limit=ten", "limit=", "limit=1.5", "sort=id", "status=FAILED"):
            with self.subTest(query=query):
                self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{EVENTS}?{query}"))
        self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{DELIVERIES}?status=LOST"))
        self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{DELIVERIES}?subscription_id=mine"))


class Audit(HubCase):
    def test_every_change_has_an_entry(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        path = path_of(subscription)
        self.publish()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        changed = {"name": "changed", "url": receiver.url, "event_types": ["*"]}
        self.expect(
            200, self.api.put(path, changed, headers={"X-Request-Id": "put-1", "User-Agent": "e2e/1"})
        )
        self.expect(200, self.api.patch(path, {"name": "patched"}))
        for action in ("pause", "resume", "disable", "enable", "rotate-secret", "test"):
            self.act(subscription, action)
        self.expect(202, self.api.post(f"{DELIVERIES}/{delivery['id']}/replay"))
        key = self.make_key(self.tenant, role="viewer")
        self.expect(204, self.api.delete(f"/api/v1/api-keys/{key['id']}"))
        self.expect(204, self.api.delete(path))

        entries = self.expect(200, self.api.get(AUDIT))["data"][::-1]
        self.assertEqual([each["action"] for each in entries], [
            "api_key.created", "subscription.created", "subscription.updated", "subscription.updated",
            "subscription.paused", "subscription.resumed", "subscription.disabled", "subscription.enabled",
            "subscription.secret_rotated", "subscription.tested", "delivery.replayed", "api_key.created",
            "api_key.revoked", "subscription.deleted"])
        put = entries[2]
        self.assertEqual((put["before"]["name"], put["after"]["name"]), ("test", "changed"))
        self.assertEqual((put["target_type"], put["target_id"]), ("subscription", subscription["id"]))
        self.assertEqual((put["actor_type"], put["actor_label"], put["ip"]), ("api_key", "test", "127.0.0.1"))
        self.assertEqual((put["correlation_id"], put["user_agent"]), ("put-1", "e2e/1"))
        self.assertIsNone(entries[1]["before"])
        self.assertIsNone(entries[-1]["after"])

    def test_what_was_refused_has_no_entry(self):
        subscription = self.subscribe(self.make_receiver())
        before = len(self.expect(200, self.api.get(AUDIT))["data"])

        self.assertEqual(self.api.patch(path_of(subscription), {"name": ""}).status, 422)
        self.assertEqual(self.api.delete(path_of(subscription), headers={"If-Match": '"9"'}).status, 412)
        self.assertEqual(len(self.expect(200, self.api.get(AUDIT))["data"]), before)

    def test_the_platforms_changes_are_in_its_own_log(self):
        self.expect(200, self.hub.platform.patch(f"/api/v1/tenants/{self.tenant['id']}", {"name": "Renamed"}))

        entries = self.expect(200, self.hub.platform.get(AUDIT))["data"]
        mine = [each for each in entries if each["target_id"] == self.tenant["id"]]
        self.assertEqual([each["action"] for each in mine], ["tenant.updated", "tenant.created"])
        self.assertEqual((mine[0]["before"]["name"], mine[0]["after"]["name"]), ("Acme", "Renamed"))
        self.assertNotIn("tenant.updated", [each["action"] for each in self.api.get(AUDIT).json["data"]])


if __name__ == "__main__":
    unittest.main()
