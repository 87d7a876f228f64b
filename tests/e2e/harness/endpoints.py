"""Endpoints under test: making them, sending to them as GitHub does, and asking what became of it."""
import hashlib
import hmac
import uuid

from harness.case import HubCase
from harness.wait import PATIENCE_S, eventually

ENDPOINTS = "/api/v1/webhooks/endpoints"
RECEIVED = "/api/v1/webhooks/received"
SECRET = "It's a Secret to Everybody"


def github_headers(body: bytes, secret: str = SECRET, **more: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": str(uuid.uuid4()),
            "Content-Type": "application/json"} | more


class EndpointCase(HubCase):
    """Endpoints of the test's tenant, and what becomes of that which is sent to them."""

    def make_endpoint(self, path: str = "github", **settings) -> dict:
        wanted = {"endpoint_path": path, "signature_scheme": "github", "secret_key": SECRET} | settings
        return self.expect(201, self.api.post(ENDPOINTS, wanted))

    def path_of(self, endpoint: dict) -> str:
        return f"/webhooks/{self.tenant['slug']}/{endpoint['endpoint_path']}"

    def send(self, endpoint: dict, body: bytes, headers: dict[str, str] | None = None, query: str = ""):
        return self.hub.api.post(self.path_of(endpoint) + query, raw=body, headers=headers
                                 or github_headers(body))

    def received(self, query: str = "") -> list[dict]:
        return self.expect(200, self.api.get(f"{RECEIVED}{query}"))["data"]

    def detail(self, id: str) -> dict:
        return self.expect(200, self.api.get(f"{RECEIVED}/{id}"))

    def wait_processed(self, id: str, status: str = "PROCESSED", within: float = PATIENCE_S) -> dict:
        def look() -> dict | None:
            found = self.detail(id)
            return found if found["status"] == status else None
        return eventually(look, f"{id} {status}", within)
