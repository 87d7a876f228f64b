"""Replays to another URL than the subscription's: what of its credentials goes along, and for whom."""
import unittest

from harness import HubCase, on_both_engines
from harness.case import path_of
from harness.receiver import Receiver, answer
from harness.signature import is_signed_with

load_tests = on_both_engines

DELIVERIES = "/api/v1/webhooks/deliveries"
OF_SUBSCRIPTION = ("webhook-signature", "authorization", "x-api-key", "x-shop")


class Elsewhere(HubCase):
    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.make_receiver(answer(503))
        self.elsewhere = self.make_receiver()
        self.subscribed = self.subscribe(
            self.receiver, max_retries=0, auth_type="BASIC",
            auth_config={"username": "user", "password": "s3cret"},
            headers={"X-Api-Key": "k3y", "X-Shop": "north"})
        self.event = self.publish()
        self.failed = self.wait_for_status(self.subscribed, "FAILED")[0]
        operator = self.make_key(self.tenant, role="operator")
        self.operator = self.hub.api.as_key(operator["key"])

    def expect_bare(self, receiver: Receiver) -> None:
        request = receiver.wait_for(1)[0]
        self.assertEqual(request.header("webhook-id"), self.event["id"])
        self.assertEqual(request.json["data"], {"id": 42})
        self.assertEqual({name: request.header(name) for name in OF_SUBSCRIPTION},
                         dict.fromkeys(OF_SUBSCRIPTION))

    def test_whoever_may_only_replay_sends_no_credentials_to_another_origin(self):
        path = f"{DELIVERIES}/{self.failed['id']}/replay"
        self.expect(202, self.operator.post(path, {"url": self.elsewhere.url}))

        self.expect_bare(self.elsewhere)

    def test_neither_in_bulk(self):
        for path, body in (
            (f"{DELIVERIES}/replay", {"filter": {"delivery_ids": [self.failed["id"]]}}),
            (f"{path_of(self.subscribed)}/replay", {"filter": {"delivery_ids": [self.failed["id"]]}}),
        ):
            with self.subTest(path=path):
                elsewhere = self.make_receiver()
                self.expect(202, self.operator.post(path, body | {"url": elsewhere.url}))
                self.expect_bare(elsewhere)

    def test_nor_where_events_are_recovered(self):
        body = {"since": "2020-01-01T00:00:00Z", "url": self.elsewhere.url}
        self.expect(202, self.operator.post(f"{path_of(self.subscribed)}/recover", body))

        self.expect_bare(self.elsewhere)

    def test_to_the_subscriptions_origin_everything_goes(self):
        self.receiver.default = answer()
        path = f"{DELIVERIES}/{self.failed['id']}/replay"
        self.expect(202, self.operator.post(path, {"url": f"{self.receiver.url}another/path"}))

        request = self.receiver.wait_for(2)[1]
        self.assertTrue(is_signed_with(self.subscribed["secret_key"], request))
        self.assertEqual((request.header("x-api-key"), request.header("x-shop")), ("k3y", "north"))
        self.assertTrue(request.header("authorization").startswith("Basic "))

    def test_whoever_may_change_the_subscription_may_send_them_anywhere(self):
        path = f"{DELIVERIES}/{self.failed['id']}/replay"
        self.expect(202, self.api.post(path, {"url": self.elsewhere.url}))

        request = self.elsewhere.wait_for(1)[0]
        self.assertTrue(is_signed_with(self.subscribed["secret_key"], request))
        self.assertEqual(request.header("x-api-key"), "k3y")

    def test_what_happens_elsewhere_says_nothing_of_the_subscription(self):
        before = self.subscription(self.subscribed)
        self.elsewhere.default = answer(410)
        path = f"{DELIVERIES}/{self.failed['id']}/replay"
        self.expect(202, self.operator.post(path, {"url": self.elsewhere.url}))
        self.wait_for_status(self.subscribed, "FAILED", 2)

        after = self.subscription(self.subscribed)
        self.assertTrue(after["is_enabled"])
        self.assertEqual(after["consecutive_failures"], before["consecutive_failures"])


if __name__ == "__main__":
    unittest.main()
