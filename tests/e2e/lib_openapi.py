# SPDX-License-Identifier: Apache-2.0
"""Reading kt-server/openapi.yaml, which keeps to a small part of YAML, and checking values against its schemas."""

import json
import re

KEY = re.compile(r'^(?:"([^"]*)"|([A-Za-z0-9_/{}.$+-]+)):(?: (.*))?$')
ANNOTATIONS = {"description", "example", "contentMediaType"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}


class Reader:
    """Blocks of two spaces; one-line scalars, plain or JSON; ">-" folds. Anything else is an error."""

    def __init__(self, text):
        lines = enumerate(text.splitlines(), 1)
        self.lines = [(n, len(line) - len(line.lstrip(" ")), line.strip()) for n, line in lines
                      if line.strip() and not line.lstrip().startswith("#")]
        self.at = 0

    def fail(self, why):
        raise ValueError(f"line {self.lines[min(self.at, len(self.lines) - 1)][0]}: {why}")

    def indent(self):
        return self.lines[self.at][1] if self.at < len(self.lines) else -1

    def scalar(self, text, indent):
        if text == ">-":
            words = []
            while self.indent() > indent:
                words.append(self.lines[self.at][2])
                self.at += 1
            return " ".join(words)
        if text[0] in '"[{' or text in ("true", "false", "null") or re.fullmatch(r"-?[0-9]+", text):
            return json.loads(text)
        if text[0] in "&*!|>%@`'" or ": " in text or " #" in text:
            self.fail(f"not a plain scalar: {text}")
        return text

    def block(self, indent):
        if self.lines[self.at][2].startswith("- "):
            return self.sequence(indent)
        mapping = {}
        while self.indent() == indent:
            found = KEY.match(self.lines[self.at][2])
            if not found:
                self.fail("not a key")
            key = found.group(1) if found.group(1) is not None else found.group(2)
            if key in mapping:
                self.fail(f"{key} twice")
            self.at += 1
            mapping[key] = self.scalar(found.group(3), indent) if found.group(3) else self.below(indent)
        if self.indent() > indent:
            self.fail("indentation")
        return mapping

    def below(self, indent):
        if self.indent() != indent + 2:
            self.fail("a block of two more spaces must follow")
        return self.block(indent + 2)

    def sequence(self, indent):
        items = []
        while self.indent() == indent and self.lines[self.at][2].startswith("- "):
            text = self.lines[self.at][2][2:]
            self.at += 1
            items.append(self.scalar(text, indent))
        return items


def read_yaml(text):
    reader = Reader(text)
    document = reader.block(0)
    if reader.at != len(reader.lines):
        reader.fail("after the end")
    return document


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def type_fits(value, names):
    names = [names] if isinstance(names, str) else names
    return any(isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name == "integer")
               for name in names)


def check_object(document, schema, value, where):
    properties = schema.get("properties", {})
    missing = [name for name in schema.get("required", []) if name not in value]
    extra = [name for name in value if name not in properties] if schema.get("additionalProperties") is False else []
    if missing or extra:
        raise ValueError(f"{where}: missing {missing}, not documented {extra}")
    for name in value:
        if name in properties:
            validate(document, properties[name], value[name], f"{where}.{name}")


def check_bounds(schema, value, where):
    if isinstance(value, int) and not isinstance(value, bool):
        ok = schema.get("minimum", value) <= value <= schema.get("maximum", value)
    elif isinstance(value, str):
        ok = (schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)) and
              re.search(schema.get("pattern", ""), value) is not None)
    else:
        ok = True
    if not ok or value not in schema.get("enum", [value]):
        raise ValueError(f"{where}: {value!r} does not fit {schema}")


KEYWORDS = {"type", "required", "properties", "additionalProperties", "items", "enum", "pattern", "minimum", "maximum",
            "minLength", "maxLength"}


def validate(document, schema, value, where="$"):
    """JSON Schema, as far as this document uses it: an unknown keyword is an error, not a pass."""
    schema = resolve(document, schema)
    if schema is True:
        return
    unknown = set(schema) - KEYWORDS - ANNOTATIONS
    if unknown:
        raise ValueError(f"{where}: keywords {unknown}")
    if "type" in schema and not type_fits(value, schema["type"]):
        raise ValueError(f"{where}: {value!r} is no {schema['type']}")
    check_bounds(schema, value, where)
    if isinstance(value, dict):
        check_object(document, schema, value, where)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            validate(document, schema.get("items", True), item, f"{where}[{i}]")
