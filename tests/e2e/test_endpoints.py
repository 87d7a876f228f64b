"""Endpoints, and webhooks that come in: verified, kept, known again, and made into events."""
import hashlib
import hmac
import json
import socket
import time
import unittest

from harness import Hub, OwnHubCase, on_both_engines
from harness.endpoints import ENDPOINTS, RECEIVED, SECRET, EndpointCase, github_headers

load_tests = on_both_engines


class Receiving(EndpointCase):
    def test_what_is_signed_is_kept_and_becomes_an_event(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, event_types=["github.*"])
        endpoint = self.make_endpoint(paths={"event_type": "header:x-github-event",
                                             "record_id": "json:issue.number", "table": "const:issues"})
        body = b'{"action": "opened", "issue": {"number": 7}}'
        headers = github_headers(body, **{"X-GitHub-Event": "issues.opened"})

        answer = self.expect(200, self.send(endpoint, body, headers))

        found = self.wait_processed(answer["id"])
        self.assertEqual(found["body"], body.decode())
        self.assertEqual(found["external_id"], headers["X-GitHub-Delivery"])
        self.assertEqual((found["source"], found["table_name"], found["event_type"]),
                         ("github", "issues", "issues.opened"))
        self.assertTrue(found["processed"])
        self.assertEqual(found["verification"]["scheme"], "github")
        event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
        self.assertEqual((event["type"], event["subject"], event["origin"]),
                         ("github.issues.issues.opened", "issues/7", "inbound"))
        self.assertEqual(event["data"], json.loads(body))
        self.assertEqual(self.wait_for_status(subscription, "DELIVERED")[0]["event_id"], event["id"])
        counted = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))
        self.assertEqual((counted["total_received"], counted["total_processed"], counted["total_failed"]),
                         (1, 1, 0))

    def test_what_is_not_signed_right_is_refused_and_nothing_is_kept(self):
        endpoint = self.make_endpoint()
        body = b'{"a": 1}'
        good = github_headers(body)
        digest = good["X-Hub-Signature-256"]
        refused = {
            "another body": (b'{"a": 2}', good),
            "another secret": (body, github_headers(body, "another")),
            "no header": (body, {k: v for k, v in good.items() if k != "X-Hub-Signature-256"}),
            "empty": (body, good | {"X-Hub-Signature-256": ""}),
            "cut": (body, good | {"X-Hub-Signature-256": digest[:-2]}),
            "sha1 prefix": (body, good | {"X-Hub-Signature-256": digest.replace("sha256", "sha1")}),
        }
        problems = []
        for name, (sent, headers) in refused.items():
            with self.subTest(name):
                problem = self.expect_problem(401, "SIGNATURE_REFUSED", self.send(endpoint, sent, headers))
                problems.append({k: v for k, v in problem.items() if k not in ("request_id", "instance")})
        self.assertEqual([p for p in problems if p != problems[0]], [], "the reason is not told")
        self.assertEqual(self.received(), [])
        upper = good | {"X-Hub-Signature-256": "sha256=" + digest[7:].upper()}
        self.expect(200, self.send(endpoint, body, upper))

    def test_unknown_and_switched_off_look_the_same(self):
        endpoint = self.make_endpoint()
        off = self.make_endpoint("off", is_enabled=False)
        body = b"{}"
        answers = []
        for path in (f"/webhooks/{self.tenant['slug']}/none", "/webhooks/nobody/github", self.path_of(off)):
            reply = self.hub.api.post(path, raw=body, headers=github_headers(body))
            problem = self.expect_problem(404, "NOT_FOUND", reply)
            answers.append({k: v for k, v in problem.items() if k not in ("request_id", "instance")})
        self.assertEqual(answers, [answers[0]] * 3)
        self.expect(404, self.hub.api.get(self.path_of(off)))
        there = self.hub.api.get(self.path_of(endpoint))
        self.assertIn("POST", self.expect_problem(405, "METHOD_NOT_ALLOWED", there)["detail"])
        self.assertEqual(there.headers["Allow"], "OPTIONS, POST")
        self.expect(200, self.api.post(f"{ENDPOINTS}/{off['id']}/enable"))
        self.expect(200, self.send(off, body))
        self.expect(200, self.api.post(f"{ENDPOINTS}/{off['id']}/disable"))
        self.expect(404, self.send(off, body))

    def test_what_is_sent_again_is_known(self):
        endpoint = self.make_endpoint()
        body = b'{"n": 1}'
        headers = github_headers(body)
        first = self.expect(200, self.send(endpoint, body, headers))
        for _ in range(3):
            again = self.expect(200, self.send(endpoint, body, headers))
            self.assertEqual(again, {"id": first["id"], "duplicate": True})
        self.wait_processed(first["id"])
        self.assertEqual(self.detail(first["id"])["duplicates"], 3)

    def test_another_body_with_the_same_id_is_an_event_of_its_own(self):
        told = self.subscribe(self.make_receiver(), event_types=["webhook.conflict"])
        endpoint = self.make_endpoint()
        headers = github_headers(b'{"n": 1}')
        first = self.expect(200, self.send(endpoint, b'{"n": 1}', headers))
        other = b'{"n": 2}'
        signed = github_headers(other, **{"X-GitHub-Delivery": headers["X-GitHub-Delivery"]})
        conflict = self.expect(200, self.send(endpoint, other, signed))
        self.assertTrue(conflict["conflict"])
        kept = self.wait_processed(conflict["id"])
        self.assertEqual((kept["conflict_of"], kept["body"]), (first["id"], other.decode()))
        self.assertTrue(kept["event_id"])
        self.assertEqual(self.expect(200, self.send(endpoint, other, signed))["duplicate"], True)
        self.assertEqual(self.detail(conflict["id"])["duplicates"], 1)
        counted = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))
        self.assertEqual((counted["total_received"], counted["total_conflicts"]), (2, 1))
        delivery = self.wait_for_status(told, "DELIVERED")[0]
        event = self.expect(200, self.api.get(f"/api/v1/events/{delivery['event_id']}"))
        self.assertEqual((event["data"]["received_id"], event["data"]["conflict_of"], event["data"]["held"]),
                         (conflict["id"], first["id"], False))

    def test_a_conflict_is_held_where_the_endpoint_says_so(self):
        endpoint = self.make_endpoint(on_conflict="hold")
        headers = github_headers(b'{"n": 1}')
        self.expect(200, self.send(endpoint, b'{"n": 1}', headers))
        signed = github_headers(b'{"n": 2}', **{"X-GitHub-Delivery": headers["X-GitHub-Delivery"]})
        conflict = self.expect(200, self.send(endpoint, b'{"n": 2}', signed))
        kept = self.wait_processed(conflict["id"], "CONFLICT")
        self.assertIsNone(kept["event_id"])
        self.assertEqual([row["id"] for row in self.received("?status=CONFLICT")], [conflict["id"]])
        self.expect(202, self.api.post(f"{RECEIVED}/{conflict['id']}/replay"))
        self.assertTrue(self.wait_processed(conflict["id"])["event_id"])

    def test_what_has_no_id_is_known_by_all_that_tells_events_apart(self):
        endpoint = self.make_endpoint("taps", signature_scheme="bearer_token")
        def send(query: str = "", body: bytes = b"", **headers: str) -> dict:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            fields = {"Authorization": f"Bearer {SECRET}"} | named
            return self.expect(200, self.send(endpoint, body, fields, query))
        first = send(X_Message_Number="1", Date="Mon, 30 Nov 2026 12:00:00 GMT", traceparent="00-1")
        again = send(X_Message_Number="1", Date="Mon, 30 Nov 2026 12:00:09 GMT", traceparent="00-2",
                     User_Agent="b", X_Retry_Count="1", X_Forwarded_For="203.0.113.7", X_Timestamp="9")
        self.assertEqual(again, {"id": first["id"], "duplicate": True})
        self.assertEqual(self.detail(first["id"])["duplicates"], 1)
        for more in ({"X_Message_Number": "2"}, {"X_Message_Number": "1", "query": "?a=1"},
                     {"X_Message_Number": "1", "body": b"{}"},
                     {"X_Message_Number": "1", "X_Topic": "deleted"}):
            self.assertNotIn("duplicate", send(**more), more)

    def test_dedup_is_what_the_endpoint_says(self):
        for dedup, id_counts, again in (("off", None, False), ("id", True, True), ("id", False, False),
                                        ("content", True, False), ("body", True, True)):
            with self.subTest(dedup=dedup, id_counts=id_counts):
                endpoint = self.make_endpoint(f"{dedup}{id_counts}", dedup=dedup)
                self.assertEqual(endpoint["dedup"], dedup)
                headers = github_headers(b"{}")
                if not id_counts:
                    del headers["X-GitHub-Delivery"]
                self.expect(200, self.send(endpoint, b"{}", headers))
                fresh = headers | ({"X-GitHub-Delivery": "another"} if dedup in ("content", "body") else {})
                self.assertEqual(self.expect(200, self.send(endpoint, b"{}", fresh)).get("duplicate", False),
                                 again)
        problem = self.expect_problem(422, "VALIDATION_FAILED", self.api.post(
            ENDPOINTS, {"endpoint_path": "x", "signature_scheme": "github", "secret_key": SECRET,
                        "dedup": "on", "on_conflict": "drop"}))
        self.assertEqual([error["pointer"] for error in problem["errors"]], ["#/dedup", "#/on_conflict"])

    def test_repeats_are_counted_where_the_secret_stands_in_the_body(self):
        endpoint = self.make_endpoint("zoho", signature_scheme={"kind": "token", "sig": "json:token"})
        body = json.dumps({"token": SECRET, "n": 1}).encode()
        first = self.expect(200, self.send(endpoint, body, {"Content-Type": "application/json"}))
        for _ in range(2):
            self.expect(200, self.send(endpoint, body, {"Content-Type": "application/json"}))
        kept = self.detail(first["id"])
        self.assertEqual((kept["duplicates"], json.loads(kept["body"])["token"]), (2, "***"))

    def test_known_senders_know_the_types_of_their_events(self):
        endpoint = self.make_endpoint("hooks")
        self.assertEqual((endpoint["source"], endpoint["paths"]), ("github", None))
        id = self.expect(200, self.send(endpoint, b"{}",
                                        github_headers(b"{}", **{"X-GitHub-Event": "push"})))["id"]
        found = self.wait_processed(id)
        event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
        self.assertEqual((event["type"], found["event_type"]), ("github.push", "push"))
        # What is said counts, also that there is nothing.
        self.expect(200, self.api.patch(f"{ENDPOINTS}/{endpoint['id']}", {"paths": {}}))
        id = self.expect(200, self.send(endpoint, b"[]",
                                        github_headers(b"[]", **{"X-GitHub-Event": "push"})))["id"]
        event = self.expect(200, self.api.get(f"/api/v1/events/{self.wait_processed(id)['event_id']}"))
        self.assertEqual(event["type"], "github.received")

    def test_without_an_id_the_body_is_what_is_known_again(self):
        endpoint = self.make_endpoint("plain", signature_scheme=None, signature_header="X-Sig")
        body = b'{"n": 1}'
        headers = {"X-Sig": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
        first = self.expect(200, self.send(endpoint, body, headers))
        self.assertEqual(self.expect(200, self.send(endpoint, body, headers)),
                         {"id": first["id"], "duplicate": True})

    def test_only_listed_addresses_may_send(self):
        endpoint = self.make_endpoint(ip_whitelist=["203.0.113.0/24"])
        self.expect_problem(403, "FORBIDDEN", self.send(endpoint, b"{}"))
        spoofed = github_headers(b"{}", **{"X-Forwarded-For": "203.0.113.9"})
        self.expect_problem(403, "FORBIDDEN", self.send(endpoint, b"{}", spoofed))
        self.expect(200, self.api.patch(f"{ENDPOINTS}/{endpoint['id']}", {"ip_whitelist": ["127.0.0.1"]}))
        self.expect(200, self.send(endpoint, b"{}"))

    def test_more_than_the_rate_is_put_off(self):
        endpoint = self.make_endpoint(rate_limit={"requests": 3, "window_seconds": 3600})
        statuses = [self.send(endpoint, b'{"n": %d}' % n).status for n in range(5)]
        self.assertEqual(statuses, [200, 200, 200, 503, 503])

    def test_a_tenant_has_a_rate_for_all_its_endpoints(self):
        hub = Hub(self.engine, {"CROSSDOCK_RECEIVE_RATE": "3"})
        self.addCleanup(hub.remove)
        hub.start()
        self.hub = hub
        self.tenant = self.make_tenant()
        self.api = hub.api.as_key(self.make_key(self.tenant)["key"])
        endpoints = [self.make_endpoint(f"in{n}") for n in range(4)]
        answers = [self.send(endpoint, b'{"n": 1}') for endpoint in endpoints]
        self.assertEqual(sorted(answer.status for answer in answers), [200, 200, 200, 503])
        refused = next(answer for answer in answers if answer.status == 503)
        self.assertEqual(refused.code, "OVERLOADED")
        self.assertIn("Retry-After", refused.headers)
        time.sleep(1)  # tidy: allow blind-wait the rate allows the next one after a second
        self.expect(200, self.send(endpoints[0], b'{"n": 2}'))

    def test_what_proves_the_sender_is_not_kept(self):
        endpoint = self.make_endpoint("token", signature_scheme="gitlab_token")
        self.expect(401, self.send(endpoint, b"{}", {"X-Gitlab-Token": "wrong"}))
        answer = self.expect(200, self.send(endpoint, b"{}", {"X-Gitlab-Token": SECRET}))
        found = self.wait_processed(answer["id"])
        self.assertNotIn(SECRET, json.dumps(found))

    def test_a_secret_in_the_body_is_not_kept(self):
        scheme = {"kind": "token", "sig": "json:token", "id": "json:id"}
        endpoint = self.make_endpoint("inside", signature_scheme=scheme, secret_key='a "quoted" secret')
        body = json.dumps({"id": 1, "token": 'a "quoted" secret'}).encode()
        answer = self.expect(200, self.send(endpoint, body, {"X": "y"}))
        found = self.wait_processed(answer["id"])
        self.assertEqual(json.loads(found["body"]), {"id": 1, "token": "***"})
        self.assertEqual(self.expect(200, self.send(endpoint, body, {"X": "y"}))["id"], answer["id"])

    def test_bytes_that_are_no_text_harm_nobody(self):
        endpoint = self.make_endpoint("open", signature_scheme="unsigned", unsigned=True)
        with socket.create_connection(("127.0.0.1", self.hub.port)) as connection:
            connection.sendall(f"POST {self.path_of(endpoint)}?x=".encode() +
                               b"\xff\xc3( HTTP/1.1\r\nHost: h\r\n"
                               b"X-Odd: \xff\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\xff\x00{")
            head = b""
            while piece := connection.recv(4096):
                head += piece
        if head.startswith(b"HTTP/1.1 400"):
            return  # the target was refused as such
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        found = self.wait_processed(json.loads(head.split(b"\r\n\r\n", 1)[1])["id"])
        self.assertEqual((found["body_encoding"], found["target"].partition("?")[2]), ("base64", "x=%ff%c3("))

    def test_a_batch_is_an_event_for_each_element(self):
        scheme = {"kind": "hmac", "sig": "header:x-sig", "each": "json:events", "id": "json:id"}
        endpoint = self.make_endpoint("batch", signature_scheme=scheme, paths={"event_type": "json:kind"})
        body = json.dumps({"events": [{"id": n, "kind": f"k{n % 2}"} for n in range(5)]}).encode()
        headers = {"X-Sig": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
        answer = self.expect(200, self.send(endpoint, body, headers))
        self.assertEqual((len(answer["ids"]), answer["duplicates"]), (5, 0))
        self.assertEqual(self.expect(200, self.send(endpoint, body, headers))["duplicates"], 5)
        for n, id in enumerate(answer["ids"]):
            found = self.wait_processed(id)
            self.assertEqual(json.loads(found["body"]), {"id": n, "kind": f"k{n % 2}"})
            self.assertEqual((found["event_type"], found["batch_body"], found["batch_index"]),
                             (f"k{n % 2}", body.decode(), n))
        rows = self.received("?source=batch&event_type=k1")
        self.assertEqual({row["id"] for row in rows}, {answer["ids"][1], answer["ids"][3]})

    def test_a_handshake_is_answered(self):
        endpoint = self.make_endpoint("slack", signature_scheme="slack")
        body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}",
                   "Content-Type": "application/json"}
        reply = self.send(endpoint, body, headers)
        self.assertEqual(reply.status, 200)
        self.assertIn(b"abc", reply.content)
        self.assertEqual(self.received(), [])

    def test_a_handshake_signs_no_body(self):
        endpoint = self.make_endpoint("x", signature_scheme="twitter_x")
        answer = self.hub.api.get(self.path_of(endpoint) + "?crc_token=abc_123")
        self.assertEqual(answer.status, 200)
        self.assertIn(b"sha256=", answer.content)
        self.expect(404, self.hub.api.get(self.path_of(endpoint) + "?crc_token=%7B%22a%22%3A1%7D"))


