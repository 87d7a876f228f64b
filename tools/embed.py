#!/usr/bin/env python3
"""Writes a C++ file that carries other files as string literals.

The generated function returns a span of base::EmbeddedFile {name, content}; name is the file's base name.
"""
import argparse
import pathlib

CHUNK_BYTES = 8000  # compilers limit the length of one literal; adjacent literals are joined


def literal(content: bytes) -> str:
    """The content as adjacent C string literals; octal escapes end after three digits,
    so nothing can run on."""
    plain = set(range(32, 127)) - {ord('"'), ord("\\"), ord("?")}
    pieces = []
    for start in range(0, len(content), CHUNK_BYTES):
        chunk = content[start:start + CHUNK_BYTES]
        pieces.append('"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in chunk) + '"')
    return "\n    ".join(pieces) if pieces else '""'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--function", required=True)
    parser.add_argument("--header", required=True)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()

    rows = []
    for path in sorted(args.files, key=lambda p: p.name):
        content = path.read_bytes()
        rows.append(f"  {{\"{path.name}\", std::string_view({literal(content)}, {len(content)})}},")
    args.output.write_text(
        f'#include "{args.header}"\n\n'
        '#pragma clang diagnostic ignored "-Woverlength-strings"\n\n'
        # Joined literals over 64 KiB are more than the standard promises; the one compiler used takes them.
        '#pragma clang diagnostic ignored "-Woverlength-strings"\n\n'
        f"namespace {args.namespace} {{\n\n"
        f"static constexpr base::EmbeddedFile kFiles[] = {{\n" + "\n".join(rows) + "\n};\n\n"
        f"std::span<const base::EmbeddedFile> {args.function}() {{ return kFiles; }}\n\n"
        f"}}  // namespace {args.namespace}\n")


if __name__ == "__main__":
    main()
