"""What receivers get: signatures, payloads, credentials, headers; and that it reaches all of them."""
import base64
import hashlib
import hmac
import unittest

from harness import HubCase, Request, eventually, on_both_engines
from harness.contract import CONTRACT
from harness.signature import is_signed_with, signatures

load_tests = on_both_engines

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Deliveries(HubCase):
    def delivered(self, event: dict | None = None, **settings) -> tuple[dict, Request]:
        """A subscription, and what its receiver got of one event."""
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, **settings)
        self.publish(**(event or {}))
        return subscription, receiver.wait_for(1)[0]

    def test_a_delivery_is_signed_with_the_subscriptions_secret(self):
        subscription, request = self.delivered()

        self.assertTrue(is_signed_with(subscription["secret_key"], request))
        self.assertEqual(len(signatures(request)), 1)
        self.assertFalse(is_signed_with("whsec_" + base64.b64encode(b"x" * 32).decode(), request))

    def test_the_standard_payload(self):
        receiver = self.make_receiver()
        self.subscribe(receiver)
        published = self.publish(type="order.paid", data={"id": 42, "total": "19.90"},
                                 changes={"status": {"old": "open", "new": "paid"}},
                                 occurred_at="2025-08-19T09:30:00Z")

        request = receiver.wait_for(1)[0]
        self.assertEqual(request.json, {
            "id": published["id"], "type": "order.paid", "timestamp": "2025-08-19T09:30:00.000Z",
            "tenant_id": self.tenant["id"], "data": {"id": 42, "total": "19.90"},
            "changes": {"status": {"old": "open", "new": "paid"}}})
        CONTRACT.check_delivery(request.json)
        self.assertEqual((request.method, request.path), ("POST", "/hook"))
        self.assertEqual(request.header("webhook-id"), published["id"])
        self.assertEqual(request.header("content-type"), "application/json")
        self.assertRegex(request.header("user-agent"), r"^Crossdock/\d+\.\d+\.\d+$")
        self.assertIsNone(request.header("traceparent"))

    def test_the_entity_payload_names_what_the_event_is_about(self):
        tenant = {"id": self.tenant["id"], "name": "Acme"}
        for event, member in (
            ({"type": "order.paid"}, "order"),
            ({"type": "ORDER_PAID", "subject": None}, "ORDER"),
            ({"type": "order.paid", "subject": "invoice/7"}, "invoice"),
            ({"type": "tenant.moved"}, "data"),
        ):
            with self.subTest(event=event):
                pattern = [event["type"]]
                _, request = self.delivered(event | {"occurred_at": "2025-08-19T09:30:00Z"},
                                            payload_format="ENTITY", event_types=pattern)
                self.assertEqual(
                    request.json,
                    {
                        "event_type": event["type"],
                        "timestamp": "2025-08-19T09:30:00.000Z",
                        "tenant": tenant,
                        member: {"id": 42},
                    },
                )
                CONTRACT.check_delivery(request.json)

    def test_the_bytes_of_the_data_are_those_that_were_published(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        text = '{"z" : 1.500,  "a":"\\u00e9 é \\/ 😀", "n":123456789012345678901234567890}'.encode()
        self.expect(202, self.api.post("/api/v1/events", raw=b'{"type":"order.x","data":%s}' % text))

        request = receiver.wait_for(1)[0]
        self.assertIn(b'"data":' + text, request.body)
        self.assertTrue(is_signed_with(subscription["secret_key"], request))

    def test_while_a_secret_is_rotated_both_sign(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        old = subscription["secret_key"]
        rotated = self.act(subscription, "rotate-secret")
        new = rotated["secret_key"]
        self.assertNotEqual(old, new)
        self.assertEqual(
            [secret["valid_until"] is None for secret in rotated["signing_secrets"]], [True, False]
        )

        self.publish()
        request = receiver.wait_for(1)[0]
        self.assertEqual(len(signatures(request)), 2)
        self.assertTrue(is_signed_with(old, request))
        self.assertTrue(is_signed_with(new, request))

    def test_after_the_overlap_only_the_new_secret_signs(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        old = subscription["secret_key"]
        new = self.act(subscription, "rotate-secret", {"overlap_seconds": 1})["secret_key"]
        newest = self.act(subscription, "rotate-secret", {"overlap_seconds": 1})["secret_key"]

        def next_request() -> Request:
            identifier = self.publish()["id"]
            arrived = lambda each: each.header("webhook-id") == identifier
            return eventually(lambda: next(filter(arrived, receiver.requests), None), "the delivery")

        request = next_request()
        while len(signatures(request)) > 1:
            request = next_request()
        self.assertTrue(is_signed_with(newest, request))
        self.assertFalse(is_signed_with(old, request) or is_signed_with(new, request))

    def test_basic_authentication_arrives(self):
        _, request = self.delivered(
            auth_type="BASIC", auth_config={"username": "crossdock", "password": "p:w ü"}
        )

        expected = base64.b64encode("crossdock:p:w ü".encode()).decode()
        self.assertEqual(request.header("authorization"), f"Basic {expected}")

    def test_an_api_key_arrives_in_its_header(self):
        _, usual = self.delivered(auth_type="API_KEY", auth_config={"value": "s3cret value"})
        _, named = self.delivered(
            auth_type="API_KEY", auth_config={"header": "Authorization", "value": "Token s3cret"}
        )

        self.assertEqual(usual.header("x-api-key"), "s3cret value")
        self.assertEqual(named.header("authorization"), "Token s3cret")

    def test_a_plain_hmac_arrives_in_its_header(self):
        config = {"header": "X-Hub-Signature-256", "prefix": "sha256=", "secret": "shared"}
        _, like_github = self.delivered(auth_type="HMAC", auth_config=config)
        _, in_base64 = self.delivered(auth_type="HMAC", auth_config={"secret": "s", "algorithm": "sha512",
                                                                     "encoding": "base64"})
        subscription, own_secret = self.delivered(auth_type="HMAC", auth_config={})

        expected = "sha256=" + hmac.new(b"shared", like_github.body, hashlib.sha256).hexdigest()
        self.assertEqual(like_github.header("x-hub-signature-256"), expected)
        expected = base64.b64encode(hmac.digest(b"s", in_base64.body, hashlib.sha512)).decode()
        self.assertEqual(in_base64.header("x-signature"), expected)
        expected = hmac.new(subscription["secret_key"].encode(), own_secret.body, hashlib.sha256).hexdigest()
        self.assertEqual(own_secret.header("x-signature"), expected)

    def test_custom_headers_arrive_once_each(self):
        headers = {"X-Env": "staging", "X-Team": "a, b; c=\"d\"", "x-lower": "two  blanks"}
        _, request = self.delivered(headers=headers)

        names = [name for name, _ in request.headers]
        self.assertEqual(request.header("x-env"), "staging")
        self.assertEqual(request.header("x-team"), 'a, b; c="d"')
        self.assertEqual(request.header("x-lower"), "two  blanks")
        self.assertEqual(len(names), len(set(names)), names)

    def test_a_trace_goes_on_at_the_receiver(self):
        receiver = self.make_receiver()
        self.subscribe(receiver)
        for sent in (TRACE, "00-nonsense-01"):
            event = {"type": "order.created", "data": {}}
            self.expect(202, self.api.post("/api/v1/events", event, headers={"traceparent": sent}))

        arrived = {request.header("traceparent") for request in receiver.wait_for(2)}
        self.assertEqual(arrived, {TRACE, None})

    def test_the_order_of_publishing_is_kept_for_a_receiver_that_is_well(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        published = [self.publish(data=n)["id"] for n in range(20)]
        self.act(subscription, "resume")

        arrived = [request.header("webhook-id") for request in receiver.wait_for(20)]
        self.assertEqual(sorted(arrived), sorted(published))
        # Two at a time is how a lane begins, so neighbours may change places.
        self.assertLessEqual(max(abs(arrived.index(id) - n) for n, id in enumerate(published)), 8)


class FanOut(HubCase):
    def test_an_event_with_more_than_64_subscriptions_reaches_each_of_them_once(self):
        receiver = self.make_receiver()
        subscriptions = [self.subscribe(receiver, headers={"X-Number": str(n)}) for n in range(70)]

        self.assertEqual(self.publish()["deliveries"], 70)
        receiver.wait_for(70)
        event = self.expect(200, self.api.get("/api/v1/events"))["data"][0]
        found = eventually(
            lambda: [each for each in self.api.get(f"/api/v1/events/{event['id']}").json["deliveries"]
                     if each["status"] == "DELIVERED"][69:] and
            self.api.get(f"/api/v1/events/{event['id']}").json["deliveries"], "70 deliveries")
        self.assertEqual(
            sorted(each["subscription_id"] for each in found), sorted(s["id"] for s in subscriptions)
        )
        self.assertEqual(
            sorted(int(request.header("x-number")) for request in receiver.requests), list(range(70))
        )
        self.assertEqual(event["deliveries_total"], 70)


class Egress(HubCase):
    settings = {"CROSSDOCK_EGRESS_ALLOW": ""}

    def test_an_address_of_this_machine_is_refused_when_it_is_saved(self):
        for host in (
            "127.0.0.1",
            "localhost",
            "LOCALHOST.",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "a.localhost",
        ):
            with self.subTest(host=host):
                wanted = {"name": "inside", "url": f"http://{host}:80/", "event_types": ["*"]}
                reply = self.api.post("/api/v1/webhooks/subscriptions", wanted)
                self.expect_problem(422, "VALIDATION_FAILED", reply)
                self.assertEqual(reply.pointers, {"#/url": "SSRF_BLOCKED"})


if __name__ == "__main__":
    unittest.main()
