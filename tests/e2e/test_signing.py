"""Signing schemes, payload formats and secrets: what is sent, what may be changed, what is refused."""
import base64
import hashlib
import hmac
import json
import unittest
from urllib.parse import parse_qsl

from harness import HubCase, Request, eventually, on_both_engines
from harness.case import path_of
from harness.contract import CONTRACT
from harness.signature import is_signed_with, sign, signatures

load_tests = on_both_engines

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
MINIMAL = {"name": "Orders", "url": "https://receiver.example/hooks", "event_types": ["order.*"]}
PRIVATE_KEY = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
OWN_SECRET = "a-secret-of-our-own"
FORM = "application/x-www-form-urlencoded"


def mac(secret: str, content: bytes, algorithm=hashlib.sha256) -> bytes:
    return hmac.digest(secret.encode(), content, algorithm)


def fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class SigningCase(HubCase):
    def delivered(self, event: dict | None = None, **settings) -> tuple[dict, Request]:
        """A subscription with these settings, and what an event brought to its receiver."""
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, **settings)
        self.publish(**(event or {}))
        return subscription, receiver.wait_for(1)[0]

    def refused(self, **members) -> dict[str, str]:
        reply = self.api.post(SUBSCRIPTIONS, MINIMAL | members)
        self.expect_problem(422, "VALIDATION_FAILED", reply)
        return reply.pointers

    def create(self, **members) -> dict:
        return self.expect(201, self.api.post(SUBSCRIPTIONS, MINIMAL | members))


