"""Checks values against the part of JSON Schema that api/openapi.json uses."""
import re
import uuid
from datetime import datetime
from typing import Any, Iterator

TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


class SchemaChecker:
    def __init__(self, document: dict):
        self._document = document

    def resolve(self, node: dict) -> dict:
        """The node, or what its $ref points to."""
        while "$ref" in node:
            target = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def mistakes(self, schema: dict, value: Any, where: str = "$") -> Iterator[str]:
        """What is wrong with the value. An object may have no member that its schema does not describe."""
        schema = self.resolve(schema)
        if "type" in schema and not self._has_type(schema["type"], value):
            yield f"{where}: {value!r} is not {schema['type']}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if "const" in schema and value != schema["const"]:
            yield f"{where}: {value!r} is not {schema['const']!r}"
        yield from self._combined(schema, value, where)
        if isinstance(value, str):
            yield from self._of_string(schema, value, where)
        elif isinstance(value, dict):
            yield from self._of_object(schema, value, where)
        elif isinstance(value, list):
            yield from self._of_array(schema, value, where)
        elif isinstance(value, int) and not isinstance(value, bool):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                yield f"{where}: {value} is out of range"

    @staticmethod
    def _has_type(wanted: str | list, value: Any) -> bool:
        names = [wanted] if isinstance(wanted, str) else wanted
        return any(
            isinstance(value, TYPES[name]) and (name == "boolean") == isinstance(value, bool)
            for name in names
        )

    def _combined(self, schema: dict, value: Any, where: str) -> Iterator[str]:
        for word, enough in (("oneOf", lambda fits: fits == 1), ("anyOf", lambda fits: fits >= 1)):
            if word in schema:
                found = [list(self.mistakes(option, value, where)) for option in schema[word]]
                if not enough(sum(not each for each in found)):
                    yield f"{where}: {word} does not hold: {found}"
        if "not" in schema and not list(self.mistakes(schema["not"], value, where)):
            yield f"{where}: {value!r} is what it may not be"

    @staticmethod
    def _of_string(schema: dict, value: str, where: str) -> Iterator[str]:
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{where}: {len(value)} characters"
        try:
            if schema.get("format") == "uuid":
                uuid.UUID(value)
            elif schema.get("format") == "date-time":
                datetime.fromisoformat(value)
        except ValueError:
            yield f"{where}: {value!r} is not a {schema['format']}"

    def _of_object(self, schema: dict, value: dict, where: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", "properties" not in schema)
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: no member {name}"
        for name, member in value.items():
            if name in properties:
                yield from self.mistakes(properties[name], member, f"{where}.{name}")
            elif isinstance(others, dict):
                yield from self.mistakes(others, member, f"{where}.{name}")
            elif not others:
                yield f"{where}: member {name} is not described"

    def _of_array(self, schema: dict, value: list, where: str) -> Iterator[str]:
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{where}: {len(value)} elements"
        for position, element in enumerate(value):
            yield from self.mistakes(schema.get("items", {}), element, f"{where}[{position}]")
