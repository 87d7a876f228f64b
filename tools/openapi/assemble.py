#!/usr/bin/env python3
"""Puts the schemas that follow from the tables of the resources into api/openapi.json.

usage: assemble.py SCHEMAS      the program build/dev/src/api/crossdock_schemas, which prints them

Of a schema that a table describes, the table's members come first, in its order; what the API adds beside
them, and whatever else a schema says, stays as it is. A test of api/ fails where table and document differ.
"""
import json
import pathlib
import subprocess
import sys

WIDTH = 120
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "api/openapi.json"


def assemble(document: dict, tables: dict) -> None:
    for name, members in tables.items():
        schema = document["components"]["schemas"][name]
        added = {key: value for key, value in schema["properties"].items() if key not in members}
        schema["properties"] = members | added


def render(value, indent: int = 0, used: int = 0) -> str:
    """JSON in which what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or indent + used + len(flat) <= WIDTH:
        return flat
    inner = indent + 2
    if isinstance(value, dict):
        keys = [json.dumps(key, ensure_ascii=False) + ": " for key in value]
        parts = [key + render(one, inner, len(key) + 1) for key, one in zip(keys, value.values())]
        begin, end = "{}"
    else:
        parts = [render(one, inner, 1) for one in value]
        begin, end = "[]"
    lines = ",\n".join(" " * inner + part for part in parts)
    return f"{begin}\n{lines}\n{' ' * indent}{end}"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    tables = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
    document = json.loads(DOCUMENT.read_text())
    assemble(document, tables)
    DOCUMENT.write_text(render(document) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
