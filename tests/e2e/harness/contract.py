"""Holds every answer of the server against api/openapi.json, so that the document is not only well-formed but
true."""
import json
import re
from typing import Mapping

from harness.paths import OPENAPI
from harness.schema import SchemaChecker

# Said only where there is something to say.
OPTIONAL_HEADERS = {"Idempotency-Replayed"}


class Contract:
    def __init__(self, document: dict):
        self._schemas = SchemaChecker(document)
        self.document = document
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item)
                       for path, item in document["paths"].items()]

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
        """AssertionError where the answer is not what the document says of it."""
        operation = self._operation("GET" if method == "HEAD" else method, path.split("?")[0])
        if operation is None:
            assert status in (404, 405), f"{method} {path} is not in the document but answers {status}"
            response = self.document["components"]["responses"]["Problem"]
        else:
            responses = operation["responses"]
            if status < 400:
                assert str(status) in responses, f"{method} {path}: status {status} is not in the document"
            response = self._schemas.resolve(responses.get(str(status), responses["default"]))
        mistakes = list(self._of_headers(response, headers))
        if method != "HEAD":
            mistakes += self._of_body(response, headers, content)
        assert not mistakes, f"{method} {path} {status} is not as documented: {mistakes}"

    def check_delivery(self, body: dict) -> None:
        """The same for what a receiver gets as STANDARD or ENTITY."""
        media = self.document["webhooks"]["delivery"]["post"]["requestBody"]["content"]["application/json"]
        described = [each for each in media["schema"]["anyOf"] if not each["$ref"].endswith("/RawBody")]
        mistakes = list(self._schemas.mistakes({"anyOf": described}, body))
        assert not mistakes, f"the delivery is not as documented: {mistakes}"

    def check_cloud_event(self, body: dict) -> None:
        """The same for CLOUDEVENTS."""
        schema = {"$ref": "#/components/schemas/CloudEventBody"}
        mistakes = list(self._schemas.mistakes(schema, body))
        assert not mistakes, f"the CloudEvent is not as documented: {mistakes}"

    def _operation(self, method: str, path: str) -> dict | None:
        items = [item for pattern, item in self._paths if pattern.fullmatch(path)]
        # /a/batch fits /a/{id} too: the path without a parameter comes first.
        exact = self.document["paths"].get(path)
        for item in [exact] if exact else items:
            if method.lower() in item:
                return item[method.lower()]
        return None

    def _of_headers(self, response: dict, headers: Mapping[str, str]):
        for name, header in response["headers"].items():
            if name in headers:
                yield from self._schemas.mistakes({"type": "string"}, headers[name], name)
            elif name not in OPTIONAL_HEADERS:
                yield f"no header {name}"

    def _of_body(self, response: dict, headers: Mapping[str, str], content: bytes):
        media = response.get("content", {})
        if not media:
            if content:
                yield "a body, though none is described"
            return
        if not content and response.get("x-may-be-empty"):
            return
        media_type = (headers.get("Content-Type") or "").split(";")[0]
        if media_type not in media:
            yield f"Content-Type {media_type!r}, not one of {list(media)}"
        elif media_type.endswith("json"):
            yield from self._schemas.mistakes(media[media_type]["schema"], json.loads(content))


CONTRACT = Contract(json.loads(OPENAPI.read_text()))