class Processing(EndpointCase):
    PATHS = {"event_type": "json:type", "table": "json:table", "record": "json:record",
             "old_record": "json:old_record", "record_id": "json:record.id"}

    def post(self, endpoint: dict, event_type: str = "UPDATE", **members) -> str:
        body = json.dumps({"type": event_type, "table": "orders",
                           "record": {"id": 7, "state": "paid", "n": 1},
                           "old_record": {"id": 7, "state": "new", "n": 1}} | members).encode()
        return self.expect(200, self.send(endpoint, body))["id"]

    def test_records_and_their_changes(self):
        endpoint = self.make_endpoint(source="shop", paths=self.PATHS)
        found = self.wait_processed(self.post(endpoint))
        self.assertEqual(found["record"], {"id": 7, "state": "paid", "n": 1})
        self.assertEqual(found["old_record"], {"id": 7, "state": "new", "n": 1})
        event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
        self.assertEqual((event["type"], event["subject"], event["ordering_key"]),
                         ("shop.orders.update", "orders/7", "orders/7"))
        self.assertEqual(event["data"], {"id": 7, "state": "paid", "n": 1})
        self.assertEqual(event["changes"], {"state": {"old": "new", "new": "paid"}})

    def test_routes(self):
        receiver = self.make_receiver()
        target = self.subscribe(receiver, event_types=["nothing.else"])
        endpoint = self.make_endpoint(source="shop", paths=self.PATHS,
                                      event_types=["INSERT", "UPDATE", "DEL*"], routes=[
            {"event_type": "INSERT", "publish": "order.created"},
            {"table": "ord*", "event_type": "DELETE", "subscription_id": target["id"]},
            {"table": "orders", "ignore": True},
        ])
        inserted = self.wait_processed(self.post(endpoint, "INSERT"))
        event = self.expect(200, self.api.get(f"/api/v1/events/{inserted['event_id']}"))
        self.assertEqual((event["type"], event["deliveries"]), ("order.created", []))
        deleted = self.wait_processed(self.post(endpoint, "DELETE"))
        delivery = self.wait_for_status(target, "DELIVERED")[0]
        self.assertEqual(delivery["event_id"], deleted["event_id"])
        self.wait_processed(self.post(endpoint, "UPDATE"), "IGNORED")
        self.wait_processed(self.post(endpoint, "TRUNCATE"), "IGNORED")

    def test_what_cannot_be_processed_fails_and_can_be_replayed(self):
        endpoint = self.make_endpoint(source="shop", paths=self.PATHS)
        id = self.expect(200, self.send(endpoint, b"not json"))["id"]
        failed = self.wait_processed(id, "FAILED")
        self.assertEqual(failed["processing_error"].split("; ")[0],
                         "paths.event_type: the body is not JSON: JSON, line 1, column 1: "
                         "expected a value, found 'n'")
        self.assertFalse(failed["processed"])
        self.assertEqual([row["id"] for row in self.received("?status=FAILED")], [id])
        self.expect(200, self.api.patch(f"{ENDPOINTS}/{endpoint['id']}", {"paths": {}}))
        self.expect(202, self.api.post(f"{RECEIVED}/{id}/replay"))
        found = self.wait_processed(id)
        self.assertEqual(found["replays"], 1)
        event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
        self.assertEqual((event["type"], event["data"]), ("shop.received", {"text": "not json"}))
        stats = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))
        self.assertEqual((stats["total_received"], stats["total_processed"], stats["total_failed"]),
                         (1, 1, 1))

    def test_a_paused_endpoint_keeps_what_comes(self):
        endpoint = self.make_endpoint(status="PAUSED")
        ids = [self.expect(200, self.send(endpoint, b'{"n": %d}' % n))["id"] for n in range(3)]
        time.sleep(0.3)  # tidy: allow blind-wait in which nothing may happen
        self.assertEqual([row["status"] for row in self.received()], ["PENDING"] * 3)
        self.assertEqual({row["id"] for row in self.received("?status=PENDING")}, set(ids))
        self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/enable"))
        for id in ids:
            self.wait_processed(id)

    def test_who_wants_to_know_hears_of_it(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, event_types=["webhook.received"])
        endpoint = self.make_endpoint(source="shop")
        id = self.expect(200, self.send(endpoint, b'{"n": 1}'))["id"]
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        event = self.expect(200, self.api.get(f"/api/v1/events/{delivery['event_id']}"))
        self.assertEqual((event["data"]["received_id"], event["data"]["payload"]), (id, {"n": 1}))


