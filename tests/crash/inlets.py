"""The inlets of an inbound run: the server's own endpoints, where webhooks come in,
and how their senders sign.

They are called inlets here because an endpoint of the crash test is one of the receiver.
"""
import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from api import Api
from oracle import EVENT_TYPES, TENANTS

STANDARD, PLAIN, BATCH = "standard", "plain", "batch"
# Where the id is: in a header; nowhere, the body is what is known again; in each element of a batch.
SCHEMES = {
    STANDARD: {"signature_scheme": "standard_webhooks"},
    PLAIN: {"signature_header": "X-Signature"},
    BATCH: {"signature_scheme": {"kind": "hmac", "sig": "header:x-signature", "each": "json:events",
                                 "id": "json:id"}},
}
SETTINGS = {
    "source": "crash",
    "on_conflict": "hold",  # so that they can be told from others by their status
    "paths": {"event_type": "json:type", "table": "const:things", "record_id": "json:thing",
              "record": "json:data"},
    # The receiver's subscriptions and the oracle know events by these types.
    "routes": [{"event_type": each, "publish": each} for each, _ in EVENT_TYPES],
}


@dataclass(frozen=True)
class Inlet:
    """number names it in the ledger."""
    number: int
    tenant: int
    kind: str

    @property
    def target(self) -> str:
        return f"/webhooks/crash-{self.tenant}/{self.kind}"


INLETS = tuple(Inlet(tenant * len(SCHEMES) + i, tenant, kind)
               for tenant in range(TENANTS) for i, kind in enumerate(SCHEMES))


def make_inlets(api: Api, keys: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    """Their numbers by id, and their secrets by number."""
    numbers, made_secrets = {}, {}
    for inlet in INLETS:
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        wanted = {"endpoint_path": inlet.kind, "secret_key": secret, **SCHEMES[inlet.kind], **SETTINGS}
        made = api.call("POST", "/api/v1/webhooks/endpoints", keys[inlet.tenant], wanted)
        numbers[made["id"]] = inlet.number
        made_secrets[inlet.number] = secret
    return numbers, made_secrets


def signed_headers(kind: str, secret: str, webhook_id: str, at_s: int, body: bytes) -> dict[str, str]:
    if kind != STANDARD:
        return {"X-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{webhook_id}.{at_s}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": webhook_id, "webhook-timestamp": str(at_s),
            "webhook-signature": "v1," + base64.b64encode(digest).decode()}