class Schemes(SigningCase):
    def test_id_and_time_are_sent_under_every_scheme_and_its_own_signature_alone(self):
        config = {"header": "X-Shop-Signature"}
        for scheme, signature in (("STANDARD", "webhook-signature"), ("STANDARD_V1A", "webhook-signature"),
                                  ("GITHUB", "x-hub-signature-256"), ("STRIPE", "stripe-signature"),
                                  ("HMAC_HEADER", "x-shop-signature")):
            with self.subTest(scheme=scheme):
                _, request = self.delivered(
                    signing_scheme=scheme, signing_config=config if scheme == "HMAC_HEADER" else None)
                names = [name for name, _ in request.headers]
                self.assertEqual(names.count("webhook-id"), 1)
                self.assertEqual(names.count("webhook-timestamp"), 1)
                found = [name for name in names if "signature" in name]
                self.assertEqual(found, [signature])

    def test_github_signs_the_body_with_the_secret_as_it_is(self):
        subscription, request = self.delivered(signing_scheme="GITHUB", secret_key=OWN_SECRET)

        self.assertEqual(request.header("x-hub-signature-256"),
                         "sha256=" + mac(OWN_SECRET, request.body).hex())
        self.assertEqual(request.header("x-github-event"), "order.created")
        self.assertEqual(request.header("x-github-delivery"), request.header("webhook-id"))
        self.assertEqual(subscription["secret_key"], OWN_SECRET)

    def test_a_header_is_signed_as_its_config_says(self):
        config = {"header": "X-Sig", "algorithm": "sha512", "encoding": "base64", "prefix": "v0=",
                  "content": "v0:{timestamp}:{id}:{body}", "timestamp_header": "X-Time", "id_header": "X-Id"}
        subscription, request = self.delivered(signing_scheme="HMAC_HEADER", signing_config=config)

        identifier, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
        content = f"v0:{timestamp}:{identifier}:".encode() + request.body
        expected = base64.b64encode(mac(subscription["secret_key"], content, hashlib.sha512)).decode()
        self.assertEqual(request.header("x-sig"), "v0=" + expected)
        self.assertEqual((request.header("x-time"), request.header("x-id")), (timestamp, identifier))
        self.assertEqual(self.subscription(subscription)["signing_config"], config)

    def test_the_public_key_of_v1a_is_shown_and_the_private_one_only_once(self):
        made = self.create(signing_scheme="STANDARD_V1A", secret_key=PRIVATE_KEY)

        self.assertEqual(made["signing_secrets"][0]["public_key"], PUBLIC_KEY)
        read = self.api.get(path_of(made))
        self.assertEqual(read.json["signing_secrets"][0]["public_key"], PUBLIC_KEY)
        self.assertNotIn(PRIVATE_KEY.encode(), read.content)
        self.assertIsNone(self.create()["signing_secrets"][0]["public_key"])
        self.assertRegex(self.create(signing_scheme="STANDARD_V1A")["secret_key"], "^whsk_")

    def test_secrets_have_the_shape_of_their_scheme(self):
        shared = "whsec_" + base64.b64encode(b"k" * 32).decode()
        header = {"header": "X-Sig"}
        for scheme, good, bad in (
                ("STANDARD", [shared], [PRIVATE_KEY, OWN_SECRET]),
                ("STANDARD_V1A", [PRIVATE_KEY], [shared, OWN_SECRET, PUBLIC_KEY, PRIVATE_KEY[:-4] + "AAA="]),
                ("GITHUB", [shared, OWN_SECRET, "x" * 200],
                 [PRIVATE_KEY, "x" * 15, "x" * 10 + " " + "x" * 10]),
                ("STRIPE", [shared, OWN_SECRET], [PRIVATE_KEY, "ü" * 20]),
                ("HMAC_HEADER", [shared, OWN_SECRET], [PRIVATE_KEY, "short"])):
            config = header if scheme == "HMAC_HEADER" else None
            for secret in good:
                with self.subTest(scheme=scheme, good=secret):
                    made = self.create(signing_scheme=scheme, signing_config=config, secret_key=secret)
                    self.assertEqual(made["secret_key"], secret)
            for secret in bad:
                with self.subTest(scheme=scheme, bad=secret):
                    wrong = self.refused(signing_scheme=scheme, signing_config=config, secret_key=secret)
                    self.assertEqual(wrong, {"#/secret_key": "INVALID"})

    def test_every_mistake_in_a_config_is_named(self):
        wrong = {"header": "X A", "algorithm": "md5", "encoding": "hex32", "prefix": " v=",
                 "content": "{url}", "timestamp_header": "webhook-timestamp", "id_header": "Host", "extra": 1}
        self.assertEqual(self.refused(signing_scheme="HMAC_HEADER", signing_config=wrong), {
            "#/signing_config/header": "INVALID",
            "#/signing_config/algorithm": "INVALID",
            "#/signing_config/encoding": "INVALID",
            "#/signing_config/prefix": "INVALID",
            "#/signing_config/content": "INVALID",
            "#/signing_config/timestamp_header": "INVALID",
            "#/signing_config/id_header": "INVALID",
            "#/signing_config/extra": "UNKNOWN_MEMBER",
        })
        for scheme, config, pointers in (
                ("HMAC_HEADER", None, {"#/signing_config": "REQUIRED"}),
                ("HMAC_HEADER", {}, {"#/signing_config/header": "REQUIRED"}),
                ("HMAC_HEADER", {"header": "X-A", "id_header": "x-a"},
                 {"#/signing_config/id_header": "INVALID"}),
                ("GITHUB", {"header": "X-A"}, {"#/signing_config": "INVALID"}),
                ("HAWK", None, {"#/signing_scheme": "INVALID"})):
            with self.subTest(scheme=scheme, config=config):
                self.assertEqual(self.refused(signing_scheme=scheme, signing_config=config), pointers)

    def test_nobody_else_may_set_the_headers_of_a_scheme(self):
        self.assertEqual(self.refused(signing_scheme="GITHUB", headers={"X-GitHub-Event": "push"}),
                         {"#/headers/X-GitHub-Event": "RESERVED"})
        self.assertEqual(self.refused(payload_format="CLOUDEVENTS_BINARY", headers={"CE-Id": "1"}),
                         {"#/headers/CE-Id": "RESERVED"})
        self.assertEqual(
            self.refused(signing_scheme="HMAC_HEADER", signing_config={"header": "Authorization"},
                         auth_type="BASIC", auth_config={"username": "a", "password": "b"}),
            {"#/signing_scheme": "INVALID"})
        self.create(headers={"X-GitHub-Event": "push", "ce-id": "1"})


