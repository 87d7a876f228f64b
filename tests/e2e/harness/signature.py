"""Verifies deliveries as a receiver would, by the text of Standard Webhooks alone."""
import base64
import hashlib
import hmac
import time

from harness.receiver import Request

TOLERANCE_S = 300


def sign(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def signatures(request: Request) -> list[str]:
    return (request.header("webhook-signature") or "").split(" ")


def is_signed_with(secret: str, request: Request) -> bool:
    """Whether one of the signatures fits, and the timestamp is of now."""
    timestamp = request.header("webhook-timestamp")
    expected = sign(secret, request.header("webhook-id"), timestamp, request.body)
    return expected in signatures(request) and abs(time.time() - int(timestamp)) < TOLERANCE_S
