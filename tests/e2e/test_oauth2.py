"""OAUTH2: deliveries carry a token that a token endpoint of the test grants."""
import json
import unittest
from urllib.parse import parse_qs

from harness import HubCase, eventually, on_both_engines
from harness.receiver import answer, slow

load_tests = on_both_engines

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"


def grant(token: str, **members):
    return answer(200, json.dumps({"access_token": token, "token_type": "Bearer"} | members).encode())


class OAuth2(HubCase):
    def setUp(self) -> None:
        super().setUp()
        self.tokens = self.make_receiver(grant("last", expires_in=3600))
        self.receiver = self.make_receiver()

    def subscribed(self, **settings) -> dict:
        config = {"token_url": self.tokens.url, "client_id": "crossdock", "client_secret": "s3cret-of-ours"}
        return self.subscribe(self.receiver, auth_type="OAUTH2",
                              auth_config=config | settings.pop("config", {}), **settings)

    def authorizations(self, count: int) -> list[str]:
        return [request.header("authorization") for request in self.receiver.wait_for(count)]

    def test_many_deliveries_at_once_share_one_token(self):
        self.tokens.script(slow(0.3, grant("one", expires_in=3600)))
        self.subscribed(config={"scope": "orders", "auth_style": "BODY"})

        events = [{"type": "order.created", "data": n} for n in range(50)]
        self.expect(202, self.api.post("/api/v1/events/batch", {"events": events}))

        self.assertEqual(set(self.authorizations(50)), {"Bearer one"})
        self.assertEqual(len(self.tokens.requests), 1)
        self.assertEqual(parse_qs(self.tokens.requests[0].body.decode()), {
            "grant_type": ["client_credentials"], "scope": ["orders"], "client_id": ["crossdock"],
            "client_secret": ["s3cret-of-ours"]})

    def test_a_token_that_the_receiver_refuses_is_replaced_for_the_next_attempt(self):
        self.tokens.script(grant("one"), grant("two"))
        self.receiver.script(answer(401))
        self.subscribed(retry_intervals=[1])
        self.publish()

        self.assertEqual(self.authorizations(2), ["Bearer one", "Bearer two"])

    def test_where_no_token_is_to_be_had_the_attempt_fails_and_is_tried_again(self):
        self.tokens.script(answer(401, b'{"error":"invalid_client"}'), answer(200, b"<html>"))
        subscription = self.subscribed(retry_intervals=[1])
        self.publish()

        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        attempts = self.expect(200,
                               self.api.get(f"/api/v1/webhooks/deliveries/{delivery['id']}/attempts"))["data"]
        self.assertEqual([each["error_class"] for each in attempts], ["OAUTH2_TOKEN", "OAUTH2_TOKEN", None])
        self.assertIn("invalid_client", attempts[0]["error_message"])
        self.assertEqual(self.authorizations(1), ["Bearer last"])

    def test_neither_token_nor_secret_is_shown(self):
        subscription = self.subscribed()
        self.tokens.script(grant("t0ken-of-ours"))
        self.publish()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"

        headers = eventually(lambda: self.expect(200, self.api.get(path))["request_headers"], "the wire log")
        self.assertEqual(headers["Authorization"], "***")
        for reply in (self.api.get(path), self.api.get(f"{path}/attempts"), self.api.get(SUBSCRIPTIONS),
                      self.api.get("/api/v1/audit-log")):
            self.assertNotIn(b"t0ken", reply.content)
            self.assertNotIn(b"s3cret", reply.content)
        self.assertNotIn("t0ken", self.hub.log_tail(1 << 20))

    def test_what_a_config_needs_is_said(self):
        good = {"token_url": "https://id.example/token", "client_id": "i", "client_secret": "s"}
        for change, pointers in (
                ({"token_url": None}, {"#/auth_config/token_url": "REQUIRED"}),
                ({"token_url": "id.example"}, {"#/auth_config/token_url": "INVALID"}),
                ({"token_url": "http://10.0.0.1/"}, {"#/auth_config/token_url": "SSRF_BLOCKED"}),
                ({"client_id": None, "client_secret": ""}, {"#/auth_config/client_id": "REQUIRED",
                                                            "#/auth_config/client_secret": "REQUIRED"}),
                ({"auth_style": "HEADER"}, {"#/auth_config/auth_style": "INVALID"}),
                ({"grant": "x"}, {"#/auth_config/grant": "UNKNOWN_MEMBER"})):
            with self.subTest(change=change):
                reply = self.api.post(SUBSCRIPTIONS, {
                    "name": "x", "url": "https://receiver.example/", "event_types": ["*"],
                    "auth_type": "OAUTH2", "auth_config": good | change})
                self.expect_problem(422, "VALIDATION_FAILED", reply)
                self.assertEqual(reply.pointers, pointers)


if __name__ == "__main__":
    unittest.main()
