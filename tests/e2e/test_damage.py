"""A store in which something cannot be read: it is shown, and all the rest works."""
import json
import sqlite3
import time
import unittest

from harness import OwnHubCase, eventually, on_both_engines
from harness.case import path_of
from harness.endpoints import SECRET, github_headers

load_tests = on_both_engines

ENDPOINTS = "/api/v1/webhooks/endpoints"


class Damage(OwnHubCase):
    def damage(self, statement: str) -> None:
        """As a disk, or somebody's hand, would while the hub is off."""
        self.assertEqual(self.hub.stop(), 0)
        if self.engine == "postgres":
            self.hub.database.execute(statement)
        else:
            with sqlite3.connect(self.hub.data / "core.db") as store:
                store.execute(statement)
            store.close()
        self.hub.start()

    def owner(self, resource: dict) -> str:
        id = resource["id"]
        return f"'{id}'" if self.engine == "postgres" else f"x'{id.replace('-', '')}'"

    def test_a_subscription_that_cannot_be_read_harms_no_other(self):
        receiver = self.make_receiver()
        good, closed, unknown, jumbled = (self.subscribe(receiver) for _ in range(4))
        for statement in (
            f"UPDATE endpoint_secrets SET secret = 'v1.k1.AAAA' WHERE owner_id = {self.owner(closed)}",
            f"UPDATE webhook_subscriptions SET payload_format = 'HOLOGRAM' WHERE id = {self.owner(unknown)}",
            f"UPDATE webhook_subscriptions SET event_types = '[' WHERE id = {self.owner(jumbled)}",
        ):
            self.damage(statement)

        self.publish()

        self.wait_for_status(good, "DELIVERED")
        for broken in (closed, unknown):
            attempt = self.wait_for_status(broken, "RETRYING")[0]
            self.assertEqual(attempt["attempt_number"], 1)
        self.assertIsNone(self.subscription(good)["broken"])
        self.assertIn("HOLOGRAM", self.subscription(unknown)["broken"])
        self.assertIn("damaged", self.subscription(jumbled)["broken"])
        listed = self.expect(200, self.api.get("/api/v1/webhooks/subscriptions"))["data"]
        self.assertEqual([each["id"] for each in listed if each["broken"]],
                         [each["id"] for each in (jumbled, unknown, closed)])
        self.assertIn(jumbled["id"], self.hub.log_tail(1_000_000))
        self.expect_problem(409, "CONFLICT_STATE", self.api.patch(path_of(unknown), {"name": "new"}))
        self.expect(204, self.api.delete(path_of(unknown)))
        self.expect(200, self.api.patch(path_of(good), {"name": "new"}))

    def test_a_listener_that_cannot_be_read_can_be_mended_and_deleted(self):
        path = "/api/v1/listeners"
        for name in ("mended", "deleted"):
            self.expect(201, self.api.post(path, {"name": name, "event_types": ["order.*"]}))
        self.damage("UPDATE listeners SET event_types = '['")

        self.expect_problem(409, "CONFLICT_STATE", self.api.get(f"{path}/mended/stream"))
        self.assertEqual(self.expect(200, self.api.get(f"{path}/mended"))["event_types"], [])
        again = self.api.post(path, {"name": "mended", "event_types": ["order.*"]})
        self.assertEqual(self.expect(200, again)["event_types"], ["order.*"])
        self.expect(204, self.api.delete(f"{path}/deleted"))

    def test_a_tenant_that_cannot_be_read_is_suspended_and_not_written(self):
        other = self.make_tenant("Other")
        self.damage(f"UPDATE tenants SET status = 'ASLEEP' WHERE id = {self.owner(other)}")

        path = f"/api/v1/tenants/{other['id']}"
        self.assertEqual(self.expect(200, self.hub.platform.get(path))["status"], "SUSPENDED")
        self.expect_problem(409, "CONFLICT_STATE", self.hub.platform.patch(path, {"name": "new"}))

    def look(self, endpoint: dict) -> dict:
        return self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))

    def test_a_pattern_that_cannot_be_compiled_holds_up_neither_the_start_nor_the_others(self):
        """As an earlier version kept it, which took half a minute for each start."""
        huge = "https://" + "[a-z]{0,500}" * 60
        scheme = json.dumps({"kind": "pk", "alg": "rsa-sha256", "sig": "header:x-sig",
                             "key": {"cert": "header:x-cert", "pattern": huge}})
        settings = {"signature_scheme": "github", "secret_key": SECRET}
        good, slow = (self.expect(201, self.api.post(ENDPOINTS, settings | {"endpoint_path": path}))
                      for path in ("good", "slow"))
        begun = time.monotonic()
        self.damage(f"UPDATE webhook_endpoints SET signature_scheme = '{scheme}'"
                    f" WHERE id = {self.owner(slow)}")
        self.assertLess(time.monotonic() - begun, 10)

        path = f"/webhooks/{self.tenant['slug']}"
        body = b"{}"
        self.expect(503, self.hub.api.post(f"{path}/slow", raw=body,
                                           headers={"x-sig": "AAAA", "x-cert": "https://a"}))
        self.expect(200, self.hub.api.post(f"{path}/good", raw=body, headers=github_headers(body)))

    def test_what_is_sent_to_an_endpoint_that_cannot_be_read_is_to_come_again(self):
        self.subscribe(self.make_receiver())
        settings = {"signature_scheme": "bearer_token", "secret_key": "sesame-open-please"}
        good, closed, jumbled = (
            self.expect(201, self.api.post(ENDPOINTS, settings | {"endpoint_path": path}))
            for path in ("good", "closed", "jumbled"))
        self.damage("UPDATE endpoint_secrets SET secret = 'v1.k9.AAAA'"
                    f" WHERE owner_id = {self.owner(closed)}")
        self.damage(f"UPDATE webhook_endpoints SET signature_scheme = '{{' WHERE id = {self.owner(jumbled)}")

        def send(endpoint: dict):
            return self.hub.api.post(f"/webhooks/{self.tenant['slug']}/{endpoint['endpoint_path']}?token=x",
                                     {"n": 1}, headers={"Authorization": "Bearer sesame-open-please"})
        self.expect(200, send(good))
        for broken in (closed, jumbled):
            self.expect_problem(503, "UNAVAILABLE", send(broken))
        self.assertIn("k9", self.look(closed)["broken"])
        eventually(lambda: self.look(closed)["refused"] == {"endpoint_broken": 1}, "the refusal is counted")
        kept = self.expect(200, self.api.get(f"{ENDPOINTS}/{closed['id']}/refused"))["data"][0]
        self.assertEqual((kept["target"], kept["headers"], kept["body"]),
                         (f"/webhooks/{self.tenant['slug']}/closed", [], None))
        listed = self.expect(200, self.api.get(ENDPOINTS))["data"]
        self.assertEqual({each["endpoint_path"]: bool(each["broken"]) for each in listed},
                         {"good": False, "closed": True, "jumbled": True})
        self.expect_problem(409, "CONFLICT_STATE",
                            self.api.patch(f"{ENDPOINTS}/{closed['id']}", {"name": "new"}))
        self.expect(204, self.api.delete(f"{ENDPOINTS}/{jumbled['id']}"))


if __name__ == "__main__":
    unittest.main()
