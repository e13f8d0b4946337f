"""JSON Schemas of requests and replies, as MCP tools and the HTTP description show them.

Owns how our models look to clients: self-contained (no references, which several MCP clients do not follow), without
the titles pydantic derives from field names. What the models allow is in `delegator/schemas.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel

_KEYWORDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Bounds that pydantic leaves in its own words where a validator stands around the number."""


def self_contained(
    model: type[BaseModel], *, mode: Literal["validation", "serialization"], without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the JSON Schema of a model, all definitions put where they are used.

    Args:
        model: a request or reply; must not contain itself.
        mode: what is taken in, or what is sent out.
        without: fields to leave out, because they stand elsewhere (in the path).
    """
    schema = model.model_json_schema(mode=mode, by_alias=True)
    plain: dict[str, Any] = _resolved(schema, schema.pop("$defs", {}))
    plain.setdefault("properties", {})
    for name in without:
        plain["properties"].pop(name, None)
    if "required" in plain:
        plain["required"] = [name for name in plain["required"] if name not in without]
    return plain


def _resolved(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved({**target, **beside}, definitions)
    found: dict[str, Any] = {}
    key: str
    for key, value in node.items():
        if key == "properties":
            found[key] = {name: _resolved(item, definitions) for name, item in value.items()}
        elif key in ("default", "enum", "const", "examples"):
            found[key] = value
        elif key != "title":
            found[_KEYWORDS.get(key, key)] = _resolved(value, definitions)
    return found
