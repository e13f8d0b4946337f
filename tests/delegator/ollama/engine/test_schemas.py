"""Schemas in the words of the engine (item 11)."""

from __future__ import annotations

from delegator.ollama.engine.schemas import constraint

COMPACT = {"whitespace_flexible": False}


def test_objects_have_only_what_is_stated_at_every_depth():
    inner = {"type": "object", "properties": {"properties": {"type": "string"}}}

    closed = constraint({"type": "object", "properties": {"list": {"type": "array", "items": inner}}})

    assert closed == {
        "type": "object",
        "properties": {"list": {"type": "array", "items": {**inner, "additionalProperties": False}}},
        "additionalProperties": False,
        "x-guidance": COMPACT,
    }


def test_what_is_said_about_further_properties_stands():
    stated = {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}

    assert constraint(stated) == {**stated, "x-guidance": COMPACT}


def test_no_schema_is_any_object():
    assert constraint({}) == {"type": "object", "x-guidance": COMPACT}
