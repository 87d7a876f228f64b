"""Subscriptions: made, read, changed and deleted, with every mistake said; secrets shown once."""
import base64
import unittest

from harness import HubCase, on_both_engines
from harness.case import path_of

load_tests = on_both_engines

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
URL = "https://receiver.example/hooks"
MINIMAL = {"name": "Orders", "url": URL, "event_types": ["order.*"]}
FULL = MINIMAL | {
    "description": "to the warehouse",
    "event_types": ["order.created", "invoice.*"],
    "auth_type": "BASIC",
    "auth_config": {"username": "crossdock", "password": "p4ssw0rd-of-ours"},
    "content_type": "application/json",
    "headers": {"X-Env": "test"},
    "payload_format": "ENTITY",
    "timeout_seconds": 7,
    "retry_enabled": False,
    "max_retries": 2,
    "retry_intervals": [5, 10],
    "status": "PAUSED",
    "is_enabled": True,
}
DEFAULTS = {
    "description": None,
    "auth_type": "NONE",
    "auth_config": None,
    "content_type": "application/json",
    "headers": {},
    "secret_headers": [],
    "transform_template": None,
    "payload_format": "STANDARD",
    "timeout_seconds": 30,
    "retry_enabled": True,
    "max_retries": 5,
    "retry_intervals": [60, 300, 900, 3600, 7200],
    "status": "ACTIVE",
    "is_enabled": True,
    "disabled_reason": None,
    "disabled_at": None,
    "total_sent": 0,
    "consecutive_failures": 0,
}