class Secrets(SigningCase):
    def rotate(self, subscription: dict, **body) -> dict:
        return self.act(subscription, "rotate-secret", body)

    def test_another_scheme_is_taken_where_the_secrets_fit(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        secret = subscription["secret_key"]

        self.expect(200, self.api.patch(path_of(subscription), {"signing_scheme": "GITHUB"}))

        self.publish()
        request = receiver.wait_for(1)[0]
        self.assertEqual(request.header("x-hub-signature-256"), "sha256=" + mac(secret, request.body).hex())
        self.expect(200, self.api.patch(path_of(subscription), {"signing_scheme": None}))
        self.publish()
        self.assertTrue(is_signed_with(secret, receiver.wait_for(2)[1]))

    def test_a_scheme_without_a_config_forgets_the_one_there_was(self):
        subscription = self.create(signing_scheme="HMAC_HEADER", signing_config={"header": "X-Sig"})

        changed = self.expect(200, self.api.patch(path_of(subscription), {"signing_scheme": "STRIPE"}))

        self.assertIsNone(changed["signing_config"])
        reply = self.api.patch(path_of(subscription), {"signing_scheme": "HMAC_HEADER"})
        self.assertEqual(reply.pointers, {"#/signing_config": "REQUIRED"})

    def test_another_scheme_is_refused_while_a_secret_does_not_fit(self):
        subscription = self.create(signing_scheme="GITHUB", secret_key=OWN_SECRET)
        path = path_of(subscription)
        for scheme in ("STANDARD", "STANDARD_V1A"):
            reply = self.api.patch(path, {"signing_scheme": scheme})
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, {"#/signing_scheme": "INVALID"})
        shared = "whsec_" + base64.b64encode(b"k" * 32).decode()
        self.rotate(subscription, secret_key=shared)
        reply = self.api.patch(path, {"signing_scheme": "STANDARD"})
        self.assertEqual(reply.pointers, {"#/signing_scheme": "INVALID"}, "the old one still signs")

        self.act(subscription, "revoke-secret", {"fingerprint": fingerprint(OWN_SECRET)})
        self.expect(200, self.api.patch(path, {"signing_scheme": "STANDARD"}))

    def test_a_rotation_changes_scheme_and_secret_in_one_step(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        old = subscription["secret_key"]

        rotated = self.rotate(subscription, signing_scheme="STANDARD_V1A", secret_key=PRIVATE_KEY)

        self.assertEqual(rotated["signing_scheme"], "STANDARD_V1A")
        self.assertEqual([each["public_key"] for each in rotated["signing_secrets"]], [PUBLIC_KEY, None])
        self.publish()
        request = receiver.wait_for(1)[0]
        self.assertEqual([each.split(",")[0] for each in signatures(request)], ["v1a", "v1"])
        self.assertTrue(is_signed_with(old, request))

        other = self.rotate(subscription, signing_scheme="HMAC_HEADER", signing_config={"header": "X-Sig"})
        self.assertEqual(len(other["signing_secrets"]), 2, "the whsec_ one fits, the private key does not")
        self.publish()
        request = receiver.wait_for(2)[1]
        self.assertEqual(request.header("x-sig"), mac(other["secret_key"], request.body).hex())

    def test_a_rotation_takes_a_secret_of_ones_own_once(self):
        subscription = self.create(signing_scheme="STRIPE")
        self.assertEqual(self.rotate(subscription, secret_key=OWN_SECRET)["secret_key"], OWN_SECRET)

        for body, pointers in (
                ({"secret_key": OWN_SECRET}, {"#/secret_key": "INVALID"}),
                ({"secret_key": "short"}, {"#/secret_key": "INVALID"}),
                ({"signing_scheme": "HMAC_HEADER"}, {"#/signing_config": "REQUIRED"}),
                ({"signing_scheme": "STANDARD", "secret_key": OWN_SECRET}, {"#/secret_key": "INVALID"}),
                ({"secret": "x"}, {"#/secret": "UNKNOWN_MEMBER"})):
            with self.subTest(body=body):
                reply = self.api.post(f"{path_of(subscription)}/rotate-secret", body)
                self.expect_problem(422, "VALIDATION_FAILED", reply)
                self.assertEqual(reply.pointers, pointers)
        self.assertEqual(self.subscription(subscription)["signing_scheme"], "STRIPE")

    def test_stripe_signs_with_all_that_are_valid_and_github_with_the_newest(self):
        for scheme in ("STRIPE", "GITHUB"):
            with self.subTest(scheme=scheme):
                receiver = self.make_receiver()
                subscription = self.subscribe(receiver, signing_scheme=scheme, secret_key=OWN_SECRET)
                new = self.rotate(subscription)["secret_key"]
                self.publish()
                request = receiver.wait_for(1)[0]
                if scheme == "GITHUB":
                    self.assertEqual(request.header("x-hub-signature-256"),
                                     "sha256=" + mac(new, request.body).hex())
                    continue
                content = request.header("webhook-timestamp").encode() + b"." + request.body
                self.assertEqual(
                    request.header("stripe-signature"),
                    f"t={request.header('webhook-timestamp')},v1={mac(new, content).hex()}"
                    f",v1={mac(OWN_SECRET, content).hex()}")

    def test_a_previous_secret_is_revoked_at_once_and_the_current_one_never(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        old = subscription["secret_key"]
        new = self.rotate(subscription)["secret_key"]

        revoked = self.act(subscription, "revoke-secret", {"fingerprint": fingerprint(old)})

        self.assertEqual([each["fingerprint"] for each in revoked["signing_secrets"]], [fingerprint(new)])
        self.assertNotIn("secret_key", revoked)
        self.publish()
        request = receiver.wait_for(1)[0]
        self.assertEqual(signatures(request), [sign(new, request.header("webhook-id"),
                                                    request.header("webhook-timestamp"), request.body)])
        path = f"{path_of(subscription)}/revoke-secret"
        self.expect_problem(409, "CONFLICT_STATE", self.api.post(path, {"fingerprint": fingerprint(new)}))
        self.expect_problem(404, "NOT_FOUND", self.api.post(path, {"fingerprint": fingerprint(old)}))
        self.expect_problem(422, "VALIDATION_FAILED", self.api.post(path, {}))
        actions = [entry["action"] for entry in self.api.get("/api/v1/audit-log").json["data"]]
        self.assertIn("subscription.secret_revoked", actions)

    def test_another_tenant_cannot_revoke(self):
        subscription = self.create()
        self.rotate(subscription)
        stranger = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        body = {"fingerprint": fingerprint(subscription["secret_key"])}

        self.expect_problem(404, "NOT_FOUND", stranger.post(f"{path_of(subscription)}/revoke-secret", body))
        self.assertEqual(len(self.subscription(subscription)["signing_secrets"]), 2)


class Payloads(SigningCase):
    def test_raw_is_the_data_alone(self):
        data = {"id": 42, "price": "1.50"}
        subscription, request = self.delivered({"data": data, "changes": {"price": {"old": 1, "new": 2}}},
                                               payload_format="RAW", content_type="application/vnd.acme+json")

        self.assertEqual(request.json, data)
        self.assertEqual(request.header("content-type"), "application/vnd.acme+json")
        self.assertTrue(is_signed_with(subscription["secret_key"], request))

    def test_a_structured_cloud_event_is_as_documented(self):
        event = {"subject": "order/42", "occurred_at": "2025-08-19T09:30:00Z"}
        subscription, request = self.delivered(event, payload_format="CLOUDEVENTS")

        self.assertEqual(request.header("content-type"), "application/cloudevents+json")
        CONTRACT.check_cloud_event(request.json)
        self.assertEqual(request.json, {
            "specversion": "1.0",
            "id": request.header("webhook-id"),
            "source": f"/tenants/{self.tenant['id']}",
            "type": "order.created",
            "subject": "order/42",
            "time": "2025-08-19T09:30:00.000Z",
            "datacontenttype": "application/json",
            "tenantid": self.tenant["id"],
            "data": {"id": 42},
        })
        self.assertTrue(is_signed_with(subscription["secret_key"], request))

    def test_a_binary_cloud_event_has_its_attributes_in_headers(self):
        _, request = self.delivered({"subject": "order/ü 42%"}, payload_format="CLOUDEVENTS_BINARY")

        self.assertEqual(request.json, {"id": 42})
        self.assertEqual(request.header("content-type"), "application/json")
        attributes = {name: value for name, value in request.headers if name.startswith("ce-")}
        attributes.pop("ce-time")
        self.assertEqual(attributes, {
            "ce-specversion": "1.0",
            "ce-id": request.header("webhook-id"),
            "ce-source": f"/tenants/{self.tenant['id']}",
            "ce-type": "order.created",
            "ce-subject": "order/%C3%BC%2042%25",
            "ce-tenantid": self.tenant["id"],
        })

    def test_a_form_names_what_is_nested_and_is_signed_as_it_is_sent(self):
        data = {"id": 42, "ok": True, "none": None, "lines": [{"sku": "A 1"}, {"sku": "é&="}], "empty": []}
        subscription, request = self.delivered({"data": data}, content_type=FORM, payload_format="RAW")

        self.assertEqual(request.header("content-type"), FORM)
        self.assertEqual(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True), [
            ("id", "42"), ("ok", "true"), ("none", ""), ("lines[0][sku]", "A 1"), ("lines[1][sku]", "é&=")])
        self.assertTrue(is_signed_with(subscription["secret_key"], request))
        _, standard = self.delivered(content_type=FORM)
        self.assertEqual([name for name, _ in parse_qsl(standard.body.decode())],
                         ["id", "type", "timestamp", "tenant_id", "data[id]"])
        _, entity = self.delivered(content_type=FORM, payload_format="ENTITY")
        self.assertEqual([name for name, _ in parse_qsl(entity.body.decode())],
                         ["event_type", "timestamp", "tenant[id]", "tenant[name]", "order[id]"])

    def test_a_cloud_event_is_no_form(self):
        for payload in ("CLOUDEVENTS", "CLOUDEVENTS_BINARY"):
            self.assertEqual(self.refused(payload_format=payload, content_type=FORM),
                             {"#/content_type": "INVALID"})
        for content_type in ("text/plain", "application/xml", "application/json; charset=x", "a" * 101):
            self.assertEqual(list(self.refused(content_type=content_type)), ["#/content_type"])

    def test_a_form_that_would_swell_ends_as_failed_and_is_not_tried_again(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver, content_type=FORM)
        self.publish(data={"k" * 200_000: list(range(100))})

        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertEqual((delivery["error_class"], delivery["attempt_number"]), ("PAYLOAD_TOO_BIG", 1))
        self.assertEqual(receiver.requests, [])

    def test_the_detail_of_a_delivery_shows_its_signature_headers(self):
        subscription, request = self.delivered(signing_scheme="GITHUB")
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]

        detail = self.expect(200, self.api.get(f"/api/v1/webhooks/deliveries/{delivery['id']}"))
        self.assertEqual(detail["payload"], json.loads('{"id": 42}'))
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}"
        headers = eventually(lambda: self.expect(200, self.api.get(path))["request_headers"], "the wire log")
        self.assertEqual(headers["X-Hub-Signature-256"], request.header("x-hub-signature-256"))


if __name__ == "__main__":
    unittest.main()