class Managing(EndpointCase):
    def test_a_secret_is_rotated_and_both_count_meanwhile(self):
        endpoint = self.make_endpoint()
        rotated = self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret",
                                                 {"secret_key": "second", "overlap_seconds": 3600}))
        self.assertEqual(rotated["secret_key"], "second")
        self.assertEqual(len(rotated["signing_secrets"]), 2)
        for secret in (SECRET, "second"):
            body = secret.encode()
            self.expect(200, self.send(endpoint, body, github_headers(body, secret)))
        self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret",
                                       {"secret_key": "third", "overlap_seconds": 0}))
        self.expect(401, self.send(endpoint, b"{}", github_headers(b"{}", "second")))
        self.expect(200, self.send(endpoint, b"{}", github_headers(b"{}", "third")))

    def test_what_cannot_work_is_told_when_it_is_saved(self):
        for settings, pointer in (
            ({"endpoint_path": "a/b"}, "#/endpoint_path"),
            ({"signature_scheme": "none_such"}, "#/signature_scheme"),
            ({"signature_scheme": {"sig": "nowhere"}}, "#/signature_scheme/sig"),
            ({"signature_scheme": {"kind": "jwt", "alg": ["RS256", "HS256"], "sig": "header:x"}},
             "#/signature_scheme/alg"),
            ({"secret_key": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----"},
             "#/secret_key"),
            ({"secret_key": " \n"}, "#/secret_key"),
            ({"signature_scheme": "discord", "secret_key": "01" + "00" * 31}, "#/secret_key"),
            ({"signature_scheme": "unsigned"}, "#/unsigned"),
            ({"unsigned": True}, "#/unsigned"),
            ({"signature_scheme": "discord", "secret_key": None}, "#/secret_key"),
            ({"ip_whitelist": ["203.0.113.1/24"]}, "#/ip_whitelist/0"),
            ({"ip_whitelist": ["203.0.113.1:80"]}, "#/ip_whitelist/0"),
            ({"paths": {"record": "header:x"}}, "#/paths/record"),
            ({"paths": {"table": "const:a\0b"}}, "#/paths/table"),
            ({"paths": {"else": "json:x"}}, "#/paths/else"),
            ({"routes": [{"publish": "a..b"}]}, "#/routes/0/publish"),
            ({"rate_limit": {"requests": 0}}, "#/rate_limit/requests"),
            ({"status": "OFF"}, "#/status"),
            ({"tenant_id": "x"}, "#/tenant_id"),
        ):
            with self.subTest(settings=settings):
                wanted = {"endpoint_path": "x", "signature_scheme": "github", "secret_key": SECRET} | settings
                problem = self.expect_problem(422, "VALIDATION_FAILED", self.api.post(ENDPOINTS, wanted))
                self.assertIn(pointer, [error["pointer"] for error in problem["errors"]])

    def test_the_plain_header_changes_what_is_verified(self):
        endpoint = self.make_endpoint("plain", signature_scheme=None, signature_header="X-Sig")
        path = f"{ENDPOINTS}/{endpoint['id']}"
        self.expect(200,
                    self.api.patch(path, {"signature_header": "X-New", "signature_algorithm": "HMAC-SHA512"}))
        digest = hmac.new(SECRET.encode(), b"{}", hashlib.sha512).hexdigest()
        self.expect(200, self.send(endpoint, b"{}", {"X-New": digest}))
        self.expect(401, self.send(endpoint, b"{}", {"X-Sig": digest}))
        other = self.make_endpoint()
        self.expect(422, self.api.patch(f"{ENDPOINTS}/{other['id']}", {"signature_header": "X-New"}))

    def test_a_path_is_taken_once_and_deleted_with_what_waits(self):
        endpoint = self.make_endpoint()
        self.expect_problem(409, "UNIQUE_VIOLATION",
                            self.api.post(ENDPOINTS, {"endpoint_path": "github", "secret_key": SECRET,
                                                      "signature_scheme": "github"}))
        moved = self.expect(200, self.api.patch(f"{ENDPOINTS}/{endpoint['id']}", {"endpoint_path": "hub"}))
        self.expect(404, self.send(endpoint, b"{}"))
        self.expect(200, self.send(moved, b"{}"))
        self.expect(204, self.api.delete(f"{ENDPOINTS}/{endpoint['id']}"))
        self.expect(404, self.send(moved, b"{}"))
        self.assertEqual(len(self.received()), 1, "what came is kept")
        self.make_endpoint()

    def test_a_list_and_other_tenants(self):
        endpoints = [self.make_endpoint(f"e{n}") for n in range(3)]
        listed = self.expect(200, self.api.get(ENDPOINTS))["data"]
        self.assertEqual([one["id"] for one in listed], [one["id"] for one in reversed(endpoints)])
        self.assertNotIn("secret_key", listed[0])
        id = self.expect(200, self.send(endpoints[0], b"{}"))["id"]
        other = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        for path in (f"{ENDPOINTS}/{endpoints[0]['id']}", f"{RECEIVED}/{id}"):
            self.expect(404, other.get(path))
        self.expect(404, other.post(f"{RECEIVED}/{id}/replay"))
        self.assertEqual(self.expect(200, other.get(RECEIVED))["data"], [])

    def test_a_captured_request_is_diagnosed(self):
        endpoint = self.make_endpoint()
        body = b'{"a": 1}'
        lines = "".join(f"{name}: {value}\r\n" for name, value in github_headers(body).items())
        text = f"POST {self.path_of(endpoint)} HTTP/1.1\r\nHost: hub\r\n{lines}\r\n"
        good = self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/diagnose",
                                              {"request": text + body.decode()}))
        self.assertTrue(good["passed"])
        bad = self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/diagnose",
                                             {"request": text + '{"a":1}'}))
        self.assertEqual((bad["passed"], bad["result"]), (False, "signature_differs"))
        self.assertNotIn(SECRET, json.dumps(bad))


class Lasting(OwnHubCase, EndpointCase):
    def test_what_was_acknowledged_is_there_after_a_kill(self):
        endpoint = self.make_endpoint(paths={"event_type": "json:type"})
        ids = [self.expect(200, self.send(endpoint, b'{"type": "a", "n": %d}' % n))["id"] for n in range(20)]
        self.hub.kill()
        self.hub.start()
        for id in ids:  # on PostgreSQL when the lease of the killed node has ended
            self.wait_processed(id, within=40)
        events = self.expect(200, self.api.get("/api/v1/events?limit=250"))["data"]
        self.assertEqual(len(events), 20)
        body = b'{"type": "a", "n": 0}'
        self.expect(200, self.send(endpoint, body))


if __name__ == "__main__":
    unittest.main()