class Subscriptions(HubCase):
    def create(self, **members) -> dict:
        return self.expect(201, self.api.post(SUBSCRIPTIONS, MINIMAL | members))

    def refused(self, **members) -> dict[str, str]:
        reply = self.api.post(SUBSCRIPTIONS, MINIMAL | members)
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        return reply.pointers

    def test_a_subscription_needs_three_members_and_has_defaults_for_the_rest(self):
        made = self.create()

        self.assertEqual({name: made[name] for name in DEFAULTS}, DEFAULTS)
        self.assertEqual({name: made[name] for name in MINIMAL}, MINIMAL)
        self.assertEqual(made["tenant_id"], self.tenant["id"])
        read = self.subscription(made)
        self.assertEqual(read, {name: value for name, value in made.items() if name != "secret_key"})

    def test_every_setting_can_be_given(self):
        made = self.create(**FULL)

        shown = FULL | {"auth_config": {"set": True}}
        self.assertEqual({name: made[name] for name in shown}, shown)

    def test_what_is_missing_is_named(self):
        reply = self.api.post(SUBSCRIPTIONS, {})

        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(
            reply.pointers, {"#/name": "REQUIRED", "#/url": "REQUIRED", "#/event_types": "REQUIRED"}
        )

    def test_every_wrong_member_is_named_at_once(self):
        wrong = self.refused(
            name="",
            event_types=["order.*", "a..b", 7],
            auth_type="KERBEROS",
            content_type="text/xml",
            payload_format="YAML",
            timeout_seconds=0,
            retry_enabled="yes",
            max_retries=21,
            retry_intervals=[60, 0, 604801, "1"],
            status="FAILED",
            is_enabled=1,
            descripton="typo",
            transform_template={"a": "b"},
        )

        self.assertEqual(
            wrong,
            {
                "#/name": "REQUIRED",
                "#/event_types/1": "INVALID",
                "#/event_types/2": "INVALID",
                "#/auth_type": "INVALID",
                "#/content_type": "INVALID",
                "#/payload_format": "INVALID",
                "#/timeout_seconds": "OUT_OF_RANGE",
                "#/retry_enabled": "WRONG_TYPE",
                "#/max_retries": "OUT_OF_RANGE",
                "#/retry_intervals/1": "OUT_OF_RANGE",
                "#/retry_intervals/2": "OUT_OF_RANGE",
                "#/retry_intervals/3": "OUT_OF_RANGE",
                "#/status": "INVALID",
                "#/is_enabled": "WRONG_TYPE",
                "#/descripton": "UNKNOWN_MEMBER",
                "#/transform_template": "INVALID",
            },
        )

    def test_urls_that_cannot_be_sent_to_are_refused(self):
        for url in (
            "",
            "receiver.example",
            "ftp://receiver.example/",
            "https://user:pw@receiver.example/",
            "https://receiver.example/#x",
            "https://receiver.example/a b",
            "https://",
            "https://a..b/",
            "https://receiver.example/\r\nX-Injected: 1",
            "https://receiver.example:0/",
            "https://receiver.example/" + "x" * 2000,
        ):
            with self.subTest(url=url[:60]):
                self.assertEqual(list(self.refused(url=url)), ["#/url"])
        self.create(url="https://receiver.example/" + "x" * (2000 - len("https://receiver.example/")))

    def test_international_names_are_hosts_as_they_are(self):
        url = "https://bücher.example/k%C3%A4ufe"
        self.assertEqual(self.create(url=url)["url"], url)
        for refused in ("https://bücher.example/käufe", "https://example.com／.evil.example/",
                        "https://\u2100.example/"):
            with self.subTest(url=refused):
                self.assertEqual(list(self.refused(url=refused)), ["#/url"])
        self.assertEqual(self.refused(url="http://１０.0.0.1/"), {"#/url": "SSRF_BLOCKED"})

    def test_addresses_that_may_not_be_sent_to_are_refused(self):
        for url in ("http://10.0.0.1/", "http://192.168.1.1:8080/", "http://169.254.169.254/latest/meta-data",
                    "http://[::1]/", "http://[fd00:ec2::254]/", "http://0/", "http://0xa.0.0.1/",
                    "http://[::ffff:10.0.0.1]/", "http://100.64.0.1/"):
            with self.subTest(url=url):
                self.assertEqual(self.refused(url=url), {"#/url": "SSRF_BLOCKED"})

    def test_headers_cannot_break_the_message(self):
        for name, value, code in (
            ("X-A", "1\r\nX-B: 2", "INVALID"),
            ("X-A", "a\nb", "INVALID"),
            ("X-A\r\nX-B", "1", "INVALID"),
            ("X A", "1", "INVALID"),
            ("", "1", "INVALID"),
            ("X-A", "é", "INVALID"),
            ("X-A", 1, "INVALID"),
            ("X-A", "x" * 4097, "INVALID"),
            ("Host", "evil", "RESERVED"),
            ("content-LENGTH", "1", "RESERVED"),
            ("Transfer-Encoding", "chunked", "RESERVED"),
            ("Connection", "close", "RESERVED"),
            ("Expect", "100-continue", "RESERVED"),
            ("webhook-signature", "v1,x", "RESERVED"),
            ("Webhook-Id", "1", "RESERVED"),
            ("webhook-timestamp", "1", "RESERVED"),
        ):
            with self.subTest(name=name, value=str(value)[:20]):
                self.assertEqual(list(self.refused(headers={name: value}).values()), [code])
        self.assertEqual(
            self.refused(headers={f"X-{n}": "1" for n in range(31)}), {"#/headers": "OUT_OF_RANGE"}
        )
        self.assertEqual(self.refused(headers=["X-A"]), {"#/headers": "WRONG_TYPE"})
        self.create(headers={f"X-{n}": "x" * 100 for n in range(30)})

    def test_header_names_that_only_case_tells_apart_are_refused(self):
        self.assertEqual(self.refused(headers={"X-A": "1", "x-a": "2", "X-B": "3"}),
                         {"#/headers/x-a": "INVALID"})

    def test_the_pointer_of_a_header_is_escaped(self):
        self.assertEqual(self.refused(headers={"a/b~": "1"}), {"#/headers/a~1b~0": "INVALID"})

    def test_each_way_to_authenticate_needs_its_own_config(self):
        for auth_type, config, pointers in (
                ("BASIC", None, {"#/auth_config": "REQUIRED"}),
                ("BASIC", {"username": "a:b"}, {"#/auth_config/username": "INVALID",
                                                "#/auth_config/password": "REQUIRED"}),
                ("BASIC", {"username": "a", "password": "b", "token": "c"},
                 {"#/auth_config/token": "UNKNOWN_MEMBER"}),
                ("API_KEY", {}, {"#/auth_config/value": "REQUIRED"}),
                ("API_KEY", {"value": "a\r\nb"}, {"#/auth_config/value": "INVALID"}),
                ("API_KEY", {"header": "Host", "value": "a"}, {"#/auth_config/header": "INVALID"}),
                ("HMAC", {"header": "webhook-signature"}, {"#/auth_config/header": "INVALID"}),
                ("NONE", {"username": "a"}, {"#/auth_config": "INVALID"})):
            with self.subTest(auth_type=auth_type, config=config):
                self.assertEqual(self.refused(auth_type=auth_type, auth_config=config), pointers)
        for config in ({"algorithm": "md5"}, {"encoding": "hex32"}):
            with self.subTest(config=config):
                self.assertEqual(self.api.post(SUBSCRIPTIONS, MINIMAL | {"auth_type": "HMAC",
                                                                         "auth_config": config}).status, 422)

    def test_a_secret_of_ones_own_has_a_shape(self):
        own = "whsec_" + base64.b64encode(b"k" * 32).decode()
        self.assertEqual(self.create(secret_key=own)["secret_key"], own)
        for bad in ("secret", "whsec_", "whsec_!!!", "whsec_" + base64.b64encode(b"short").decode(),
                    "whsec_" + base64.b64encode(b"k" * 65).decode()):
            with self.subTest(secret=bad):
                self.assertEqual(self.refused(secret_key=bad), {"#/secret_key": "INVALID"})

    def test_secrets_are_shown_once_and_never_again(self):
        made = self.create(**FULL | {"status": "ACTIVE"})
        path = path_of(made)
        rotated = self.expect(200, self.api.post(f"{path}/rotate-secret"))
        changes = {"If-Match": "*"}

        answers = [
            self.api.get(path),
            self.api.get(SUBSCRIPTIONS),
            self.api.get("/api/v1/audit-log"),
            self.api.patch(path, {"name": "again"}, headers=changes),
            self.api.put(path, FULL, headers=changes),
            self.api.post(f"{path}/pause"),
            self.api.post(f"{path}/resume"),
            self.api.post(f"{path}/disable"),
            self.api.post(f"{path}/enable"),
            self.api.get("/metrics"),
        ]
        for answer in answers:
            self.assertLess(answer.status, 300, answer.content)
            for secret in (made["secret_key"], rotated["secret_key"], FULL["auth_config"]["password"]):
                self.assertNotIn(secret.encode(), answer.content)
                self.assertNotIn(secret.removeprefix("whsec_").encode(), answer.content)
        self.assertNotIn(made["secret_key"], self.hub.log_tail(1 << 20))


