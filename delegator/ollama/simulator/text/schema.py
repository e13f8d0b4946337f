"""Writes JSON that follows a schema, as constrained sampling would (item 11)."""

from __future__ import annotations

import json
from typing import Any

from delegator.ollama.simulator.text.reply import ReplyRequest

MAX_DEPTH = 12
"""Deeper schemas, and those that refer to themselves, end in null."""


def json_text(request: ReplyRequest, text: str) -> str:
    """Return an answer that follows `request.schema`; free texts in it are taken from `text`."""
    schema = request.schema or {}
    value = {"answer": text} if not schema else _value(schema, schema, text, request.number("schema"), 0)
    return json.dumps(value, ensure_ascii=False)


def _value(schema: Any, root: dict[str, Any], text: str, number: int, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    if "$ref" in schema:
        return _value(_resolve(str(schema["$ref"]), root), root, text, number, depth + 1)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][number % len(schema["enum"])]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return _value(schema[key][0], root, text, number, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "null"
    if kind == "object":
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        return {
            name: _value(part, root, text, number + i, depth + 1) for i, (name, part) in enumerate(properties.items())
        }
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        count = min(count, int(schema.get("maxItems", count)), 100)
        return [_value(schema.get("items", {}), root, text, number + i, depth + 1) for i in range(count)]
    return _scalar(kind, schema, text, number)


def _scalar(kind: str, schema: dict[str, Any], text: str, number: int) -> Any:
    low = schema.get("minimum", 0)
    match kind:
        case "string":
            least = int(schema.get("minLength", 0))
            return text.ljust(least, ".")[: max(least, int(schema.get("maxLength", 80)))]
        case "integer":
            return min(int(low) + number % 10, int(schema.get("maximum", int(low) + 10)))
        case "number":
            return min(float(low) + number % 10 / 10, float(schema.get("maximum", float(low) + 1)))
        case "boolean":
            return number % 2 == 0
        case _:
            return None


def _resolve(reference: str, root: dict[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if part and isinstance(found, dict) else found
    return found
