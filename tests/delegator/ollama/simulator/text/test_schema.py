"""JSON that follows a schema (item 11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from delegator.ollama.simulator.text.reply import ReplyRequest
from delegator.ollama.simulator.text.schema import json_text


def value_for(schema: dict[str, Any], text: str = "some words") -> Any:
    return json.loads(json_text(ReplyRequest("m", (), schema=schema), text))


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, str),
        ({"type": "integer"}, int),
        ({"type": "number"}, float),
        ({"type": "boolean"}, bool),
        ({"type": "null"}, type(None)),
        ({"type": ["string", "null"]}, str),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, int),
        ({"type": "array", "items": {"type": "string"}}, list),
        ({}, dict),
    ],
)
def test_each_type_gets_a_value_of_it(schema: dict[str, Any], kind: type):
    assert type(value_for(schema)) is kind


def test_bounds_and_choices_hold():
    schema = {
        "type": "object",
        "properties": {
            "size": {"enum": ["small", "large"]},
            "count": {"type": "integer", "minimum": 3, "maximum": 4},
            "words": {"type": "array", "items": {"type": "string", "maxLength": 4}, "minItems": 2},
            "fixed": {"const": 7},
            "node": {"$ref": "#/$defs/node"},
        },
        "$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }

    value = value_for(schema)

    assert value["size"] in ("small", "large")
    assert value["count"] in (3, 4)
    assert value["words"] == ["some", "some"]
    assert value["fixed"] == 7
    assert value["node"] == {"name": "some words"}


def test_a_schema_that_refers_to_itself_ends():
    schema: dict[str, Any] = {"type": "object", "properties": {"child": {"$ref": "#"}}}

    assert "child" in value_for(schema)


@pytest.mark.parametrize("odd", [{"type": 5}, {"properties": 3}, {"$ref": "#/nowhere"}, {"type": "array", "items": 1}])
def test_an_odd_schema_breaks_nothing(odd: dict[str, Any]):
    json.dumps(value_for(odd))