class Changes(HubCase):
    def setUp(self) -> None:
        super().setUp()
        created = self.api.post(SUBSCRIPTIONS, FULL)
        self.made = self.expect(201, created)
        self.etag = created.headers["ETag"]
        self.path = path_of(self.made)

    def test_put_sets_everything_and_what_is_absent_gets_its_default(self):
        changed = self.expect(200, self.api.put(self.path, MINIMAL | {"name": "New"}))

        self.assertEqual({name: changed[name] for name in DEFAULTS}, DEFAULTS)
        self.assertEqual(changed["name"], "New")
        self.assertEqual(changed["id"], self.made["id"])
        self.assertEqual(changed["signing_secrets"], self.made["signing_secrets"])
        self.assertEqual(self.subscription(self.made), changed)

    def test_patch_sets_what_is_sent_and_null_resets(self):
        changed = self.expect(
            200,
            self.api.patch(
                self.path,
                {"timeout_seconds": 9, "headers": None, "description": None, "retry_intervals": None},
            ),
        )

        wanted = FULL | {
            "timeout_seconds": 9,
            "headers": {},
            "description": None,
            "auth_config": {"set": True},
            "retry_intervals": DEFAULTS["retry_intervals"],
        }
        self.assertEqual({name: changed[name] for name in wanted}, wanted)

    def test_patch_cannot_reset_what_has_no_default(self):
        reply = self.api.patch(self.path, {"name": None, "url": None, "event_types": None, "id": "x"})

        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(
            reply.pointers,
            {
                "#/name": "REQUIRED",
                "#/url": "REQUIRED",
                "#/event_types": "REQUIRED",
                "#/id": "UNKNOWN_MEMBER",
            },
        )
        self.assertEqual(self.subscription(self.made)["name"], FULL["name"])

    def test_another_way_to_authenticate_needs_another_config(self):
        reply = self.api.patch(self.path, {"auth_type": "API_KEY"})
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        self.assertEqual(reply.pointers, {"#/auth_config": "REQUIRED"})

        none = self.expect(200, self.api.patch(self.path, {"auth_type": "NONE"}))
        self.assertIsNone(none["auth_config"])

    def test_if_match_refuses_a_change_of_what_has_changed_meanwhile(self):
        first = self.api.patch(self.path, {"name": "first"}, headers={"If-Match": self.etag})
        self.expect(200, first)
        self.assertNotEqual(first.headers["ETag"], self.etag)
        stale = {"If-Match": self.etag}

        for reply in (
            self.api.patch(self.path, {"name": "second"}, headers=stale),
            self.api.put(self.path, MINIMAL, headers=stale),
            self.api.delete(self.path, headers=stale),
            self.api.post(f"{self.path}/pause", headers=stale),
            self.api.post(f"{self.path}/rotate-secret", headers=stale),
        ):
            self.expect_problem(412, "ETAG_MISMATCH", reply)
        read = self.api.get(self.path)
        self.assertEqual((read.json["name"], read.headers["ETag"]), ("first", first.headers["ETag"]))
        self.expect(
            200, self.api.patch(self.path, {"name": "third"}, headers={"If-Match": read.headers["ETag"]})
        )
        self.expect(200, self.api.patch(self.path, {"name": "fourth"}, headers={"If-Match": "*"}))

    def test_a_deleted_subscription_is_gone(self):
        self.expect(204, self.api.delete(self.path, headers={"If-Match": self.etag}))

        self.expect_problem(404, "NOT_FOUND", self.api.get(self.path))
        self.expect_problem(404, "NOT_FOUND", self.api.patch(self.path, {"name": "late"}))
        self.assertEqual(self.api.get(SUBSCRIPTIONS).json["data"], [])
        self.assertEqual(self.publish()["deliveries"], 0)

    def test_a_change_takes_effect_for_the_next_event(self):
        receiver, other = self.make_receiver(), self.make_receiver()
        subscription = self.subscribe(receiver, event_types=["load.*"])
        self.publish(type="load.posted", data=1)
        receiver.wait_for(1)

        self.expect(
            200, self.api.patch(path_of(subscription), {"url": other.url, "event_types": ["carrier.*"]})
        )
        self.assertEqual(self.publish(type="load.posted", data=2)["deliveries"], 0)
        self.assertEqual(self.publish(type="carrier.approved", data=3)["deliveries"], 1)
        self.assertEqual(other.wait_for(1)[0].json["data"], 3)
        self.assertEqual(len(receiver.requests), 1)

    def test_only_so_many_secrets_are_valid_at_once(self):
        for _ in range(3):
            rotated = self.expect(200, self.api.post(f"{self.path}/rotate-secret"))
        self.assertEqual(len(rotated["signing_secrets"]), 4)

        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{self.path}/rotate-secret"))
        leaked = self.expect(200, self.api.post(f"{self.path}/rotate-secret", {"overlap_seconds": 0}))
        self.assertEqual(len(leaked["signing_secrets"]), 1)
        for overlap in (-1, 2592001, "1d"):
            reply = self.api.post(f"{self.path}/rotate-secret", {"overlap_seconds": overlap})
            self.expect_problem(422, "VALIDATION_FAILED", reply)


if __name__ == "__main__":
    unittest.main()
