"""Who may do what: keys, roles, scopes, tenants, and the walls between them."""
import unittest
import uuid
from datetime import datetime, timedelta, timezone

from harness import Api, HubCase, eventually, on_both_engines
from harness.contract import CONTRACT
from harness.raw import exchange

load_tests = on_both_engines

EVENTS = "/api/v1/events"
KEYS = "/api/v1/api-keys"
SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
TENANTS = "/api/v1/tenants"
EVENT = {"type": "order.created", "data": {"id": 42}}
SUBSCRIPTION = {"name": "s", "url": "https://receiver.example/", "event_types": ["*"]}
ROLES = {
    "owner": {"read", "publish", "subscribe", "keys", "audit"},
    "admin": {"read", "publish", "subscribe", "keys", "audit"},
    "developer": {"read", "publish", "subscribe"},
    "operator": {"read"},
    "viewer": {"read"},
    "auditor": {"audit"},
}


class Authentication(HubCase):
    def test_without_a_usable_key_nothing_is_answered(self):
        for fields in ({}, {"Authorization": "Bearer cdk_unknown"}, {"Authorization": "Bearer "},
                       {"Authorization": "Basic Y2RrOg=="}, {"Authorization": f"Bearer {'x' * 300}"}):
            with self.subTest(fields=fields):
                refused = self.hub.api.get(EVENTS, headers=fields)
                self.expect_problem(401, "UNAUTHENTICATED", refused)
                self.assertEqual(refused.headers["WWW-Authenticate"], "Bearer")

    def test_an_expired_key_is_refused(self):
        soon = datetime.now(timezone.utc) + timedelta(seconds=1.5)
        key = self.make_key(self.tenant, expires_at=soon.isoformat())["key"]
        mine = self.hub.api.as_key(key)

        self.expect(200, mine.get(EVENTS))
        refused = eventually(lambda: mine.get(EVENTS).status == 401, "the key expires")
        self.assertTrue(refused)
        self.assertGreaterEqual(datetime.now(timezone.utc), soon)

    def test_a_revoked_key_is_refused_and_stays_in_the_list(self):
        made = self.make_key(self.tenant, role="viewer")
        revoked = self.hub.api.as_key(made["key"])
        self.expect(200, revoked.get(EVENTS))

        self.expect(204, self.api.delete(f"{KEYS}/{made['id']}"))

        eventually(lambda: revoked.get(EVENTS).status == 401, "the key is refused")
        self.expect_problem(401, "UNAUTHENTICATED", revoked.get(EVENTS))
        self.assertIsNotNone(self.expect(200, self.api.get(f"{KEYS}/{made['id']}"))["revoked_at"])

    def test_keys_that_were_made_with_a_revoked_one_are_revoked(self):
        made = self.make_key(self.tenant, role="admin")
        maker = self.hub.api.as_key(made["key"])
        child = self.expect(201, maker.post(KEYS, {"name": "child", "role": "admin"}))
        as_child = self.hub.api.as_key(child["key"])
        grandchild = self.expect(201, as_child.post(KEYS, {"name": "g", "role": "viewer"}))

        self.expect_problem(400, "BAD_REQUEST", self.api.delete(f"{KEYS}/{made['id']}?made_keys=some"))
        self.expect(204, self.api.delete(f"{KEYS}/{made['id']}"))

        for key in (made, child, grandchild):
            self.expect_problem(401, "UNAUTHENTICATED", self.hub.api.as_key(key["key"]).get(EVENTS))
        entries = self.expect(200, self.api.get("/api/v1/audit-log"))["data"]
        revoked = [entry["target_id"] for entry in entries if entry["action"] == "api_key.revoked"]
        self.assertEqual(sorted(revoked), sorted(key["id"] for key in (made, child, grandchild)))

    def test_fields_that_say_who_asks_are_sent_once(self):
        key = f"Authorization: Bearer {self.make_key(self.tenant)['key']}\r\n"
        tenant = f"X-Tenant-Id: {self.tenant['slug']}\r\n"
        for fields in (key + key, key + "authorization: Basic eDp5\r\n", key + tenant + tenant):
            with self.subTest(fields=fields):
                answer = exchange(self.hub.port, f"GET {EVENTS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                                 f"{fields}\r\n".encode())
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
                self.assertIn(b"send it once", answer)

    def test_a_key_is_shown_once(self):
        made = self.make_key(self.tenant, role="viewer")

        everything = self.api.get(KEYS).content + self.api.get(f"{KEYS}/{made['id']}").content
        everything += self.api.get("/api/v1/audit-log").content
        self.assertNotIn(made["key"].encode(), everything)
        self.assertTrue(made["key"].startswith(made["prefix"]))
        self.assertIn(made["prefix"].encode(), everything)

    def test_the_last_use_of_a_key_is_kept(self):
        made = self.make_key(self.tenant)
        self.expect(200, self.hub.api.as_key(made["key"]).get(EVENTS))

        eventually(lambda: self.api.get(f"{KEYS}/{made['id']}").json["last_used_at"], "last_used_at")


class Roles(HubCase):
    def attempts(self, api: Api) -> dict[str, int]:
        """What each kind of request is answered with."""
        return {
            "read": api.get("/api/v1/webhooks/deliveries").status,
            "publish": api.post(EVENTS, EVENT).status,
            "subscribe": api.post(SUBSCRIPTIONS, SUBSCRIPTION).status,
            "keys": api.post(KEYS, {"name": "made", "role": "viewer", "scopes": ["events:read"]}).status,
            "audit": api.get("/api/v1/audit-log").status,
        }

    def test_each_role_may_do_its_own(self):
        for role, allowed in ROLES.items():
            with self.subTest(role=role):
                statuses = self.attempts(self.hub.api.as_key(self.make_key(self.tenant, role=role)["key"]))
                self.assertEqual({what for what, status in statuses.items() if status < 300}, allowed)
                self.assertEqual({statuses[what] for what in statuses.keys() - allowed} - {403}, set())

    def test_only_some_roles_may_replay(self):
        for role, status in (("operator", 404), ("developer", 404), ("viewer", 403), ("auditor", 403)):
            with self.subTest(role=role):
                api = self.hub.api.as_key(self.make_key(self.tenant, role=role)["key"])
                self.expect(status, api.post(f"/api/v1/webhooks/deliveries/{uuid.uuid4()}/replay"))

    def test_an_unknown_scope_is_told_those_there_are(self):
        refused = self.api.post(KEYS, {"name": "k", "scopes": ["events:publish"]})

        self.expect_problem(422, "VALIDATION_FAILED", refused)
        for scope in ("events:read", "api_keys:write", "tenants:write"):
            self.assertIn(scope, refused.json["errors"][0]["detail"])

    def test_scopes_narrow_a_role(self):
        key = self.make_key(self.tenant, role="admin", scopes=["events:write", "audit:read"])
        statuses = self.attempts(self.hub.api.as_key(key["key"]))

        self.assertEqual({what for what, status in statuses.items() if status < 300}, {"publish", "audit"})

    def test_scopes_do_not_widen_a_role(self):
        key = self.make_key(self.tenant, role="viewer", scopes=["events:write", "events:read"])
        api = self.hub.api.as_key(key["key"])

        self.expect_problem(403, "FORBIDDEN", api.post(EVENTS, EVENT))
        self.expect(200, api.get(EVENTS))

    def test_nobody_makes_a_key_that_may_do_more_than_his_own(self):
        narrow = self.hub.api.as_key(
            self.make_key(self.tenant, scopes=["api_keys:write", "events:read"])["key"]
        )

        self.expect(201, narrow.post(KEYS, {"name": "k", "role": "viewer", "scopes": ["events:read"]}))
        self.expect_problem(403, "FORBIDDEN", narrow.post(KEYS, {"name": "k", "role": "viewer"}))
        self.expect_problem(403, "FORBIDDEN", narrow.post(KEYS, {"name": "k", "role": "admin"}))

    def test_a_key_makes_none_that_lives_longer(self):
        end = datetime.now(timezone.utc) + timedelta(hours=1)
        mine = self.hub.api.as_key(self.make_key(self.tenant, expires_at=end.isoformat())["key"])

        child = self.expect(201, mine.post(KEYS, {"name": "k", "role": "viewer"}))
        self.assertEqual(datetime.fromisoformat(child["expires_at"]).replace(microsecond=0),
                         end.replace(microsecond=0))
        sooner = (end - timedelta(minutes=1)).isoformat()
        self.expect(201, mine.post(KEYS, {"name": "k", "role": "viewer", "expires_at": sooner}))
        later = (end + timedelta(minutes=1)).isoformat()
        refused = mine.post(KEYS, {"name": "k", "role": "viewer", "expires_at": later})
        self.assertIn("outlive", self.expect_problem(403, "FORBIDDEN", refused)["detail"])

    def test_a_key_names_no_scope_that_its_maker_lacks(self):
        narrow = self.hub.api.as_key(
            self.make_key(self.tenant, scopes=["api_keys:write", "events:read"])["key"]
        )

        wider = {"name": "k", "role": "viewer", "scopes": ["events:read", "events:write"]}
        self.expect_problem(403, "FORBIDDEN", narrow.post(KEYS, wider))

    def test_mistakes_of_a_key_are_named(self):
        refused = self.api.post(KEYS, {"role": "king", "scopes": ["events:read", "all"], "expires_at":
                                       "2020-01-01T00:00:00Z", "key": "cdk_mine"})

        self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual(
            refused.pointers,
            {
                "#/name": "REQUIRED",
                "#/role": "INVALID",
                "#/scopes/1": "INVALID",
                "#/expires_at": "OUT_OF_RANGE",
                "#/key": "UNKNOWN_MEMBER",
            },
        )


class Platform(HubCase):
    def test_a_platform_key_names_its_tenant_by_id_or_slug(self):
        self.publish()
        for name in (self.tenant["id"], self.tenant["slug"]):
            with self.subTest(name=name):
                self.assertEqual(len(self.hub.platform_in(name).get(EVENTS).json["data"]), 1)
        self.expect_problem(400, "BAD_REQUEST", self.hub.platform.get(EVENTS))
        self.expect_problem(404, "NOT_FOUND", self.hub.platform_in("nobody").get(EVENTS))
        self.expect_problem(404, "NOT_FOUND", self.hub.platform_in(str(uuid.uuid4())).get(EVENTS))

    def test_a_tenants_key_names_no_other_tenant(self):
        key = self.make_key(self.tenant)["key"]
        other = self.make_tenant()

        self.expect(200, self.hub.api.as_key(key, self.tenant["slug"]).get(EVENTS))
        self.expect_problem(403, "FORBIDDEN", self.hub.api.as_key(key, other["slug"]).get(EVENTS))
        self.expect_problem(403, "FORBIDDEN", self.hub.api.as_key(key, "nobody").get(EVENTS))

    def test_tenants_are_the_platforms_business(self):
        for reply in (self.api.get(TENANTS), self.api.post(TENANTS, {"name": "x", "slug": "x"}),
                      self.api.get(f"{TENANTS}/{self.tenant['id']}"),
                      self.api.patch(f"{TENANTS}/{self.tenant['id']}", {"name": "Mine"})):
            self.expect_problem(403, "FORBIDDEN", reply)

    def test_a_tenant_is_found_by_id_and_slug_and_renamed(self):
        path = f"{TENANTS}/{self.tenant['id']}"
        before = self.hub.platform.get(f"{TENANTS}/{self.tenant['slug']}")
        self.assertEqual(self.expect(200, before), self.tenant)

        etag = {"If-Match": before.headers["ETag"]}
        renamed = self.hub.platform.patch(path, {"name": "Acme Ltd"}, headers=etag)

        self.assertEqual(self.expect(200, renamed)["name"], "Acme Ltd")
        self.expect_problem(
            412, "ETAG_MISMATCH", self.hub.platform.patch(path, {"name": "Late"}, headers=etag)
        )
        eventually(
            lambda: self.hub.platform.get(path).json["name"] == "Acme Ltd", "the new name is everywhere"
        )

    def test_slugs_are_unique_and_have_a_shape(self):
        taken = self.hub.platform.post(TENANTS, {"name": "Twin", "slug": self.tenant["slug"]})
        self.expect_problem(409, "UNIQUE_VIOLATION", taken)
        for slug in ("", "A", "a b", "ä", "x" * 65, str(uuid.uuid4())):
            with self.subTest(slug=slug):
                refused = self.hub.platform.post(TENANTS, {"name": "Acme", "slug": slug})
                self.expect_problem(422, "VALIDATION_FAILED", refused)
                self.assertEqual(list(refused.pointers), ["#/slug"])

    def test_the_keys_of_a_suspended_tenant_are_refused_until_it_is_active_again(self):
        path = f"{TENANTS}/{self.tenant['id']}"
        self.expect(200, self.hub.platform.patch(path, {"status": "SUSPENDED"}))
        eventually(lambda: self.api.get(EVENTS).status == 403, "the tenant is suspended")
        self.expect_problem(403, "FORBIDDEN", self.api.post(EVENTS, EVENT))

        self.expect(200, self.hub.platform.patch(path, {"status": "ACTIVE"}))
        eventually(lambda: self.api.get(EVENTS).status == 200, "the tenant is active")

    def test_the_platform_has_keys_of_its_own(self):
        made = self.expect(201, self.hub.platform.post(KEYS, {"name": "deployer", "role": "owner",
                                                              "scopes": ["tenants:read"]}))
        deployer = self.hub.api.as_key(made["key"])

        self.assertIsNone(made["tenant_id"])
        self.expect(200, deployer.get(TENANTS))
        self.expect_problem(403, "FORBIDDEN", deployer.post(TENANTS, {"name": "x", "slug": "x"}))
        self.assertIn(made["id"], [key["id"] for key in self.hub.platform.get(KEYS).json["data"]])
        self.assertNotIn(made["id"], [key["id"] for key in self.api.get(KEYS).json["data"]])
        self.expect_problem(404, "NOT_FOUND", self.api.get(f"{KEYS}/{made['id']}"))


    def test_a_key_of_the_platform_may_do_what_its_role_may(self):
        for role, statuses in (("viewer", (200, 200, 403, 403, 403)),
                               ("developer", (200, 200, 202, 403, 403)),
                               ("auditor", (200, 403, 403, 403, 403)), ("admin", (200, 200, 202, 201, 201))):
            with self.subTest(role=role):
                made = self.expect(201, self.hub.platform.post(KEYS, {"name": role, "role": role}))
                platform = self.hub.api.as_key(made["key"])
                inside = self.hub.api.as_key(made["key"], self.tenant["id"])
                self.assertEqual(
                    (platform.get(TENANTS).status, inside.get(EVENTS).status,
                     inside.post(EVENTS, EVENT).status,
                     platform.post(TENANTS, {"name": "x", "slug": f"x-{uuid.uuid4().hex}"}).status,
                     platform.post(KEYS, {"name": "k", "role": "viewer"}).status), statuses)


class Walls(HubCase):
    def test_what_belongs_to_another_tenant_is_not_found(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        event = self.publish()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        key = self.make_key(self.tenant)
        owned = {"events": event["id"], "subscriptions": subscription["id"], "deliveries": delivery["id"],
                 "api-keys": key["id"]}
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Stranger"))["key"])
        bodies = {"put": SUBSCRIPTION, "patch": {"name": "mine now"},
                  "revoke-secret": {"fingerprint": "0" * 8}}

        visited = 0
        for template, item in CONTRACT.document["paths"].items():
            kind = next((kind for kind in owned if f"/{kind}/{{id}}" in template), None)
            if kind is None:
                continue
            for method in item.keys() - {"parameters"}:
                for unknown in (owned[kind], str(uuid.uuid4()), "not-an-id"):
                    path = template.replace("{id}", unknown)
                    with self.subTest(method=method, path=template, id=unknown):
                        body = bodies.get(template.rsplit("/", 1)[1], bodies.get(method))
                        reply = stranger.request(method.upper(), path, body)
                        self.expect_problem(404, "NOT_FOUND", reply)
                        visited += 1
        self.assertGreaterEqual(visited, 3 * 17)
        self.assertEqual(self.subscription(subscription)["name"], "test")
        self.assertEqual(len(receiver.requests), 1)

    def test_lists_show_only_what_is_ones_own(self):
        self.subscribe(self.make_receiver())
        self.publish()
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Stranger"))["key"])

        for path in (EVENTS, SUBSCRIPTIONS, "/api/v1/webhooks/deliveries"):
            self.assertEqual(self.expect(200, stranger.get(path))["data"], [], path)
        self.assertEqual([key["name"] for key in stranger.get(KEYS).json["data"]], ["test"])
        targets = {entry["target_type"] for entry in stranger.get("/api/v1/audit-log").json["data"]}
        self.assertEqual(targets, {"api_key"})

    def test_a_filter_by_somebody_elses_subscription_finds_nothing(self):
        subscription = self.subscribe(self.make_receiver())
        self.publish()
        self.wait_for_status(subscription, "DELIVERED")
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Stranger"))["key"])

        found = stranger.get(f"/api/v1/webhooks/deliveries?subscription_id={subscription['id']}")
        self.assertEqual(self.expect(200, found)["data"], [])

    def test_events_reach_the_subscriptions_of_their_own_tenant_only(self):
        receiver = self.make_receiver()
        self.subscribe(receiver, event_types=["*"])
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Stranger"))["key"])

        self.assertEqual(self.expect(202, stranger.post(EVENTS, EVENT))["deliveries"], 0)
        mine = self.publish()
        self.assertEqual([request.header("webhook-id") for request in receiver.wait_for(1)], [mine["id"]])


if __name__ == "__main__":
    unittest.main()
