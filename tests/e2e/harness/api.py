"""A client of the API that holds every answer against the OpenAPI document."""
import http.client
import json
import ssl
from dataclasses import dataclass
from email.message import Message
from typing import Any

from harness.contract import CONTRACT

TIMEOUT_S = 30


@dataclass(slots=True)
class Reply:
    status: int
    headers: Message
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The problem's code; empty for an answer that is none."""
        is_problem = self.headers.get_content_type() == "application/problem+json"
        return self.json["code"] if is_problem else ""

    @property
    def pointers(self) -> dict[str, str]:
        """The members a validation problem names, each with its code."""
        return {error["pointer"]: error["code"] for error in self.json.get("errors", [])}


class Api:
    """Speaks as one key. Each request has a connection of its own, so that all threads of the server are
    met."""

    def __init__(self, port: int, key: str = "", tenant: str = "", tls: ssl.SSLContext | None = None):
        self._port = port
        self._key = key
        self._tenant = tenant
        self._tls = tls

    def as_key(self, key: str, tenant: str = "") -> "Api":
        return Api(self._port, key, tenant, self._tls)

    def get(self, path: str, **options) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options) -> Reply:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options) -> Reply:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options) -> Reply:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options) -> Reply:
        return self.request("DELETE", path, **options)

    def request(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None,
                headers: dict[str, str] | None = None) -> Reply:
        """body is sent as JSON; raw is sent as it is."""
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        fields = {} if content is None else {"Content-Type": "application/json"}
        if self._key:
            fields["Authorization"] = f"Bearer {self._key}"
        if self._tenant:
            fields["X-Tenant-Id"] = self._tenant
        reply = self._exchange(method, path, content, fields | (headers or {}))
        CONTRACT.check(method, path, reply.status, reply.headers, reply.content)
        return reply

    def _exchange(self, method: str, path: str, content: bytes | None, fields: dict[str, str]) -> Reply:
        if self._tls:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self._port, timeout=TIMEOUT_S, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, content, fields)
            response = connection.getresponse()
            return Reply(response.status, response.msg, response.read())
        finally:
            connection.close()
