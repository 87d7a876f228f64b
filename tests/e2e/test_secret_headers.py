"""Headers of a subscription that are secrets: sent, and shown to nobody."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of

load_tests = on_both_engines

SECRETS = {"Authorization": "Bearer v3ry-s3cret", "X-Shop-Proof": "s3cret-too"}
HEADERS = SECRETS | {"X-Env": "test"}
SHOWN = {"Authorization": "***", "X-Shop-Proof": "***", "X-Env": "test"}


class SecretHeaders(HubCase):
    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.make_receiver()
        self.made = self.subscribe(self.receiver, headers=HEADERS, secret_headers=["x-shop-proof"])
        self.path = path_of(self.made)

    def expect_sent(self, headers: dict[str, str]) -> None:
        seen = len(self.receiver.requests)
        self.publish()
        request = self.receiver.wait_for(seen + 1)[seen]
        self.assertEqual({name: request.header(name) for name in headers}, headers)

    def expect_hidden(self, text: bytes) -> None:
        for value in SECRETS.values():
            self.assertNotIn(value.encode(), text)

    def test_they_are_sent_and_shown_nowhere(self):
        self.assertEqual((self.made["headers"], self.made["secret_headers"]), (SHOWN, ["x-shop-proof"]))
        self.expect_sent(HEADERS)
        delivery = self.wait_for_status(self.made, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"
        detail = eventually(lambda: (found := self.api.get(path).json)["request_headers"] and found,
                            "the log")
        self.assertEqual({name: detail["request_headers"][name] for name in SHOWN}, SHOWN)
        self.expect(200, self.api.patch(self.path, {"name": "renamed"}))

        viewer = self.hub.api.as_key(self.make_key(self.tenant, role="viewer")["key"])
        auditor = self.hub.api.as_key(self.make_key(self.tenant, role="auditor")["key"])
        for api, at in ((viewer, self.path), (viewer, "/api/v1/webhooks/subscriptions"),
                        (self.api, self.path),
                        (auditor, "/api/v1/audit-log"), (viewer, f"{path}/attempts")):
            reply = api.get(at)
            self.assertEqual(reply.status, 200)
            self.expect_hidden(reply.content)

    def test_what_was_read_can_be_sent_back(self):
        read = self.subscription(self.made)
        changed = {name: read[name] for name in ("name", "url", "event_types", "headers", "secret_headers")}
        self.assertEqual(self.expect(200, self.api.put(self.path, changed))["headers"], SHOWN)
        self.expect_sent(HEADERS)

        self.expect(200, self.api.patch(self.path, {"headers": {"authorization": "***", "X-Env": "live"}}))
        self.expect_sent({"Authorization": SECRETS["Authorization"], "X-Env": "live"})

    def test_a_secret_becomes_readable_only_with_a_new_value(self):
        for body in ({"secret_headers": []}, {"secret_headers": None},
                     {"secret_headers": [], "headers": {"X-Shop-Proof": "***"}}):
            reply = self.api.patch(self.path, body)
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, {"#/secret_headers": "INVALID"})

        plain = self.api.patch(self.path, {"secret_headers": [], "headers": {"X-Shop-Proof": "open"}})
        self.assertEqual(self.expect(200, plain)["headers"], {"X-Shop-Proof": "open"})

    def test_a_header_becomes_a_secret_when_it_is_named(self):
        named = self.api.patch(self.path, {"secret_headers": ["X-Shop-Proof", "X-Env"]})
        self.assertEqual(self.expect(200, named)["headers"], dict.fromkeys(SHOWN, "***"))
        self.expect_sent(HEADERS)

    def test_mistakes_are_named(self):
        for body, pointers in (
            ({"headers": {"X-New-Token": "***"}}, {"#/headers/X-New-Token": "INVALID"}),
            ({"secret_headers": ["X-Absent"]}, {"#/secret_headers": "INVALID"}),
            ({"secret_headers": "X-Env"}, {"#/secret_headers": "WRONG_TYPE"}),
        ):
            reply = self.api.patch(self.path, body)
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, pointers)

    def test_one_that_goes_is_named_no_longer(self):
        gone = self.api.patch(self.path, {"headers": {"Authorization": "***"}})
        self.assertEqual(self.expect(200, gone)["secret_headers"], [])


if __name__ == "__main__":
    unittest.main()
