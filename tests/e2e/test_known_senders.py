"""What the documents say of receiving: their examples give what they say,
and their table is that of the schemes."""
import base64
import hmac
import json
import pathlib
import re
import unittest

from harness import HubCase, eventually, on_both_engines

load_tests = on_both_engines

ROOT = pathlib.Path(__file__).parents[2]
ENDPOINTS = "/api/v1/webhooks/endpoints"
RECEIVED = "/api/v1/webhooks/received"


class Examples(HubCase):
    def test_of_endpoints_publish_what_the_text_says(self):
        text = (ROOT / "docs/inbound.md").read_text()
        examples = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
        self.assertEqual(len(examples), 2)
        body = b'{"id": 42}'
        for example, (type, subject) in zip(examples, (("shopify.orders.create", ""),
                                                       ("shopify.order.orders.create", "order/42"))):
            with self.subTest(example["endpoint_path"]):
                self.assertIn(f"`{type}`", text)
                self.expect(201, self.api.post(ENDPOINTS, example))
                mac = hmac.digest(example["secret_key"].encode(), body, "sha256")
                digest = base64.b64encode(mac).decode()
                headers = {"X-Shopify-Hmac-Sha256": digest, "X-Shopify-Topic": "orders/create",
                           "X-Shopify-Webhook-Id": "w1", "Content-Type": "application/json"}
                path = f"/webhooks/{self.tenant['slug']}/{example['endpoint_path']}"
                id = self.expect(200, self.hub.api.post(path, raw=body, headers=headers))["id"]
                found = eventually(lambda: self.processed(id), f"{id} processed")
                event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
                self.assertEqual((event["type"], event["subject"] or ""), (type, subject))

    def processed(self, id: str) -> dict | None:
        found = self.expect(200, self.api.get(f"{RECEIVED}/{id}"))
        return found if found["status"] == "PROCESSED" else None


def places(value) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def guard(scheme: dict) -> str:
    """What keeps a captured request from counting once more under another name."""
    kind = scheme.get("kind", "hmac")
    if kind == "none":
        return "not signed"
    if kind in ("token", "basic"):
        return "a shared secret"
    content = scheme.get("content", "{body}")
    content = " ".join(content.values()) if isinstance(content, dict) else content
    claims = " ".join(scheme.get("claims", {}).values())
    covers_body = "{body}" in content or "(body)" in content or "(body)" in claims

    def is_signed(place: str) -> bool:
        if place == "body":
            return covers_body
        name = place.split(":", 1)[1]
        if place.startswith(("json:", "form:", "xml:")):
            return covers_body or name in content
        return place.startswith(("jwt:", "item:")) or "{id}" in content

    times = places(scheme.get("ts"))
    if times and scheme.get("tolerance", 300) > 0 and ("{ts}" in content or all(map(is_signed, times))):
        return "its age"
    dedup = scheme.get("dedup", "id")
    if dedup == "body" and covers_body:
        return "the body"
    made_of = [part for place in places(scheme.get("id")) for part in (
        re.findall(r"\{([^}]+)\}", place) if place.startswith("hash:") else [place])]
    if dedup != "id" or not made_of or not all(map(is_signed, made_of)):
        return "nothing"
    return "the body" if made_of == ["body"] else "its id"


class Table(unittest.TestCase):
    def test_of_known_senders_is_that_of_their_schemes(self):
        said = dict(re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \|$", (ROOT / "docs/signatures.md").read_text(),
                               re.MULTILINE))
        found = {file.stem: guard(json.loads(file.read_text()))
                 for file in (ROOT / "signatures").glob("*.json")}
        self.assertEqual({name: said.get(name) for name in found}, found)


if __name__ == "__main__":
    unittest.main()
